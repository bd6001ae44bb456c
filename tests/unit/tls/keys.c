// SPDX-License-Identifier: Apache-2.0
// Keys and record numbers, of a real handshake: what is sealed with them, the other side opens.
#include "tls/keys.h"

#include <openssl/ec.h>
#include <openssl/x509.h>
#include <string.h>

#include "tap.h"

enum { TAG_BYTES = 16, HEADER_BYTES = 5 };

struct pair {
	SSL_CTX *server_context, *client_context;
	SSL *server, *client;
	BIO *to_server, *to_client;
	struct sl_tls_keys keys; /* the server's */
};

/* RFC 8448 3. */
static void test_vectors(void)
{
	static const unsigned char secret[] = {
		0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56, 0xad, 0x47, 0x11,
		0x6b, 0x45, 0xa9, 0x50, 0x32, 0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb,
		0x6b, 0x3a, 0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43,
	};
	static const unsigned char want_key[] = { 0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef,
						  0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92, 0xe3, 0x56 };
	static const unsigned char want_iv[] = { 0xcf, 0x78, 0x2b, 0x88, 0xdd, 0x83,
						 0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84 };
	struct sl_tls_keys k = { .secret_len = sizeof(secret), .sent.has_begun = true };
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL *ssl = SSL_new(context);
	unsigned char key[SL_TLS_KEY_MAX], iv[SL_TLS_IV_BYTES];

	memcpy(k.sent.secret, secret, sizeof(secret));
	ok(sl_tls_keys_derive(&k, ssl, true, key, 16, iv), "keys of RFC 8448's secret");
	ok(memcmp(key, want_key, sizeof(want_key)) == 0, "its key");
	ok(memcmp(iv, want_iv, sizeof(want_iv)) == 0, "its iv");
	ok(!sl_tls_keys_derive(&k, ssl, false, key, 16, iv), "none before Finished");
	sl_tls_keys_forget(&k);
	ok(!sl_tls_keys_derive(&k, ssl, true, key, 16, iv), "nor when they are forgotten");
	SSL_free(ssl);
	SSL_CTX_free(context);
}

static void use_own_certificate(SSL_CTX *ssl)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	SSL_CTX_use_certificate(ssl, x);
	SSL_CTX_use_PrivateKey(ssl, key);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* Both sides, through memory, to the end of the handshake. */
static void open_pair(struct pair *p, const char *suite, unsigned tickets)
{
	*p = (struct pair){ .server_context = SSL_CTX_new(TLS_server_method()),
			    .client_context = SSL_CTX_new(TLS_client_method()) };
	use_own_certificate(p->server_context);
	SSL_CTX_set_num_tickets(p->server_context, tickets);
	sl_tls_keys_prepare(p->server_context);
	p->server = SSL_new(p->server_context);
	p->client = SSL_new(p->client_context);
	SSL_set_ciphersuites(p->client, suite);
	p->to_server = BIO_new(BIO_s_mem());
	p->to_client = BIO_new(BIO_s_mem());
	BIO_up_ref(p->to_server);
	BIO_up_ref(p->to_client);
	SSL_set_bio(p->server, p->to_server, p->to_client);
	SSL_set_bio(p->client, p->to_client, p->to_server);
	SSL_set_accept_state(p->server);
	SSL_set_connect_state(p->client);
	sl_tls_keys_watch(&p->keys, p->server);
	for (int i = 0; i < 4; i++) {
		SSL_do_handshake(p->client);
		SSL_do_handshake(p->server);
	}
}

static void close_pair(struct pair *p)
{
	SSL_free(p->server);
	SSL_free(p->client);
	SSL_CTX_free(p->server_context);
	SSL_CTX_free(p->client_context);
	sl_tls_keys_forget(&p->keys);
}

/* RFC 8446 5.3: the number of the record goes into the nonce. */
static void make_nonce(unsigned char iv[SL_TLS_IV_BYTES], uint64_t record)
{
	for (int i = SL_TLS_IV_BYTES - 1; record; i--, record >>= 8)
		iv[i] ^= (unsigned char)record;
}

static const EVP_CIPHER *cipher_of(const SSL *ssl)
{
	return EVP_get_cipherbynid(SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl)));
}

/* A record of ours, as whoever takes over would seal it; is it what the client opens? */
static bool is_opened(struct pair *p, const char *text)
{
	const EVP_CIPHER *cipher = cipher_of(p->server);
	unsigned char key[SL_TLS_KEY_MAX], iv[SL_TLS_IV_BYTES], record[100] = { 23, 3, 3, 0 };
	int n, len = (int)strlen(text), sealed_len = len + 1 + TAG_BYTES;
	char got[100] = "", plain[100];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	if (!sl_tls_keys_derive(&p->keys, p->server, true, key,
				(unsigned)EVP_CIPHER_get_key_length(cipher), iv))
		return false;
	make_nonce(iv, p->keys.sent.records++);
	record[4] = (unsigned char)sealed_len;
	memcpy(plain, text, (size_t)len);
	plain[len] = 23;
	EVP_EncryptInit_ex(c, cipher, NULL, key, iv);
	EVP_EncryptUpdate(c, NULL, &n, record, HEADER_BYTES);
	EVP_EncryptUpdate(c, record + HEADER_BYTES, &n, (unsigned char *)plain, len + 1);
	EVP_EncryptFinal_ex(c, record + HEADER_BYTES + n, &n);
	EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, record + HEADER_BYTES + len + 1);
	EVP_CIPHER_CTX_free(c);
	BIO_write(p->to_client, record, HEADER_BYTES + sealed_len);
	return SSL_read(p->client, got, sizeof(got)) == len && memcmp(got, text, (size_t)len) == 0;
}

static void test_numbers(void)
{
	char got[100];
	struct pair p;

	open_pair(&p, "TLS_AES_128_GCM_SHA256", 2);
	is_int((int64_t)p.keys.sent.records, 2, "two tickets are two records");
	is_int((int64_t)p.keys.came.records, 0, "of the client there is none");
	SSL_write(p.client, "a", 1);
	SSL_write(p.client, "b", 1);
	is_int(SSL_read(p.server, got, sizeof(got)), 1, "a record is opened");
	is_int((int64_t)p.keys.came.records, 1, "and counted");
	SSL_read(p.server, got, sizeof(got));
	is_int((int64_t)p.keys.came.records, 2, "and the next");
	SSL_write(p.server, "c", 1);
	is_int((int64_t)p.keys.sent.records, 3, "so is one that is sealed");
	close_pair(&p);
	open_pair(&p, "TLS_AES_128_GCM_SHA256", 0);
	is_int((int64_t)p.keys.sent.records, 0, "without tickets none is sealed");
	close_pair(&p);
}

static void test_taking_over(void)
{
	static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
					      "TLS_CHACHA20_POLY1305_SHA256" };

	for (unsigned i = 0; i < sizeof(suites) / sizeof(*suites); i++) {
		struct pair p;
		char got[100];

		open_pair(&p, suites[i], 1);
		SSL_write(p.server, "from OpenSSL", 12);
		SSL_read(p.client, got, sizeof(got));
		ok(is_opened(&p, "from us"), "%s: a record of ours is opened", suites[i]);
		ok(is_opened(&p, "again"), "%s: and the next", suites[i]);
		close_pair(&p);
	}
}

/* RFC 8446 4.6.3: each side changes its own, the server here when it was asked to. */
static void test_new_keys(void)
{
	struct pair p;
	char got[100];

	open_pair(&p, "TLS_AES_256_GCM_SHA384", 1);
	SSL_key_update(p.client, SSL_KEY_UPDATE_NOT_REQUESTED);
	SSL_write(p.client, "x", 1);
	is_int(SSL_read(p.server, got, sizeof(got)), 1, "the client's new keys are taken on");
	is_int((int64_t)p.keys.came.records, 1, "and its records count from 0");
	ok(!p.keys.is_changed, "ours are as they were");
	SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED);
	SSL_write(p.client, "x", 1);
	SSL_read(p.server, got, sizeof(got));
	SSL_write(p.server, "y", 1);
	is_int(SSL_read(p.client, got, sizeof(got)), 1, "ours are made anew when it asks");
	ok(p.keys.is_changed, "which is noted");
	is_int((int64_t)p.keys.sent.records, 1, "they count from 0, too");
	ok(is_opened(&p, "with new keys"), "and it opens what is sealed with them");
	close_pair(&p);
}

int main(void)
{
	test_vectors();
	test_numbers();
	test_taking_over();
	test_new_keys();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Traffic secrets and record numbers, as OpenSSL tells of them by its callbacks.
#include "tls/keys.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <string.h>

/* RFC 8446 4: types of handshake messages. */
enum { KEY_UPDATE = 24, FINISHED = 20 };

/* RFC 8446 7.1, HKDF-Expand-Label() without a context, for no more than one round. */
static bool expand(const unsigned char *secret, unsigned secret_len, const char *label,
		   unsigned char *to, unsigned len)
{
	const EVP_MD *md = secret_len == 48 ? EVP_sha384() : EVP_sha256();
	unsigned char info[32] = { 0, (unsigned char)len }, out[EVP_MAX_MD_SIZE];
	unsigned n = 2, label_len = (unsigned)strlen(label), out_len = 0;

	assert(len <= secret_len && label_len <= 12);
	info[n++] = (unsigned char)(6 + label_len);
	memcpy(info + n, "tls13 ", 6);
	memcpy(info + n + 6, label, label_len);
	n += 6 + label_len;
	info[n++] = 0; /* no context */
	info[n++] = 1; /* the first round */
	if (!HMAC(md, secret, (int)secret_len, info, n, out, &out_len) || out_len < len)
		return false;
	memcpy(to, out, len);
	OPENSSL_cleanse(out, sizeof(out));
	return true;
}

/* RFC 5246 6.3: key_block = PRF(master_secret, "key expansion", server_random + client_random). */
static bool make_block(SSL *ssl, unsigned char *to, size_t len)
{
	static const unsigned char label[] = "key expansion";
	const EVP_MD *md = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
	unsigned char master[SSL_MAX_MASTER_KEY_LENGTH], seed[2 * SSL3_RANDOM_SIZE];
	size_t n = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof(master));
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_TLS1_PRF, NULL);
	bool is_done;

	SSL_get_server_random(ssl, seed, SSL3_RANDOM_SIZE);
	SSL_get_client_random(ssl, seed + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
	is_done = n > 0 && c && EVP_PKEY_derive_init(c) == 1 &&
		  EVP_PKEY_CTX_set_tls1_prf_md(c, md) == 1 &&
		  EVP_PKEY_CTX_set1_tls1_prf_secret(c, master, (int)n) == 1 &&
		  EVP_PKEY_CTX_add1_tls1_prf_seed(c, label, sizeof(label) - 1) == 1 &&
		  EVP_PKEY_CTX_add1_tls1_prf_seed(c, seed, sizeof(seed)) == 1 &&
		  EVP_PKEY_derive(c, to, &len) == 1;
	EVP_PKEY_CTX_free(c);
	OPENSSL_cleanse(master, sizeof(master));
	return is_done;
}

/* Both keys, then both ivs, the client's first; an AEAD has no key for a MAC. */
static bool derive_1_2(SSL *ssl, bool is_sent, unsigned char *ret_key, unsigned key_len,
		       unsigned char *ret_iv)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	unsigned iv_len = SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305 ? 12 : 4;
	unsigned char block[2 * (SL_TLS_KEY_MAX + SL_TLS_IV_BYTES)];

	if (!make_block(ssl, block, (size_t)2 * (key_len + iv_len)))
		return false;
	memcpy(ret_key, block + (is_sent ? key_len : 0), key_len);
	memcpy(ret_iv, block + (size_t)2 * key_len + (is_sent ? iv_len : 0), iv_len);
	OPENSSL_cleanse(block, sizeof(block));
	return true;
}

bool sl_tls_keys_derive(const struct sl_tls_keys *k, SSL *ssl, bool is_sent, unsigned char *ret_key,
			unsigned key_len, unsigned char ret_iv[SL_TLS_IV_BYTES])
{
	const struct sl_tls_stream *s = is_sent ? &k->sent : &k->came;

	if (!s->has_begun)
		return false;
	if (SSL_version(ssl) == TLS1_2_VERSION)
		return derive_1_2(ssl, is_sent, ret_key, key_len, ret_iv);
	return k->secret_len && expand(s->secret, k->secret_len, "key", ret_key, key_len) &&
	       expand(s->secret, k->secret_len, "iv", ret_iv, SL_TLS_IV_BYTES);
}

/* RFC 8446 7.2.  Without the next secret there is none at all. */
static void go_on(struct sl_tls_keys *k, struct sl_tls_stream *s)
{
	s->records = 0;
	if (k->secret_len &&
	    !expand(s->secret, k->secret_len, "traffic upd", s->secret, k->secret_len))
		k->secret_len = 0;
}

/* ---- what OpenSSL tells ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number of bytes; 0: it is no secret that we know how to use. */
static unsigned read_hex(const char *text, unsigned char to[SL_TLS_SECRET_MAX])
{
	unsigned n = 0;

	for (; n < SL_TLS_SECRET_MAX && text[0] && text[1]; text += 2, n++) {
		int high = digit(text[0]), low = digit(text[1]);

		if (high < 0 || low < 0)
			return 0;
		to[n] = (unsigned char)(high << 4 | low);
	}
	return *text == '\0' && (n == 32 || n == 48) ? n : 0;
}

/* "LABEL client-random secret", in hexadecimal. */
static void on_secret(const SSL *ssl, const char *line)
{
	static const char sent[] = "SERVER_TRAFFIC_SECRET_0 ", came[] = "CLIENT_TRAFFIC_SECRET_0 ";
	struct sl_tls_keys *k = SSL_get_app_data(ssl);
	const char *secret = strrchr(line, ' ');

	if (!k || !secret)
		return;
	if (strncmp(line, sent, sizeof(sent) - 1) == 0)
		k->secret_len = read_hex(secret + 1, k->sent.secret);
	else if (strncmp(line, came, sizeof(came) - 1) == 0)
		k->secret_len = read_hex(secret + 1, k->came.secret);
}

/* In TLS 1.2 Finished is the first record under the keys, in TLS 1.3 the last under others. */
static void on_handshake(struct sl_tls_keys *k, struct sl_tls_stream *s, unsigned type, bool is_1_2)
{
	if (type == FINISHED) {
		s->has_begun = true;
		s->records = is_1_2;
	} else if (type == KEY_UPDATE) {
		k->is_changed = k->is_changed || s == &k->sent;
		go_on(k, s);
	}
}

/* A record's header is told of before its message is. */
static void on_message(int is_sent, int version, int type, const void *bytes, size_t len, SSL *ssl,
		       void *arg)
{
	struct sl_tls_keys *k = arg;
	struct sl_tls_stream *s = is_sent ? &k->sent : &k->came;
	const unsigned char *first = bytes;

	if (type == SSL3_RT_HEADER)
		s->records++;
	else if (type == SSL3_RT_HANDSHAKE && len > 0)
		on_handshake(k, s, first[0], SSL_version(ssl) == TLS1_2_VERSION);
	else if (type == SSL3_RT_ALERT && is_sent && len >= sizeof(k->alert))
		memcpy(k->alert, bytes, sizeof(k->alert));
}

void sl_tls_keys_prepare(SSL_CTX *ssl)
{
	SSL_CTX_set_keylog_callback(ssl, on_secret);
}

void sl_tls_keys_watch(struct sl_tls_keys *k, SSL *ssl)
{
	SSL_set_app_data(ssl, k);
	SSL_set_msg_callback(ssl, on_message);
	SSL_set_msg_callback_arg(ssl, k);
}

void sl_tls_keys_forget(struct sl_tls_keys *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

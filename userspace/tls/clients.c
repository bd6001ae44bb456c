// SPDX-License-Identifier: Apache-2.0
// Authorities and lists of what they revoked: read from PEM files, put into contexts.
#include "tls/clients.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

enum { AUTHORITIES_MAX = 256, LISTS_MAX = 256 };

static int fail(const char *what, char why[SL_PEM_WHY_BYTES])
{
	ERR_clear_error();
	snprintf(why, SL_PEM_WHY_BYTES, "%s", what);
	return -EINVAL;
}

/* A session that began under other authorities, or before somebody was revoked, is another's. */
static void mix(unsigned char id[SHA256_DIGEST_LENGTH], const char *text, size_t len)
{
	unsigned char both[2 * SHA256_DIGEST_LENGTH];

	memcpy(both, id, SHA256_DIGEST_LENGTH);
	SHA256((const unsigned char *)text, len, both + SHA256_DIGEST_LENGTH);
	SHA256(both, sizeof(both), id);
}

/* Whether the last one could not be read, or there was none more. */
static bool is_broken(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
}

static int parse_authorities(struct sl_tls_clients *c, BIO *bio, char why[SL_PEM_WHY_BYTES])
{
	X509 *x;

	c->authorities = sk_X509_new_null();
	while (c->authorities && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (sk_X509_num(c->authorities) >= AUTHORITIES_MAX ||
		    !sk_X509_push(c->authorities, x)) {
			X509_free(x);
			return fail("has more than 256 certificates", why);
		}
	if (is_broken() || sk_X509_num(c->authorities) <= 0)
		return fail("has no certificate (PEM), or one that cannot be read", why);
	ERR_clear_error();
	return 0;
}

static int parse_revoked(struct sl_tls_clients *c, BIO *bio, char why[SL_PEM_WHY_BYTES])
{
	X509_CRL *x;

	c->revoked = sk_X509_CRL_new_null();
	while (c->revoked && (x = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)))
		if (sk_X509_CRL_num(c->revoked) >= LISTS_MAX || !sk_X509_CRL_push(c->revoked, x)) {
			X509_CRL_free(x);
			return fail("has more than 256 lists", why);
		}
	if (is_broken() || sk_X509_CRL_num(c->revoked) <= 0)
		return fail("has no revocation list (PEM), or one that cannot be read", why);
	ERR_clear_error();
	return 0;
}

static int read_file(struct sl_tls_clients *c, const char *path,
		     unsigned char id[SHA256_DIGEST_LENGTH],
		     int (*parse)(struct sl_tls_clients *c, BIO *bio, char *why), char *why)
{
	char *text = NULL;
	size_t len = 0;
	BIO *bio;
	int ret = sl_pem_read(path, &text, &len, why);

	if (ret < 0)
		return ret;
	mix(id, text, len);
	bio = BIO_new_mem_buf(text, (int)len);
	ret = bio ? parse(c, bio, why) : -ENOMEM;
	BIO_free(bio);
	sl_pem_free(text, len);
	return ret;
}

int sl_tls_clients_read_authorities(struct sl_tls_clients *c, const char *path,
				    unsigned char id[SHA256_DIGEST_LENGTH],
				    char why[SL_PEM_WHY_BYTES])
{
	return read_file(c, path, id, parse_authorities, why);
}

int sl_tls_clients_read_revoked(struct sl_tls_clients *c, const char *path,
				unsigned char id[SHA256_DIGEST_LENGTH], char why[SL_PEM_WHY_BYTES])
{
	return read_file(c, path, id, parse_revoked, why);
}

void sl_tls_clients_fini(struct sl_tls_clients *c)
{
	sk_X509_pop_free(c->authorities, X509_free);
	sk_X509_CRL_pop_free(c->revoked, X509_CRL_free);
	memset(c, 0, sizeof(*c));
}

/* A list for each authority on the way, or the certificate is not good. */
static bool use_revoked(const struct sl_tls_clients *c, X509_STORE *store)
{
	for (int i = 0; i < sk_X509_CRL_num(c->revoked); i++)
		if (X509_STORE_add_crl(store, sk_X509_CRL_value(c->revoked, i)) != 1)
			return false;
	return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1;
}

bool sl_tls_clients_trust(const struct sl_tls_clients *c, X509_STORE *store)
{
	for (int i = 0; i < sk_X509_num(c->authorities); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(c->authorities, i)) != 1)
			return false;
	return !c->revoked || use_revoked(c, store);
}

bool sl_tls_clients_use(const struct sl_tls_clients *c, SSL_CTX *ssl)
{
	int mode = SSL_VERIFY_PEER;

	if (!c->authorities)
		return true;
	if (!sl_tls_clients_trust(c, SSL_CTX_get_cert_store(ssl)))
		return false;
	for (int i = 0; i < sk_X509_num(c->authorities); i++)
		if (SSL_CTX_add_client_CA(ssl, sk_X509_value(c->authorities, i)) != 1)
			return false;
	if (c->is_required)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ssl, mode, NULL);
	SSL_CTX_set_verify_depth(ssl, (int)c->depth);
	return true;
}

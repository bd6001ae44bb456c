// SPDX-License-Identifier: Apache-2.0
// Certificates and keys: read from PEM files, checked against each other.
#include "tls/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/denied.h"

enum { CHAIN_MAX = 16 };

void sl_tls_take_error(char why[SL_PEM_WHY_BYTES])
{
	unsigned long e = ERR_get_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	snprintf(why, SL_PEM_WHY_BYTES, "%s", reason ? reason : "OpenSSL gives no reason");
	ERR_clear_error();
}

static int fail_system(int error, char why[SL_PEM_WHY_BYTES])
{
	struct sl_denied denied;

	snprintf(why, SL_PEM_WHY_BYTES, "%s", sl_denied(&denied, error));
	return -error;
}

static int fail(const char *what, char why[SL_PEM_WHY_BYTES])
{
	ERR_clear_error();
	snprintf(why, SL_PEM_WHY_BYTES, "%s", what);
	return -EINVAL;
}

/* ---- files ---- */

static int read_all(int fd, char *text, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, text + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (int)n;
}

static int read_regular(int fd, char **ret_text, size_t *ret_len, char why[SL_PEM_WHY_BYTES])
{
	struct stat st;
	char *text = NULL;
	int ret;

	if (fstat(fd, &st) < 0)
		return fail_system(errno, why);
	if (!S_ISREG(st.st_mode))
		return fail("is not a regular file", why);
	if (st.st_size > SL_PEM_MAX_BYTES)
		return fail("is larger than 1 MiB", why);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return fail_system(ENOMEM, why);
	ret = read_all(fd, text, (size_t)st.st_size);
	if (ret < 0) {
		free(text);
		return fail_system(-ret, why);
	}
	*ret_text = text;
	*ret_len = (size_t)ret;
	return 0;
}

int sl_pem_read(const char *path, char **ret_text, size_t *ret_len, char why[SL_PEM_WHY_BYTES])
{
	/* Whatever else it may be, opening it must not wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;

	if (fd < 0)
		return fail_system(errno, why);
	ret = read_regular(fd, ret_text, ret_len, why);
	close(fd);
	return ret;
}

void sl_pem_free(char *text, size_t len)
{
	if (text)
		OPENSSL_cleanse(text, len);
	free(text);
}

/* ---- the pair ---- */

static int kind_of(const X509 *certificate, enum sl_tls_key_kind *ret_kind)
{
	switch (EVP_PKEY_get_base_id(X509_get0_pubkey(certificate))) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		*ret_kind = SL_TLS_RSA;
		return 0;
	case EVP_PKEY_EC:
		*ret_kind = SL_TLS_ECDSA;
		return 0;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		*ret_kind = SL_TLS_EDDSA;
		return 0;
	default:
		return -EINVAL;
	}
}

static int read_chain(struct sl_tls_pair *p, BIO *bio, char why[SL_PEM_WHY_BYTES])
{
	X509 *x;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (sk_X509_num(p->chain) >= CHAIN_MAX || !sk_X509_push(p->chain, x)) {
			X509_free(x);
			return fail("has more than 16 certificates behind the first", why);
		}
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return fail("has a certificate that cannot be read", why);
	ERR_clear_error(); /* the end of the file */
	return 0;
}

static int parse_certificates(struct sl_tls_pair *p, BIO *bio, char why[SL_PEM_WHY_BYTES])
{
	p->certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	p->chain = sk_X509_new_null();
	if (!p->certificate || !p->chain)
		return fail("has no certificate (PEM) that can be read", why);
	if (kind_of(p->certificate, &p->kind) < 0)
		return fail("has a key that is neither RSA, ECDSA nor EdDSA", why);
	return read_chain(p, bio, why);
}

int sl_tls_pair_read_certificate(struct sl_tls_pair *p, const char *path,
				 char why[SL_PEM_WHY_BYTES])
{
	char *text = NULL;
	size_t len = 0;
	BIO *bio;
	int ret = sl_pem_read(path, &text, &len, why);

	if (ret < 0)
		return ret;
	bio = BIO_new_mem_buf(text, (int)len);
	ret = bio ? parse_certificates(p, bio, why) : fail_system(ENOMEM, why);
	BIO_free(bio);
	sl_pem_free(text, len);
	return ret;
}

/* The one that OpenSSL has by itself would ask the terminal. */
static int refuse_password(char *buf, int size, int is_writing, void *was_asked)
{
	*(bool *)was_asked = true;
	return -1;
}

static int parse_key(struct sl_tls_pair *p, BIO *bio, char why[SL_PEM_WHY_BYTES])
{
	bool was_asked = false;

	p->key = PEM_read_bio_PrivateKey(bio, NULL, refuse_password, &was_asked);
	if (was_asked)
		return fail("is encrypted: nobody is there to ask for its password", why);
	if (!p->key)
		return fail("has no private key (PEM) that can be read", why);
	if (X509_check_private_key(p->certificate, p->key) != 1)
		return fail("is not the key of its certificate", why);
	return 0;
}

int sl_tls_pair_read_key(struct sl_tls_pair *p, const char *path, char why[SL_PEM_WHY_BYTES])
{
	char *text = NULL;
	size_t len = 0;
	BIO *bio;
	int ret = sl_pem_read(path, &text, &len, why);

	if (ret < 0)
		return ret;
	bio = BIO_new_mem_buf(text, (int)len);
	ret = bio ? parse_key(p, bio, why) : fail_system(ENOMEM, why);
	BIO_free(bio);
	sl_pem_free(text, len);
	return ret;
}

bool sl_tls_pair_use(const struct sl_tls_pair *p, SSL_CTX *ssl)
{
	return SSL_CTX_use_cert_and_key(ssl, p->certificate, p->key, p->chain, 1) == 1;
}

/* What OpenSSL thinks of it: too short a key, too weak a hash. */
static int try_pair(const struct sl_tls_pair *p, char why[SL_PEM_WHY_BYTES])
{
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
	int ret = ssl ? 0 : -ENOMEM;

	ERR_clear_error();
	if (ssl && !sl_tls_pair_use(p, ssl))
		ret = -EINVAL;
	sl_tls_take_error(why);
	SSL_CTX_free(ssl);
	return ret;
}

int sl_tls_pair_load(struct sl_tls_pair *p, const struct sl_tls_certificate_conf *conf,
		     unsigned index, const struct sl_tls_faults *faults)
{
	enum sl_tls_member member = SL_TLS_CERTIFICATE;
	const char *path = conf->certificate;
	char why[SL_PEM_WHY_BYTES];
	int ret = sl_tls_pair_read_certificate(p, path, why);

	if (ret == 0) {
		member = SL_TLS_KEY;
		path = conf->key;
		ret = sl_tls_pair_read_key(p, path, why);
	}
	if (ret == 0) {
		member = SL_TLS_CERTIFICATE;
		path = conf->certificate;
		ret = try_pair(p, why);
	}
	if (ret < 0)
		faults->tell(faults->arg, member, index, path, why);
	return ret < 0 ? -EINVAL : 0;
}

void sl_tls_pair_fini(struct sl_tls_pair *p)
{
	X509_free(p->certificate);
	sk_X509_pop_free(p->chain, X509_free);
	EVP_PKEY_free(p->key);
	memset(p, 0, sizeof(*p));
}

/* ---- its time ---- */

static int64_t to_seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

int64_t sl_tls_pair_since(const struct sl_tls_pair *p)
{
	return to_seconds(X509_get0_notBefore(p->certificate));
}

int64_t sl_tls_pair_until(const struct sl_tls_pair *p)
{
	return to_seconds(X509_get0_notAfter(p->certificate));
}

/* ---- its names ---- */

static void tell_common_name(const X509 *certificate,
			     void (*on_name)(void *arg, const char *name, size_t len), void *arg)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *s;

	if (at < 0)
		return;
	s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	on_name(arg, (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

void sl_tls_pair_names(const struct sl_tls_pair *p,
		       void (*on_name)(void *arg, const char *name, size_t len), void *arg)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(p->certificate, NID_subject_alt_name, NULL, NULL);

	if (!names)
		tell_common_name(p->certificate, on_name, arg);
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS)
			on_name(arg, (const char *)ASN1_STRING_get0_data(n->d.dNSName),
				(size_t)ASN1_STRING_length(n->d.dNSName));
	}
	GENERAL_NAMES_free(names);
}

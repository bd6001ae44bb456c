/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate, what signed it, and its key, as they stand in files. */
#ifndef SL_TLS_PAIR_H
#define SL_TLS_PAIR_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/conf.h"
#include "tls/faults.h"

/* A name can have a certificate of each. */
enum sl_tls_key_kind { SL_TLS_RSA, SL_TLS_ECDSA, SL_TLS_EDDSA, SL_TLS_KEY_KINDS };

struct sl_tls_pair {
	X509 *certificate;
	STACK_OF(X509) * chain; /* without the certificate itself; may be empty */
	EVP_PKEY *key;
	enum sl_tls_key_kind kind;
};

enum { SL_PEM_MAX_BYTES = 1 << 20, SL_PEM_WHY_BYTES = 256 };

/* A regular file of up to 1 MiB; the caller frees *ret_text, with sl_pem_free().  0, or a negative
 * errno with `why` telling what is wrong, to be read behind a path. */
int sl_pem_read(const char *path, char **ret_text, size_t *ret_len, char why[SL_PEM_WHY_BYTES]);
/* Nothing of it stays in memory; NULL is fine. */
void sl_pem_free(char *text, size_t len);

/* Each into a pair that was zeroed; 0, or -EINVAL (or another errno) with `why`.  The key must be
 * that of the certificate, which is read first. */
int sl_tls_pair_read_certificate(struct sl_tls_pair *p, const char *path,
				 char why[SL_PEM_WHY_BYTES]);
int sl_tls_pair_read_key(struct sl_tls_pair *p, const char *path, char why[SL_PEM_WHY_BYTES]);
/* Both, and whether OpenSSL would use them.  0; -EINVAL when a fault was told, of that index. */
int sl_tls_pair_load(struct sl_tls_pair *p, const struct sl_tls_certificate_conf *conf,
		     unsigned index, const struct sl_tls_faults *faults);
/* From now on this context shows it.  False without memory, or when it cannot be used. */
bool sl_tls_pair_use(const struct sl_tls_pair *p, SSL_CTX *ssl);
void sl_tls_pair_fini(struct sl_tls_pair *p);

/* Since when, and until when it is good: seconds since 1970; 0 for a time that is none. */
int64_t sl_tls_pair_since(const struct sl_tls_pair *p);
int64_t sl_tls_pair_until(const struct sl_tls_pair *p);

/* Calls back with each DNS name of the certificate: those of its subjectAltName, or, as old ones
 * have none, its common name (RFC 6125 6.4.4). */
void sl_tls_pair_names(const struct sl_tls_pair *p,
		       void (*on_name)(void *arg, const char *name, size_t len), void *arg);

/* The oldest of OpenSSL's complaints as text, and none is left. */
void sl_tls_take_error(char why[SL_PEM_WHY_BYTES]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificates clients may show, and which of those were revoked. */
#ifndef SL_TLS_CLIENTS_H
#define SL_TLS_CLIENTS_H

#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "tls/conf.h"
#include "tls/pair.h"

struct sl_tls_clients {
	STACK_OF(X509) * authorities; /* NULL: nobody is asked */
	STACK_OF(X509_CRL) * revoked; /* NULL: it is not looked at */
	unsigned depth;
	bool is_required;
};

/* Each into what was zeroed.  0, or a negative errno with `why`; the id becomes one of what was
 * read, too. */
int sl_tls_clients_read_authorities(struct sl_tls_clients *c, const char *path,
				    unsigned char id[SHA256_DIGEST_LENGTH],
				    char why[SL_PEM_WHY_BYTES]);
int sl_tls_clients_read_revoked(struct sl_tls_clients *c, const char *path,
				unsigned char id[SHA256_DIGEST_LENGTH], char why[SL_PEM_WHY_BYTES]);
void sl_tls_clients_fini(struct sl_tls_clients *c);

/* What a context's store is to trust, and to take for revoked; those who come to us, or those we go
 * to.  False without memory. */
bool sl_tls_clients_trust(const struct sl_tls_clients *c, X509_STORE *store);
/* From now on handshakes of this context ask for a certificate.  False without memory. */
bool sl_tls_clients_use(const struct sl_tls_clients *c, SSL_CTX *ssl);

#endif

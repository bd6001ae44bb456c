/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, ciphers and groups: the same for those who come to us and those we go to. */
#ifndef SL_TLS_PROTOCOL_H
#define SL_TLS_PROTOCOL_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* By enum sl_tls_profile.  False without memory. */
bool sl_tls_set_protocol(SSL_CTX *ssl, unsigned profile);

#endif

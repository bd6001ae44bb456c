/* SPDX-License-Identifier: Apache-2.0 */
/* Between OpenSSL and a connection's bytes: no socket, and no copy but the one that it makes. */
#ifndef SL_TLS_BIO_H
#define SL_TLS_BIO_H

#include "tls/records.h"

/* Reads what is queued on t->conn, writes to t->out as far as there is room; never waits.  NULL:
 * out of memory. */
BIO *sl_tls_bio_new(struct sl_tls *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A listener's certificates and rules for TLS, ready for handshakes; immutable and counted. */
#ifndef SL_TLS_SERVER_H
#define SL_TLS_SERVER_H

#include <openssl/ssl.h>

#include "base/str.h"
#include "tls/conf.h"
#include "tls/faults.h"
#include "tls/judge.h"
#include "tls/ocsp.h"
#include "tls/pair.h"
#include "tls/tickets.h"

struct sl_tls_server;

/* Reads every file that conf names.  id tells it from other listeners: a session of one is not
 * resumed at another.  own are the keys for tickets where conf names none; a reference is taken.
 * 0 with one reference; -EINVAL when a fault was told; -ENOMEM. */
int sl_tls_server_new(struct sl_tls_server **ret_server, const struct sl_tls_conf *conf,
		      struct sl_str id, struct sl_tickets *own, const struct sl_tls_faults *faults);
/* On any thread. */
struct sl_tls_server *sl_tls_server_get(struct sl_tls_server *s);
void sl_tls_server_put(struct sl_tls_server *s); /* NULL is fine */

/* The kernel's ciphers (struct sl_ktls) that it may take over connections with; and whether it has
 * to, before a request. */
unsigned sl_tls_server_ktls(const struct sl_tls_server *s);
bool sl_tls_server_requires_kernel(const struct sl_tls_server *s);

/* Who is refused before that; as long-lived as the server. */
const struct sl_tls_judge *sl_tls_server_judge(const struct sl_tls_server *s);
/* The i-th of conf->certificates, and what its authority says of it.  Borrowed. */
const struct sl_tls_pair *sl_tls_server_pair(const struct sl_tls_server *s, unsigned i,
					     const struct sl_tls_ocsp **ret_ocsp);

/* For a new connection.  NULL: out of memory. */
SSL *sl_tls_server_begin(struct sl_tls_server *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An upstream's rules for TLS: what its targets have to show and what we show them, ready for
 * handshakes; immutable and counted. */
#ifndef SL_TLS_ORIGIN_H
#define SL_TLS_ORIGIN_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "tls/conf.h"
#include "tls/server.h"

struct sl_tls_origin;

/* Reads every file that conf names.  0 with one reference; -EINVAL when a fault was told; -ENOMEM.
 */
int sl_tls_origin_new(struct sl_tls_origin **ret_origin, const struct sl_tls_origin_conf *conf,
		      const struct sl_tls_faults *faults);
/* On any thread. */
struct sl_tls_origin *sl_tls_origin_get(struct sl_tls_origin *o);
void sl_tls_origin_put(struct sl_tls_origin *o); /* NULL is fine */

/* What it asks of targets that are called so, as a number: where it is another, neither a session
 * nor a connection of before is good.  Never 0; name may be NULL. */
uint64_t sl_tls_origin_id(const struct sl_tls_origin *o, const char *name);

/* For a new connection.  NULL: out of memory. */
SSL *sl_tls_origin_begin(const struct sl_tls_origin *o, const struct sl_tls_target_name *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of a new connection to a target, where its upstream asks for it. */
#ifndef SL_UPSTREAM_SECURE_H
#define SL_UPSTREAM_SECURE_H

#include "upstream/pool.h"

/* Makes the handshake, in the fiber that is the connection's reader.  0, with *ret_tls to be freed
 * when the connection is closed, or left as it is where there is none to be made; a negative errno,
 * or one of tls/error.h. */
int sl_target_secure(struct sl_conn *c, const struct sl_target *t, uint64_t deadline_ns,
		     struct sl_tls **ret_tls);

/* Whether connections to them are made alike: one of the first will do for the second. */
static inline bool sl_target_is_alike(const struct sl_target *a, const struct sl_target *b)
{
	const struct sl_tls_origin_conf *x = a->upstream->conf->tls, *y = b->upstream->conf->tls;

	return x && y ? x->id == y->id : x == y;
}

/* Room for the sessions of all of an upstream's targets, for as long as the pool lives.  0 or
 * -ENOMEM. */
int sl_upstream_keep_sessions(struct sl_upstream *u);
void sl_upstream_drop_sessions(struct sl_upstream *u); /* none is fine */

#endif

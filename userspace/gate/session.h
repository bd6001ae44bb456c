/* SPDX-License-Identifier: Apache-2.0 */
/* What of a request ties it to a target: a key to hash, or the cookie of a bound session. */
#ifndef SL_GATE_SESSION_H
#define SL_GATE_SESSION_H

#include "gate/exchange.h"
#include "upstream/balance.h"

/* Sets pick->hash and pick->session from the request, as conf asks for. */
void sl_session_find(const struct sl_exchange *x, const struct sl_upstream_conf *conf,
		     struct sl_pick *pick);
/* For conf with a sticky cookie: sets x->set_cookie unless the session is bound to the target of
 * x->peer already.  Out of memory the session stays unbound. */
void sl_session_bind(struct sl_exchange *x, const struct sl_upstream_conf *conf, uint64_t session);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A route's policies, asked about a request; and what upstreams are told of who it is. */
#ifndef SL_GATE_POLICIES_H
#define SL_GATE_POLICIES_H

#include "gate/exchange.h"

/* NULL: the request goes on.  Sets x->consumer, x->key and x->policy_fields. */
const struct sl_refusal *sl_policies_ask(struct sl_exchange *x);

/* What sl_policies_put_consumer() writes at the most. */
size_t sl_policies_fields_len(const struct sl_exchange *x);
/* X-Consumer-*, and by which credential; or that it is nobody. */
void sl_policies_put_consumer(const struct sl_exchange *x, struct sl_out *o);

#endif

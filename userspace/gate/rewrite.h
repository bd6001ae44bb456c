/* SPDX-License-Identifier: Apache-2.0 */
/* A route's changes to the target, before it goes upstream. */
#ifndef SL_GATE_REWRITE_H
#define SL_GATE_REWRITE_H

#include "gate/exchange.h"

/* x->uri becomes what the upstream gets, in normal form.  0; -ENOMEM; -EINVAL when the parameters
 * make a path that would climb, or none at all. */
int sl_rewrite_target(struct sl_exchange *x);

/* What the upstream gets as Host; x->peer is the connection to it. */
struct sl_str sl_rewrite_host(const struct sl_exchange *x);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange with an upstream: choose a target, send the request, pass on the answer. */
#ifndef SL_GATE_PROXY_H
#define SL_GATE_PROXY_H

#include "gate/exchange.h"

/* 0 when an answer was sent, even one that says that there is none; a negative errno when the
 * client's connection is of no more use. */
int sl_proxy_run(struct sl_exchange *x);

/* After a 101: bytes both ways until both sides have ended, or nothing moved for the idle timeout.
 */
int sl_tunnel_run(struct sl_exchange *x);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange says of its target: whether it did well, and that it is ejected if it has failed
 * too often. */
#ifndef SL_GATE_VERDICT_H
#define SL_GATE_VERDICT_H

#include "gate/exchange.h"

/* The target's connection or answer failed, by this negative errno: remembered, counted, and judged
 * by outlier detection. */
void sl_verdict_failed(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t,
		       int error);
/* Of a new connection, besides: whether one is to be had is told when that changes. */
void sl_verdict_unconnected(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t,
			    int error);
void sl_verdict_connected(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t);
/* It answered; a status may count as a failure all the same. */
void sl_verdict_answered(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t,
			 unsigned status);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Fills in the templates of a route: parameters of its path, and what every request has. */
#ifndef SL_GATE_FILL_H
#define SL_GATE_FILL_H

#include "base/out.h"
#include "gate/exchange.h"

/* The bytes that it takes, at the most. */
size_t sl_fill_len(const struct sl_exchange *x, struct sl_str template_);

/* Writes it.  Parameters are as they stand in the normalised path, percent-escapes and all.  A
 * name without meaning, or a value with a control character, sets o->overflow: neither is for
 * anybody to see. */
void sl_fill(const struct sl_exchange *x, struct sl_str template_, struct sl_out *o);

#endif

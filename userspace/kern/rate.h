/* SPDX-License-Identifier: Apache-2.0 */
/* Rates as people name them, as both halves charge by them (include/sluice/gcra.h). */
#ifndef SL_KERN_RATE_H
#define SL_KERN_RATE_H

#include "kern/conf.h"
#include "sluice/gcra.h"

/* nr > 0 in per_ns, and `burst` at once.  0; -ERANGE: the burst takes longer to come together than
 * a word can hold (SL_GCRA_AHEAD_MAX), or one costs nothing. */
int sl_rate_make(const struct sl_frequency *f, uint64_t burst, struct sl_gcra_rate *ret_rate);

#endif

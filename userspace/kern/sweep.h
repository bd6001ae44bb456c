/* SPDX-License-Identifier: Apache-2.0 */
/* Clears credit that nobody has asked for in an hour, before the clock's going round would have it
 * seem to press: a word that was left alone for 73 to 78 hours looks like one that is ahead. */
#ifndef SL_KERN_SWEEP_H
#define SL_KERN_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "kern/guard.h"

enum { SL_SWEEP_STEP = 64 }; /* sets: all there are in an hour, by a step a second */

/* Of nr sets, those words that are over for an hour or more; `most` is how far ahead one can be
 * (units), and what seems to be further is old.  Others may charge them meanwhile, and lose
 * nothing.  How many were cleared. */
size_t sl_sweep_sets(struct sl_gcra_set *sets, size_t nr, uint64_t now, uint64_t most);

/* How far it has come; all zero at first. */
struct sl_sweep {
	uint32_t position; /* the set that is next */
	uint64_t next_ns;  /* when */
};

/* A step each of clients' credit and of their failures, if it is time for one. */
void sl_sweep_step(struct sl_guard *g, const struct sl_guard_rules *r, struct sl_sweep *s,
		   uint64_t now_ns);

#endif

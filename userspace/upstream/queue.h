/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of an upstream, and requests that wait for a connection when its targets have no room:
 * those of all configurations that are alive together, in one line that has a part for each of
 * them.  Nobody passes those of his own part.  What one part has no use for, as it has other
 * targets or another bound, goes to the next, so that none holds up another. */
#ifndef SL_UPSTREAM_QUEUE_H
#define SL_UPSTREAM_QUEUE_H

#include "upstream/pool.h"

/* One more request of all workers, unless conf->max_requests are in flight: false then. */
bool sl_upstream_enter(struct sl_upstream *u);
/* After sl_upstream_enter() was true. */
void sl_upstream_leave(struct sl_upstream *u);

/* May whoever has just come, the current fiber, pick at once?  Who was called already gets to run
 * first. */
bool sl_queue_is_my_turn(struct sl_upstream *u);
/*
 * Waits in line, as the current fiber, until a connection may be had: then pick again, at once.
 * is_again: that was in vain; the place at the front of the part is kept, and the next part is
 * called.  0; -EBUSY when the line is full
 * or the deadline passes; -ECANCELED; -ECONNABORTED when watch has failed meanwhile.
 */
int sl_queue_wait(struct sl_upstream *u, const struct sl_conn *watch, bool is_again,
		  uint64_t deadline_ns);
/* A connection has become free, or may be made: wakes whoever is first.  Also for one who was woken
 * and has no use for it. */
void sl_queue_call(struct sl_upstream *u);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Fibers: stackful coroutines, so that a request that waits still reads as straight-line code. */
#ifndef SL_CORE_FIBER_H
#define SL_CORE_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/list.h"
#include "core/timer.h"

struct sl_loop;
struct sl_fiber;

typedef void sl_fiber_fn(void *arg);

/* The fibers of one loop: who is ready, and stacks for those to come. */
struct sl_fibers {
	struct sl_list ready;
	struct sl_fiber *current;
	void *scheduler; /* context of the loop while a fiber runs */
	struct sl_list free_stacks;
	struct sl_budget *budget;
	unsigned free_nr, live_nr;
	void *asan_fake_stack;
	const void *asan_bottom; /* of the loop's own stack */
	size_t asan_size;
};

void sl_fibers_init(struct sl_fibers *fs, struct sl_budget *budget);
void sl_fibers_fini(struct sl_fibers *fs); /* no fiber may be alive */

/* Starts fn(arg) at the next sl_fibers_run().  -ENOMEM, or -EAGAIN beyond the
 * budget.
 */
int sl_fiber_spawn(struct sl_loop *loop, sl_fiber_fn *fn, void *arg, struct sl_fiber **ret_fiber);
/* Runs every fiber that is ready now until it waits, yields or ends. */
void sl_fibers_run(struct sl_fibers *fs);

/* Inside a fiber: give up the thread until woken, or until deadline_ns (SL_NEVER: no deadline). May
 * wake for no reason: the caller loops on its condition. */
void sl_fiber_park(struct sl_loop *loop, uint64_t deadline_ns);
/* Inside a fiber with much to do: lets everybody else have a turn. */
void sl_fiber_yield(struct sl_loop *loop);
/* Puts a parked fiber on the ready list; harmless for one that is ready or running.  NULL is fine.
 */
void sl_fiber_wake(struct sl_loop *loop, struct sl_fiber *f);
/* Asks a fiber to end: whatever it waits for ends with -ECANCELED.  NULL is fine. */
void sl_fiber_cancel(struct sl_loop *loop, struct sl_fiber *f);
bool sl_fiber_is_cancelled(const struct sl_fiber *f);
struct sl_fiber *sl_fiber_self(struct sl_loop *loop);

#endif

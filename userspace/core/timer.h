/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of one loop: a hashed wheel where moving a deadline further away costs one store. */
#ifndef SL_CORE_TIMER_H
#define SL_CORE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum { SL_WHEEL_SLOTS = 4096, SL_WHEEL_TICK_SHIFT = 24 /* 16.8 ms: timers fire up to that late */ };

struct sl_timer {
	struct sl_list node;
	uint64_t deadline_ns; /* SL_NEVER: stopped */
	uint64_t tick;	      /* of the slot that node is in: never after the deadline's */
	void (*fire)(struct sl_timer *t);
};

struct sl_wheel {
	struct sl_list slots[SL_WHEEL_SLOTS];
	uint64_t used[SL_WHEEL_SLOTS / 64]; /* a bit a slot that may hold timers */
	uint64_t tick;			    /* all ticks before this one have fired */
	uint64_t next_ns;		    /* nothing fires before this */
};

void sl_wheel_init(struct sl_wheel *w, uint64_t now_ns);
/* Fires every timer whose deadline is at or before now. */
void sl_wheel_run(struct sl_wheel *w, uint64_t now_ns);

void sl_timer_init(struct sl_timer *t, void (*fire)(struct sl_timer *t));
void sl_timer_set(struct sl_wheel *w, struct sl_timer *t, uint64_t deadline_ns);
void sl_timer_stop(struct sl_timer *t);

#endif

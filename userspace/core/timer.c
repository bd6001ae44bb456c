// SPDX-License-Identifier: Apache-2.0
// Timers of one loop.  Most deadlines never come: they are pushed back or stopped.  So a timer
// stays in the slot of its earliest deadline, and only when that slot comes up is it moved on or
// fired.
#include "core/timer.h"

#include <string.h>

#include "base/clock.h"

static uint64_t tick_of(uint64_t ns)
{
	return ns >> SL_WHEEL_TICK_SHIFT;
}

/* A timer is due when its tick is over, so that it never fires early. */
static uint64_t due_ns(uint64_t tick)
{
	return (tick + 1) << SL_WHEEL_TICK_SHIFT;
}

void sl_wheel_init(struct sl_wheel *w, uint64_t now_ns)
{
	for (unsigned i = 0; i < SL_WHEEL_SLOTS; i++)
		sl_list_init(&w->slots[i]);
	memset(w->used, 0, sizeof(w->used));
	w->tick = tick_of(now_ns);
	w->next_ns = SL_NEVER;
}

void sl_timer_init(struct sl_timer *t, void (*fire)(struct sl_timer *t))
{
	sl_list_init(&t->node);
	t->deadline_ns = SL_NEVER;
	t->fire = fire;
}

static void link_timer(struct sl_wheel *w, struct sl_timer *t)
{
	uint64_t last = w->tick + SL_WHEEL_SLOTS - 1;
	unsigned slot;

	t->tick = tick_of(t->deadline_ns);
	if (t->tick < w->tick)
		t->tick = w->tick;
	if (t->tick > last)
		t->tick = last; /* looked at again then, and moved on */
	slot = t->tick % SL_WHEEL_SLOTS;
	sl_list_push_back(&w->slots[slot], &t->node);
	w->used[slot / 64] |= 1ull << slot % 64;
	if (due_ns(t->tick) < w->next_ns)
		w->next_ns = due_ns(t->tick);
}

void sl_timer_set(struct sl_wheel *w, struct sl_timer *t, uint64_t deadline_ns)
{
	t->deadline_ns = deadline_ns;
	if (!sl_list_is_alone(&t->node)) {
		if (deadline_ns == SL_NEVER || t->tick <= tick_of(deadline_ns))
			return;
		sl_list_del(&t->node);
	}
	if (deadline_ns != SL_NEVER)
		link_timer(w, t);
}

void sl_timer_stop(struct sl_timer *t)
{
	t->deadline_ns = SL_NEVER;
	sl_list_del(&t->node);
}

static void run_slot(struct sl_wheel *w, unsigned slot, uint64_t now_ns)
{
	struct sl_list due;
	struct sl_list *node;

	sl_list_init(&due);
	while ((node = sl_list_pop_front(&w->slots[slot])))
		sl_list_push_back(&due, node);
	w->used[slot / 64] &= ~(1ull << slot % 64);
	while ((node = sl_list_pop_front(&due))) {
		struct sl_timer *t = sl_container_of(node, struct sl_timer, node);

		if (t->deadline_ns == SL_NEVER)
			continue;
		if (t->deadline_ns > now_ns) {
			link_timer(w, t);
			continue;
		}
		t->deadline_ns = SL_NEVER;
		t->fire(t);
	}
}

static uint64_t find_next(const struct sl_wheel *w)
{
	for (uint64_t tick = w->tick; tick < w->tick + SL_WHEEL_SLOTS;) {
		unsigned slot = tick % SL_WHEEL_SLOTS;
		uint64_t bits = w->used[slot / 64] >> slot % 64;

		if (bits)
			return due_ns(tick + (unsigned)__builtin_ctzll(bits));
		tick += 64 - slot % 64;
	}
	return SL_NEVER;
}

void sl_wheel_run(struct sl_wheel *w, uint64_t now_ns)
{
	uint64_t now_tick = tick_of(now_ns);
	uint64_t first = w->tick;

	if (now_ns < w->next_ns)
		return;
	/* After a long stop of the process each slot is looked at once, not once a missed tick. */
	if (now_tick - first > SL_WHEEL_SLOTS)
		first = now_tick - SL_WHEEL_SLOTS;
	w->tick = now_tick; /* what is set while timers fire goes into the present */
	for (uint64_t tick = first; tick < now_tick; tick++) {
		unsigned slot = tick % SL_WHEEL_SLOTS;

		if (w->used[slot / 64] & 1ull << slot % 64)
			run_slot(w, slot, now_ns);
	}
	w->next_ns = find_next(w);
}

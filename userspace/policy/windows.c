// SPDX-License-Identifier: Apache-2.0
// A table with open addressing.  A slot is given to another subject only when its windows are over,
// or when there is no other within reach: then the one goes that has used least.
#include "policy/windows.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

enum { REACH = 32, TRIES = 64, COUNT_BITS = 20, NUMBER_BITS = 22 };

#define COUNT_MASK ((1ull << COUNT_BITS) - 1)
#define NUMBER_MASK ((1ull << NUMBER_BITS) - 1)

/* By the two upper bits of a state; then come the window's number, which goes round after 48 days
 * at the least, what was used in the one before, and what in this one. */
static const uint64_t lengths_ns[4] = { SL_SEC, 60 * SL_SEC, 3600 * SL_SEC, 3600 * SL_SEC };

struct sl_windows *sl_windows_new(void)
{
	/* Large enough to be a mapping of its own, so what is never used takes no memory. */
	struct sl_windows *w = calloc(1, sizeof(*w));

	if (w && getrandom(&w->secret, sizeof(w->secret), 0) == sizeof(w->secret))
		return w;
	free(w);
	return NULL;
}

/* ---- what a state says ---- */

static uint64_t unit_of(const struct sl_window *w)
{
	return w->length_ns == lengths_ns[0] ? 0 : w->length_ns == lengths_ns[1] ? 1 : 2;
}

static uint64_t state_of(const struct sl_window *w, const struct sl_window_use *use)
{
	return unit_of(w) << 62 | (use->number & NUMBER_MASK) << 2 * COUNT_BITS |
	       (uint64_t)use->before << COUNT_BITS | use->here;
}

/* How many windows ago; 0: it is of this one. */
static uint64_t age_of(uint64_t state, uint64_t number)
{
	return (number - (state >> 2 * COUNT_BITS)) & NUMBER_MASK;
}

static struct sl_window_use read_state(uint64_t state, const struct sl_window *w, uint64_t now_ns)
{
	struct sl_window_use use = { now_ns / w->length_ns, now_ns % w->length_ns, 0, 0 };
	uint64_t age = age_of(state, use.number);

	if (state >> 62 != unit_of(w))
		return use;
	if (age == 0) {
		use.before = state >> COUNT_BITS & COUNT_MASK;
		use.here = state & COUNT_MASK;
	} else if (age == 1) {
		use.before = state & COUNT_MASK;
	}
	return use;
}

/* Rounded up: never less than it is. */
static uint64_t used(const struct sl_window *w, const struct sl_window_use *use)
{
	uint64_t still_ns = w->length_ns - use->into_ns;

	return (use->before * still_ns + w->length_ns - 1) / w->length_ns + use->here;
}

uint32_t sl_window_left(const struct sl_window *w, const struct sl_window_use *use)
{
	uint64_t n = used(w, use);

	return n < w->limit ? w->limit - (uint32_t)n : 0;
}

uint64_t sl_window_reset_ns(const struct sl_window *w, const struct sl_window_use *use)
{
	if (use->here)
		return 2 * w->length_ns - use->into_ns;
	return use->before ? w->length_ns - use->into_ns : 0;
}

/* How far into a window no more than `room` of what was used before it counts. */
static uint64_t fades_at(const struct sl_window *w, uint64_t before, uint64_t room)
{
	return before <= room ? 0 : w->length_ns - w->length_ns * room / before;
}

uint64_t sl_window_wait_ns(const struct sl_window *w, const struct sl_window_use *use, uint32_t n)
{
	uint64_t at;

	if ((uint64_t)use->here + n > w->limit)
		return w->length_ns - use->into_ns + fades_at(w, use->here, w->limit - n);
	at = fades_at(w, use->before, w->limit - n - use->here);
	return at > use->into_ns ? at - use->into_ns : 0;
}

/* ---- the table ---- */

/* Of two slots the one to take: one whose windows are over, or else where less is used. */
static uint64_t worth(uint64_t state, uint64_t now_ns)
{
	uint64_t number = now_ns / lengths_ns[state >> 62];

	if (age_of(state, number) > 1)
		return 0;
	return (state & COUNT_MASK) + (state >> COUNT_BITS & COUNT_MASK);
}

/* What has been counted for the one who had it is gone before the name is: a count may never come
 * to stand under another name. */
static bool claim(struct sl_windows_slot *slot, uint64_t subject)
{
	uint64_t was = atomic_load(&slot->subject), state = atomic_load(&slot->state);

	if (was && state && !atomic_compare_exchange_strong(&slot->state, &state, 0))
		return false;
	return atomic_compare_exchange_strong(&slot->subject, &was, subject);
}

/* The subject's slot, its own from now on; NULL: there is none, or all the world wants it.  A name
 * is never taken away without another in its place, so the first empty slot ends the search. */
static struct sl_windows_slot *find(struct sl_windows *w, uint64_t subject, uint64_t now_ns,
				    bool is_new_wanted)
{
	struct sl_windows_slot *best = NULL;

	for (uint64_t i = 0; i < REACH; i++) {
		struct sl_windows_slot *slot = &w->slots[(subject + i) & (SL_WINDOWS_SLOTS - 1)];
		uint64_t name = atomic_load(&slot->subject);

		if (name == subject)
			return slot;
		if (name == 0) {
			best = slot;
			break;
		}
		if (!best || worth(atomic_load(&slot->state), now_ns) <
				     worth(atomic_load(&best->state), now_ns))
			best = slot;
	}
	return is_new_wanted && claim(best, subject) ? best : NULL;
}

/* It is n less, if it is still of that window, or of the one behind it. */
static void subtract(struct sl_windows_slot *slot, const struct sl_window *w, uint64_t number,
		     uint32_t n)
{
	uint64_t state = atomic_load(&slot->state), part, next;

	do {
		uint64_t age = (age_of(state, number) + 1) & NUMBER_MASK; /* 1: the same */

		if (state >> 62 != unit_of(w) || age > 1)
			return;
		part = age == 1 ? state & COUNT_MASK : state >> COUNT_BITS & COUNT_MASK;
		if (part < n)
			return;
		next = state - ((uint64_t)n << (age == 1 ? 0 : COUNT_BITS));
	} while (!atomic_compare_exchange_weak(&slot->state, &state, next));
}

bool sl_windows_take(struct sl_windows *windows, uint64_t subject, const struct sl_window *w,
		     uint32_t n, uint64_t now_ns, struct sl_window_use *ret_use)
{
	subject += !subject;
	for (int try = 0; try < TRIES; try++) {
		struct sl_windows_slot *slot = find(windows, subject, now_ns, true);
		uint64_t state;

		if (!slot)
			continue;
		state = atomic_load(&slot->state);
		*ret_use = read_state(state, w, now_ns);
		if (used(w, ret_use) + n > w->limit)
			return false;
		ret_use->here += n;
		if (!atomic_compare_exchange_strong(&slot->state, &state, state_of(w, ret_use)))
			continue;
		if (atomic_load(&slot->subject) == subject)
			return true;
		subtract(slot, w, ret_use->number, n); /* it has become another's */
	}
	/* All the world changes this slot at once: nobody is refused for that. */
	*ret_use = read_state(0, w, now_ns);
	return true;
}

void sl_windows_give_back(struct sl_windows *windows, uint64_t subject, const struct sl_window *w,
			  const struct sl_window_use *use, uint32_t n)
{
	struct sl_windows_slot *slot;

	subject += !subject;
	slot = use->here ? find(windows, subject, 0, false) : NULL;
	if (slot)
		subtract(slot, w, use->number, n);
}

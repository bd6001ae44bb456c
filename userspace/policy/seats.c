// SPDX-License-Identifier: Apache-2.0
// A table of counts with open addressing; a slot is its subject's for as long as that is served.
#include "policy/seats.h"

#include <stdlib.h>
#include <sys/random.h>

enum { COUNT_BITS = 24, REACH = 16, TRIES = 64 };

#define COUNT_MASK ((1ull << COUNT_BITS) - 1)

struct sl_seats *sl_seats_new(void)
{
	/* Large enough to be a mapping of its own, so what is never used takes no memory. */
	struct sl_seats *s = calloc(1, sizeof(*s));

	if (s && getrandom(&s->secret, sizeof(s->secret), 0) == sizeof(s->secret))
		return s;
	free(s);
	return NULL;
}

static _Atomic uint64_t *slot_at(struct sl_seats *s, uint64_t hash, unsigned i)
{
	return &s->slots[(hash + i) & (SL_SEATS_SLOTS - 1)];
}

/* The subject's slot with *ret_word; or a free one, with a word whose count is 0; or NULL. */
static _Atomic uint64_t *find(struct sl_seats *s, uint64_t hash, uint64_t tag, uint64_t *ret_word)
{
	_Atomic uint64_t *vacant = NULL;

	for (unsigned i = 0; i < REACH; i++) {
		_Atomic uint64_t *slot = slot_at(s, hash, i);
		uint64_t word = atomic_load(slot);
		bool is_free = (word & COUNT_MASK) == 0;

		if (word >> COUNT_BITS == tag && !is_free) {
			*ret_word = word;
			return slot;
		}
		if (is_free && !vacant) {
			vacant = slot;
			*ret_word = word;
		}
	}
	return vacant;
}

/* Two workers that began at once may have taken two slots for one subject: whoever sees that gives
 * way, and both do rather than none. */
static bool is_alone(struct sl_seats *s, uint64_t hash, uint64_t tag, _Atomic uint64_t *mine)
{
	for (unsigned i = 0; i < REACH; i++) {
		_Atomic uint64_t *slot = slot_at(s, hash, i);
		uint64_t word = atomic_load(slot);

		if (slot != mine && word >> COUNT_BITS == tag && word & COUNT_MASK)
			return false;
	}
	return true;
}

bool sl_seats_take(struct sl_seats *seats, uint64_t hash, uint32_t limit,
		   _Atomic uint64_t **ret_seat)
{
	uint64_t tag = hash >> COUNT_BITS;

	*ret_seat = NULL;
	for (int try = 0; try < TRIES; try++) {
		uint64_t word, count;
		_Atomic uint64_t *slot = find(seats, hash, tag, &word);

		if (!slot)
			return true;
		count = word & COUNT_MASK;
		if (count >= limit)
			return false;
		if (!atomic_compare_exchange_strong(slot, &word, tag << COUNT_BITS | (count + 1)))
			continue;
		if (count || is_alone(seats, hash, tag, slot)) {
			*ret_seat = slot;
			return true;
		}
		sl_seats_leave(slot);
	}
	return true; /* all the world changes these slots at once: nobody is refused for that */
}

void sl_seats_leave(_Atomic uint64_t *seat)
{
	if (seat)
		atomic_fetch_sub(seat, 1);
}

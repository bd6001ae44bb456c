// SPDX-License-Identifier: Apache-2.0
// A table with open addressing, without locks.  A word is put into a slot as a bid, and settled
// when no other word in reach is the same; of two bids the one that stands in front wins.
#include "policy/seen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

/* A word: settled, 35 bits of tag, and until when it is good, in seconds that go round in 8 years.
 * A bid has a number of its own there: nobody takes another's for its own. */
enum { UNTIL_BITS = 28, TAG_BITS = 35, TAG_FROM = 22 };

#define UNTIL_MASK ((1ull << UNTIL_BITS) - 1)
#define TAG_MASK ((1ull << TAG_BITS) - 1)
#define SETTLED (1ull << 63)

struct sl_seen *sl_seen_new(void)
{
	size_t size = (sizeof(struct sl_seen) + 63) / 64 * 64;
	/* Large enough to be a mapping of its own, so what is never used takes no memory. */
	struct sl_seen *s = calloc(1, size);

	if (s && getrandom(&s->secret, sizeof(s->secret), 0) == sizeof(s->secret))
		return s;
	free(s);
	return NULL;
}

static _Atomic uint64_t *slot_at(struct sl_seen *s, uint64_t hash, unsigned i)
{
	return &s->slots[(hash + i) & (SL_SEEN_SLOTS - 1)];
}

static bool is_same(uint64_t word, uint64_t mine)
{
	return ((word ^ mine) >> UNTIL_BITS & TAG_MASK) == 0;
}

/* Of a bid nobody says so: whoever made it settles it, or takes it back. */
static bool is_free(uint64_t word, uint64_t now_s)
{
	uint64_t past = (now_s - word) & UNTIL_MASK;

	return word == 0 || (word & SETTLED && past < (UNTIL_MASK + 1) / 2);
}

static bool is_known(struct sl_seen *s, uint64_t hash, uint64_t mine, uint64_t now_s)
{
	for (unsigned i = 0; i < SL_SEEN_REACH; i++) {
		uint64_t word = atomic_load(slot_at(s, hash, i));

		if (word & SETTLED && is_same(word, mine) && !is_free(word, now_s))
			return true;
	}
	return false;
}

/* Which slot it is in from now on; SL_SEEN_REACH: there is none. */
static unsigned bid(struct sl_seen *s, uint64_t hash, uint64_t mine, uint64_t now_s)
{
	for (unsigned i = 0; i < SL_SEEN_REACH; i++) {
		_Atomic uint64_t *slot = slot_at(s, hash, i);
		uint64_t word = atomic_load(slot);

		if (is_free(word, now_s) && atomic_compare_exchange_strong(slot, &word, mine))
			return i;
	}
	return SL_SEEN_REACH;
}

/* Another bid that stands behind is taken away, so that not both give way.  False: the other one
 * stands before, or was settled. */
static bool outbids(struct sl_seen *s, uint64_t hash, uint64_t mine, unsigned at, uint64_t now_s)
{
	for (unsigned i = 0; i < SL_SEEN_REACH; i++) {
		_Atomic uint64_t *slot = slot_at(s, hash, i);
		uint64_t word = atomic_load(slot);

		if (i == at || !is_same(word, mine) || is_free(word, now_s))
			continue;
		if (word & SETTLED || i < at)
			return false;
		if (!atomic_compare_exchange_strong(slot, &word, 0) && word & SETTLED &&
		    is_same(word, mine))
			return false;
	}
	return true;
}

enum sl_seen_verdict sl_seen_add(struct sl_seen *seen, uint64_t hash, uint64_t now_s,
				 uint64_t until_s)
{
	uint64_t tag = (hash >> TAG_FROM & TAG_MASK) ?: 1, mine, settled;
	_Atomic uint64_t *slot;
	bool is_mine;
	unsigned at;

	mine = tag << UNTIL_BITS | (atomic_fetch_add(&seen->try, 1) & UNTIL_MASK);
	settled = SETTLED | tag << UNTIL_BITS | (until_s & UNTIL_MASK);
	if (is_known(seen, hash, mine, now_s))
		return SL_SEEN_BEFORE;
	at = bid(seen, hash, mine, now_s);
	if (at == SL_SEEN_REACH)
		return SL_SEEN_FULL;
	slot = slot_at(seen, hash, at);
	is_mine = outbids(seen, hash, mine, at, now_s);
	/* Either fails if somebody before it has taken it away. */
	if (atomic_compare_exchange_strong(slot, &mine, is_mine ? settled : 0) && is_mine)
		return SL_SEEN_NEW;
	return SL_SEEN_BEFORE;
}

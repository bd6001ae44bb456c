// SPDX-License-Identifier: Apache-2.0
// A table with open addressing, without locks.  A word is put into a slot as a bid, and settled
// when no other word in reach is the same; of two bids the one that stands in front wins.
#include "policy/seen.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* A word: settled, 35 bits of tag, and until when it is good, in seconds that go round in 8 years.
 * A bid has a number of its own there: nobody takes another's for its own. */
enum { UNTIL_BITS = 28, TAG_BITS = 35, TAG_FROM = 22 };

#define UNTIL_MASK ((1ull << UNTIL_BITS) - 1)
#define TAG_MASK ((1ull << TAG_BITS) - 1)
#define SETTLED (1ull << 63)

static const struct sl_statefile_kind kind = {
	.name = "sluice.signatures",
	.magic = { 'S', 'L', 'S', 'I', 'G', 'N', 'S', '1' },
	.slots = SL_SEEN_SLOTS,
	.slot_bytes = sizeof(uint64_t),
};

int sl_seen_open(const char *directory, struct sl_seen **ret_seen)
{
	struct sl_seen *s = calloc(1, sizeof(*s));
	int ret = s ? sl_statefile_open(&s->file, directory, &kind) : -ENOMEM;

	if (ret < 0) {
		free(s);
		return ret;
	}
	s->secret = s->file.secret;
	s->turn = s->file.common;
	s->slots = s->file.slots;
	*ret_seen = s;
	return 0;
}

void sl_seen_close(struct sl_seen *seen)
{
	if (seen)
		sl_statefile_close(&seen->file);
	free(seen);
}

static _Atomic uint64_t *slot_at(struct sl_seen *s, uint64_t hash, unsigned i)
{
	return &s->slots[(hash + i) & (SL_SEEN_SLOTS - 1)];
}

static bool is_same(uint64_t word, uint64_t mine)
{
	return ((word ^ mine) >> UNTIL_BITS & TAG_MASK) == 0;
}

/* Of a bid nobody says so: whoever made it settles it, or takes it back.  One of a daemon that was
 * killed just then stays in its slot for good, which costs no more than that. */
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

	mine = tag << UNTIL_BITS | (atomic_fetch_add(seen->turn, 1) & UNTIL_MASK);
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

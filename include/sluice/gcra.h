/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Rate limits by GCRA: a client's whole state in one 64-bit word, charged by compare-and-swap, so
 * that packets in the kernel and requests in userspace draw on the same credit. */
#ifndef SLUICE_GCRA_H
#define SLUICE_GCRA_H

#include "sluice/halves.h"

/*
 * GCRA (ITU-T I.371, "generic cell rate algorithm"): each client has a theoretical arrival time
 * (TAT).  What it takes moves the TAT on by the time that the rate gives for it; if that would put
 * the TAT further ahead of the clock than the burst allows, it is refused and nothing moves.  So
 * within any time t at most rate * t + burst is let through, and a refusal costs no credit.
 *
 * A word is 20 bits of tag (whose it is) and 44 bits of TAT in units of 16 ns of CLOCK_MONOTONIC,
 * which go round in 78 hours.  A TAT is never further ahead than the burst: what seems to be is
 * old, and counts as past.
 *
 * A set is a cache line of words.  Absent, expired and empty mean the same, so a client without a
 * word takes the one whose TAT is earliest: the ones that are furthest ahead, which are those that
 * press hardest, lose theirs last, and who loses a word is given what it had used up, at most a
 * burst.  The clock that ranks words must be the one that moves them.
 */
#define SL_GCRA_UNIT_SHIFT 4 /* ns to units */
#define SL_GCRA_TAT_BITS 44
#define SL_GCRA_TAT_MASK ((1ull << SL_GCRA_TAT_BITS) - 1)
#define SL_GCRA_AHEAD_MAX (1ull << 40) /* the longest burst: 4.8 hours' worth */
#define SL_GCRA_SLACK (1ull << 28)     /* 4.3 s: how late whoever takes may be with its clock */
#define SL_GCRA_WAYS 8
#define SL_GCRA_TRIES 4
#define SL_GCRA_PERIOD_SHIFT 16

struct sl_gcra_rate {
	__u64 period; /* that one costs: units / 65536, so that a byte can cost less than 16 ns */
	__u64 burst;  /* units; 0: no limit */
};

struct sl_gcra_set {
	__u64 words[SL_GCRA_WAYS];
};

enum sl_gcra_verdict {
	SL_GCRA_TAKEN,
	SL_GCRA_REFUSED,
	SL_GCRA_EVICTED, /* taken, and a client that still owed something lost its word for it */
	SL_GCRA_UNKNOWN, /* of sl_gcra_take_own() only */
};

/* How far ahead of now a word's TAT is; what is further than `most` is old.  This and what follows
 * is arithmetic where others would branch: the verifier would walk through all combinations. */
SL_INLINE __u64 sl_gcra_ahead(__u64 word, __u64 now, __u64 most)
{
	__u64 ahead = (word - now) & SL_GCRA_TAT_MASK, is_old = (most - ahead) >> 63;

	sl_keep(is_old);
	return ahead & (is_old - 1);
}

/* What n cost.  n * period must stay below 2^64: whoever makes rates sees to it. */
SL_INLINE __u64 sl_gcra_cost(const struct sl_gcra_rate *rate, __u64 n)
{
	return n * rate->period >> SL_GCRA_PERIOD_SHIFT;
}

/* How many words are the tag's, << 4, and if it is one, its way below that. */
SL_INLINE __u64 sl_gcra_find(struct sl_gcra_set *set, __u64 tag)
{
	__u64 found = 0;

	for (__u64 i = 0; i < SL_GCRA_WAYS; i++) {
		__u64 word = *(volatile __u64 *)&set->words[i], is_it;

		is_it = ((word >> SL_GCRA_TAT_BITS ^ tag) - 1) >> 63;
		sl_keep(is_it);
		found += -is_it & (16 | i);
	}
	return found;
}

/* The way whose word is the tag's, or else the earliest: (ahead << 4 | 8 * is_other | way). */
SL_INLINE __u64 sl_gcra_choose(struct sl_gcra_set *set, __u64 tag, __u64 now)
{
	__u64 best = ~0ull >> 1;

	for (__u64 i = 0; i < SL_GCRA_WAYS; i++) {
		__u64 word = *(volatile __u64 *)&set->words[i], rank, is_other, is_less, is_empty;

		is_other = 1 - (((word >> SL_GCRA_TAT_BITS ^ tag) - 1) >> 63);
		sl_keep(is_other);
		/* An empty word is no old one: its age would be the clock's. */
		is_empty = (word - 1) >> 63 & ~word >> 63;
		sl_keep(is_empty);
		rank = sl_gcra_ahead(word, now, SL_GCRA_AHEAD_MAX) & (is_empty - 1);
		rank = (rank << 4 | 8) & -is_other;
		rank |= i;
		is_less = (rank - best) >> 63;
		sl_keep(is_less);
		best ^= (best ^ rank) & -is_less;
	}
	return best;
}

/* The word that a client's becomes by taking what costs so much; 0 if it has not that much. */
SL_INLINE __u64 sl_gcra_charge(__u64 word, __u64 tag, const struct sl_gcra_rate *rate, __u64 cost,
			       __u64 now)
{
	__u64 ahead = 0;

	if (word >> SL_GCRA_TAT_BITS == tag)
		ahead = sl_gcra_ahead(word, now, rate->burst + SL_GCRA_SLACK);
	if (ahead + cost > rate->burst)
		return 0;
	return tag << SL_GCRA_TAT_BITS | ((now + ahead + cost) & SL_GCRA_TAT_MASK);
}

/* The part of sl_gcra_take() that most calls need, if the set has a word for the tag and nobody
 * else writes to it just now; else SL_GCRA_UNKNOWN, and nothing is taken. */
SL_INLINE enum sl_gcra_verdict sl_gcra_take_own(struct sl_gcra_set *set, __u64 tag,
						const struct sl_gcra_rate *rate, __u64 n, __u64 now)
{
	__u64 found = sl_gcra_find(set, tag), word, charged, *place;

	place = &set->words[found & (SL_GCRA_WAYS - 1)];
	word = *(volatile __u64 *)place;
	if (found >> 4 != 1 || word >> SL_GCRA_TAT_BITS != tag)
		return SL_GCRA_UNKNOWN;
	charged = sl_gcra_charge(word, tag, rate, sl_gcra_cost(rate, n), now);
	if (!charged)
		return SL_GCRA_REFUSED;
	return __sync_val_compare_and_swap(place, word, charged) == word ? SL_GCRA_TAKEN
									 : SL_GCRA_UNKNOWN;
}

/*
 * Takes n at the given rate for the client whose tag it is (20 bits, not 0), in its set; `now` is
 * sl_gcra_now() of the one clock that all who share the set use.  Whoever loses the race for the
 * word SL_GCRA_TRIES times is refused: the others were let through meanwhile, and no credit is
 * lost.
 */
SL_INLINE enum sl_gcra_verdict sl_gcra_take(struct sl_gcra_set *set, __u64 tag,
					    const struct sl_gcra_rate *rate, __u64 n, __u64 now)
{
	__u64 cost = sl_gcra_cost(rate, n);

	SL_NO_UNROLL
	for (int i = 0; i < SL_GCRA_TRIES; i++) {
		__u64 best = sl_gcra_choose(set, tag, now), word, charged, *place;

		place = &set->words[best & (SL_GCRA_WAYS - 1)];
		word = *(volatile __u64 *)place;
		charged = sl_gcra_charge(word, tag, rate, cost, now);
		if (!charged)
			return SL_GCRA_REFUSED;
		if (__sync_val_compare_and_swap(place, word, charged) == word)
			return best & 8 && best >> 4 ? SL_GCRA_EVICTED : SL_GCRA_TAKEN;
	}
	return SL_GCRA_REFUSED;
}

SL_INLINE __u64 sl_gcra_now(__u64 ns)
{
	return ns >> SL_GCRA_UNIT_SHIFT & SL_GCRA_TAT_MASK;
}

#endif

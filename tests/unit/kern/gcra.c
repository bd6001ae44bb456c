// SPDX-License-Identifier: Apache-2.0
// Clients' credit, by a clock that the test sets.
#include "sluice/gcra.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define UNITS_A_SECOND (1000000000ull >> SL_GCRA_UNIT_SHIFT)

static struct sl_gcra_set set;

static struct sl_gcra_rate rate_of(uint64_t a_second, uint64_t burst)
{
	uint64_t period = (UNITS_A_SECOND << SL_GCRA_PERIOD_SHIFT) / a_second;

	return (struct sl_gcra_rate){ period, period * burst >> SL_GCRA_PERIOD_SHIFT };
}

/* How many of so many tries are let through at one moment. */
static int takes(uint64_t tag, const struct sl_gcra_rate *rate, int tries, uint64_t now)
{
	int taken = 0;

	for (int i = 0; i < tries; i++)
		taken +=
			sl_gcra_take(&set, tag, rate, 1, now & SL_GCRA_TAT_MASK) != SL_GCRA_REFUSED;
	return taken;
}

static void test_burst(void)
{
	struct sl_gcra_rate rate = rate_of(10, 5);
	uint64_t now = 1ull << 30, before;

	memset(&set, 0, sizeof(set));
	is_int(takes(7, &rate, 100, now), 5, "a burst of five, exactly");
	before = set.words[0];
	takes(7, &rate, 100, now);
	ok(set.words[0] == before, "a refusal costs nothing");
	is_int(takes(7, &rate, 10, now + UNITS_A_SECOND / 10 - 1), 0, "just before the refill");
	is_int(takes(7, &rate, 10, now + UNITS_A_SECOND / 10), 1, "at the refill, one");
	is_int(takes(7, &rate, 100, now + 60 * UNITS_A_SECOND), 5, "a minute saves up a burst");
	is_int(takes(8, &rate, 100, now + 60 * UNITS_A_SECOND), 5, "another tag has its own");
	is_int(takes(7, &rate, 1, now + 60 * UNITS_A_SECOND), 0, "and took none of the first's");
}

static void test_wrap(void)
{
	struct sl_gcra_rate rate = rate_of(10, 5);
	uint64_t end = SL_GCRA_TAT_MASK;
	int taken = 0;

	memset(&set, 0, sizeof(set));
	is_int(takes(7, &rate, 100, end - 10), 5, "a burst right before the clock goes round");
	is_int(takes(7, &rate, 100, end + 10), 0, "is still owed after it");
	for (uint64_t i = 1; i <= 100; i++)
		taken += takes(7, &rate, 3, end - 10 + i * UNITS_A_SECOND / 10);
	is_int(taken, 100, "and the rate holds on");
}

/* Whoever is interrupted between reading the clock and taking comes with a clock of the past. */
static void test_late(void)
{
	struct sl_gcra_rate rate = rate_of(1000, 5);
	uint64_t now = 1ull << 30;

	memset(&set, 0, sizeof(set));
	takes(7, &rate, 100, now);
	is_int(takes(7, &rate, 100, now - UNITS_A_SECOND / 10), 0, "a tenth of a second late");
	is_int(takes(7, &rate, 100, now - 4 * UNITS_A_SECOND), 0, "four seconds late");
	is_int(takes(7, &rate, 100, now), 0, "and nothing is forgotten for it");
}

static void test_stale(void)
{
	struct sl_gcra_rate rate = rate_of(10, 5);
	uint64_t now = 1ull << 42;

	memset(&set, 0, sizeof(set));
	takes(7, &rate, 100, now);
	is_int(takes(7, &rate, 100, now + (1ull << 43) + 5), 5, "half a round later it is old");
	is_int(takes(7, &rate, 100, now - SL_GCRA_AHEAD_MAX), 5,
	       "what seems to be hours ahead is old as well");
}

/* Two kinds of credit of one client are two words of a set: at no time of the clock may they push
 * each other out while there is room. */
static void test_room_at_all_times(void)
{
	struct sl_gcra_rate rate = rate_of(10, 5);
	unsigned wrong = 0;

	for (uint64_t i = 0; i < 64; i++) {
		uint64_t now = i << (SL_GCRA_TAT_BITS - 6);
		int first = 0, second = 0;

		memset(&set, 0, sizeof(set));
		for (int k = 0; k < 100; k++) {
			first += takes(7, &rate, 1, now);
			second += takes(8, &rate, 1, now);
		}
		wrong += first != 5 || second != 5;
	}
	is_int(wrong, 0, "an empty word is empty at each of 64 times of the clock's round");
}

static void test_eviction(void)
{
	struct sl_gcra_rate rate = rate_of(10, 50);
	uint64_t now = 1ull << 30;

	memset(&set, 0, sizeof(set));
	for (uint64_t tag = 1; tag <= SL_GCRA_WAYS; tag++)
		takes(tag, &rate, (int)tag * 4, now);
	is_int(sl_gcra_take(&set, 100, &rate, 1, now), SL_GCRA_EVICTED,
	       "a full set: one makes room");
	is_int(takes(8, &rate, 100, now), 50 - 32, "not who has used up most");
	is_int(takes(2, &rate, 100, now), 50 - 8, "nor the second least");
	is_int(takes(1, &rate, 100, now), 50, "who owed least has its burst again");
	memset(&set, 0, sizeof(set));
	for (uint64_t tag = 1; tag <= SL_GCRA_WAYS; tag++)
		takes(tag, &rate, 1, now);
	is_int(sl_gcra_take(&set, 100, &rate, 1, now + UNITS_A_SECOND), SL_GCRA_TAKEN,
	       "who owes nothing any more is not evicted");
}

/* A client that sends 1,000 a second of which 100 are allowed, and 7,000 forged ones a second. */
static void test_flood(void)
{
	struct sl_gcra_rate rate = rate_of(100, 50);
	uint64_t now = 1ull << 30, end = now + 60 * UNITS_A_SECOND;
	int taken = 0, most = 60 * 100 + 50;

	memset(&set, 0, sizeof(set));
	srandom(1);
	for (uint64_t i = 0; now < end; i++, now += UNITS_A_SECOND / 8000) {
		if (i % 8 == 0)
			taken += takes(3, &rate, 1, now);
		else
			takes(4 + (uint64_t)random() % 1000000, &rate, 1, now);
	}
	ok(taken <= most && taken >= most - most / 100,
	   "in a flood of others a client keeps its limit: %d of %d", taken, most);
}

static void test_bytes(void)
{
	struct sl_gcra_rate rate = rate_of(1000000000, 3000);
	uint64_t now = 1ull << 30;

	memset(&set, 0, sizeof(set));
	is_int(sl_gcra_take(&set, 7, &rate, 1500, now), SL_GCRA_TAKEN, "a byte a nanosecond");
	is_int(sl_gcra_take(&set, 7, &rate, 1500, now), SL_GCRA_TAKEN, "two frames are the burst");
	is_int(sl_gcra_take(&set, 7, &rate, 32, now), SL_GCRA_REFUSED, "and no 32 bytes more");
	is_int(sl_gcra_take(&set, 7, &rate, 3200, now + 1000), SL_GCRA_REFUSED,
	       "more than a burst is never let through");
}

int main(void)
{
	test_burst();
	test_wrap();
	test_late();
	test_stale();
	test_room_at_all_times();
	test_eviction();
	test_flood();
	test_bytes();
	return done_testing();
}

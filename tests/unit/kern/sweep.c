// SPDX-License-Identifier: Apache-2.0
// Credit that was left alone is cleared before it seems to press; what is in use stays.
#include "kern/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tap.h"

#define HOURS(n) ((n)*3600 * SL_SEC)

static struct sl_gcra_set sets[256];
static const uint64_t burst = 60 * SL_SEC >> SL_GCRA_UNIT_SHIFT;

static uint64_t word_of(uint64_t tag, uint64_t ns)
{
	return tag << SL_GCRA_TAT_BITS | sl_gcra_now(ns);
}

/* Whether a word whose TAT was at that time is there after a sweep at the other one. */
static bool stays(uint64_t tat_ns, uint64_t now_ns)
{
	sets[0].words[3] = word_of(7, tat_ns);
	sl_sweep_sets(sets, 1, sl_gcra_now(now_ns), burst + SL_GCRA_SLACK);
	return sets[0].words[3] != 0;
}

static void test_ages(void)
{
	uint64_t now = HOURS(1000);

	ok(stays(now, now), "a word of now stays");
	ok(stays(now + 59 * SL_SEC, now), "one that is ahead, within its burst");
	ok(stays(now - HOURS(1) + SL_SEC, now), "one that was used within the hour");
	ok(!stays(now - HOURS(1) - SL_SEC, now), "one that was not is cleared");
	ok(!stays(now - HOURS(72), now), "one of three days ago");
	ok(!stays(now - HOURS(75), now), "one so old that it looks like hours ahead");
	ok(!stays(now - HOURS(78), now), "and one so old that it looks like minutes ahead");
}

/* Why it is done: such a word outranked a client that really presses. */
static void test_rank(void)
{
	struct sl_gcra_rate rate = { (SL_SEC >> SL_GCRA_UNIT_SHIFT) << SL_GCRA_PERIOD_SHIFT,
				     burst };
	uint64_t now_ns = HOURS(1000), now = sl_gcra_now(now_ns);
	struct sl_gcra_set *set = &sets[1];

	for (unsigned i = 1; i < SL_GCRA_WAYS; i++)
		set->words[i] = word_of(100 + i, now_ns - HOURS(75));
	set->words[0] = word_of(100, now_ns + 30 * SL_SEC);
	is_int(sl_gcra_take(set, 5, &rate, 1, now), SL_GCRA_EVICTED,
	       "unswept, old words cost a client its credit");
	set->words[0] = word_of(100, now_ns + 30 * SL_SEC);
	is_int((long)sl_sweep_sets(set, 1, now, burst + SL_GCRA_SLACK), SL_GCRA_WAYS - 1,
	       "a sweep clears them");
	is_int(sl_gcra_take(set, 5, &rate, 1, now), SL_GCRA_TAKEN, "then there is room");
	ok(set->words[0] == word_of(100, now_ns + 30 * SL_SEC), "and who presses keeps its word");
}

static void fill(struct sl_gcra_set *all, size_t nr, uint64_t word)
{
	for (size_t i = 0; i < nr * SL_GCRA_WAYS; i++)
		all[i / SL_GCRA_WAYS].words[i % SL_GCRA_WAYS] = word;
}

static size_t count(const struct sl_gcra_set *all, size_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < nr * SL_GCRA_WAYS; i++)
		n += all[i / SL_GCRA_WAYS].words[i % SL_GCRA_WAYS] != 0;
	return n;
}

static void test_steps(void)
{
	static struct sl_control control = { .cells_mask = 255 };
	struct sl_guard_rules rules = { .control = &control, .cells = sets };
	struct sl_guard *g = sl_guard_new();
	uint64_t now = HOURS(1000);
	struct sl_sweep sweep = { .position = UINT32_MAX - SL_SWEEP_STEP + 1 };

	fill(sets, 256, word_of(9, now - HOURS(10)));
	fill(g->failures, SL_GUARD_FAILURE_SETS, word_of(9, now - HOURS(10)));
	sl_sweep_step(g, &rules, &sweep, now);
	sl_sweep_step(g, &rules, &sweep, now + SL_SEC - 1);
	is_int((long)count(sets, 256), (256 - SL_SWEEP_STEP) * SL_GCRA_WAYS,
	       "a step is small, and one a second");
	for (unsigned i = 1; i < 256 / SL_SWEEP_STEP; i++)
		sl_sweep_step(g, &rules, &sweep, now += SL_SEC);
	is_int((long)count(sets, 256), 0, "steps go round");
	for (unsigned i = 0; i < SL_GUARD_FAILURE_SETS / SL_SWEEP_STEP; i++)
		sl_sweep_step(g, &rules, &sweep, now += SL_SEC);
	is_int((long)count(g->failures, SL_GUARD_FAILURE_SETS), 0, "through failures, too");
	rules.cells = NULL;
	sl_sweep_step(g, &rules, &sweep, now += SL_SEC);
	control.cells_mask = 0;
	rules.cells = sets;
	sl_sweep_step(g, &rules, &sweep, now += SL_SEC);
	ok(true, "fewer cells than a step, or none, are no matter");
	ok(SL_CELL_SETS_MAX / SL_SWEEP_STEP <= 3600, "a step a second is all of them in an hour");
	sl_guard_free(g);
}

int main(void)
{
	test_ages();
	test_rank();
	test_steps();
	return done_testing();
}

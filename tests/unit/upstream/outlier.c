// SPDX-License-Identifier: Apache-2.0
// Outlier detection: when a target is ejected, for how long, and when it is not.
#include "upstream/outlier.h"

#include <stdlib.h>

#include "base/clock.h"
#include "tap.h"
#include "upstream/balance.h"

static struct sl_target_conf targets[4] = {
	{ .weight = 1 }, { .weight = 1 }, { .weight = 1 }, { .weight = 1 }
};
static struct sl_upstream_conf conf;
static struct sl_states *states;
static struct sl_pool pool;
static struct sl_slab slab;
static uint64_t now_ns;

static struct sl_upstream *make(unsigned nr, uint32_t max_percent)
{
	now_ns = 1000 * SL_SEC;
	conf = (struct sl_upstream_conf){
		.name = "u",
		.targets = targets,
		.targets_nr = nr,
		.outlier = { .failures = 3,
			     .statuses = 1ull << 2 | 1ull << 63,
			     .base_ns = 10 * SL_SEC,
			     .max_ns = 60 * SL_SEC,
			     .max_percent = max_percent },
	};
	if (sl_states_new(&states, &conf, 1, 1) < 0 ||
	    sl_pool_init(&pool, &(struct sl_pool_conf){ NULL, &slab, &conf, 1, states, 0, NULL }) <
		    0)
		abort();
	return &pool.upstreams[0];
}

static void unmake(void)
{
	sl_pool_fini(&pool);
	sl_states_free(states);
}

/* Seconds of the ejection that this many failures in a row bring. */
static int fail(struct sl_upstream *u, unsigned target, unsigned times)
{
	uint64_t ns = 0;

	while (times-- > 0)
		ns = sl_outlier_note(u, &u->targets[target], true, now_ns);
	return (int)(ns / SL_SEC);
}

static void in_a_row(void)
{
	struct sl_upstream *u = make(4, 50);

	is_int(fail(u, 0, 2), 0, "one failure less than the limit does nothing");
	sl_outlier_note(u, &u->targets[0], false, now_ns);
	is_int(fail(u, 0, 2), 0, "an answer in between starts the count anew");
	is_int(fail(u, 0, 1), 10, "the third in a row ejects the target");
	is_int(fail(u, 0, 5), 0, "late failures of an ejected one change nothing");
	is_int((int64_t)(u->targets[0].shared->ejected_until_ns - now_ns), 10 * SL_SEC,
	       "its time is in the shared cell");
	for (unsigned i = 0; i < 8; i++)
		if (sl_upstream_pick(u, &(struct sl_pick){ 0 }, now_ns) == &u->targets[0])
			ok(false, "it is not picked");
	unmake();
}

static void longer_each_time(void)
{
	static const int want[] = { 10, 20, 40, 60, 60 };
	struct sl_upstream *u = make(4, 50);

	for (unsigned i = 0; i < 5; i++) {
		is_int(fail(u, 0, 3), want[i], "ejection %u takes %d seconds", i + 1, want[i]);
		now_ns += want[i] * SL_SEC;
		sl_outlier_note(u, &u->targets[0], false, now_ns);
	}
	now_ns += 60 * SL_SEC - 1;
	is_int(fail(u, 0, 3), 60, "nearly a minute in service is not enough");
	now_ns += 60 * SL_SEC + 60 * SL_SEC;
	is_int(fail(u, 0, 3), 10, "after a minute in service it begins anew");
	unmake();
}

static const struct {
	unsigned nr;
	uint32_t percent;
	unsigned ejected;
} rooms[] = {
	{ 4, 50, 2 }, { 4, 49, 1 }, { 4, 25, 1 },  { 4, 24, 0 }, { 3, 50, 1 },
	{ 2, 50, 1 }, { 1, 99, 0 }, { 1, 100, 1 }, { 4, 0, 0 },	 { 4, 100, 4 },
};

static void room(void)
{
	for (unsigned i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		struct sl_upstream *u = make(rooms[i].nr, rooms[i].percent);
		unsigned ejected = 0;

		for (unsigned k = 0; k < rooms[i].nr; k++)
			ejected += fail(u, k, 3) > 0;
		is_int(ejected, rooms[i].ejected, "of %u targets, %u %% at the most: %u",
		       rooms[i].nr, rooms[i].percent, rooms[i].ejected);
		unmake();
	}
	struct sl_upstream *u = make(2, 50);

	fail(u, 0, 3);
	fail(u, 1, 3);
	now_ns += 10 * SL_SEC;
	is_int(fail(u, 1, 1), 10, "who found no room is ejected by the next failure that does");
	unmake();
}

static void panic(void)
{
	struct sl_upstream *u = make(4, 100);
	unsigned picked = 0;

	fail(u, 0, 3);
	fail(u, 1, 3);
	conf.panic_percent = 49;
	for (unsigned i = 0; i < 40; i++)
		picked += sl_upstream_pick(u, &(struct sl_pick){ 0 }, now_ns) <= &u->targets[1];
	is_int(picked, 0, "half in service, panic at 49 %%: no");
	conf.panic_percent = 50;
	for (unsigned i = 0; i < 40; i++)
		picked += sl_upstream_pick(u, &(struct sl_pick){ 0 }, now_ns) <= &u->targets[1];
	is_int(picked, 20, "at 50 %%: all are used again");
	sl_upstream_set_admin(states, 0, 0, SL_TARGET_DISABLED);
	picked = 0;
	for (unsigned i = 0; i < 40; i++)
		picked += sl_upstream_pick(u, &(struct sl_pick){ 0 }, now_ns) == &u->targets[0];
	is_int(picked, 0, "but for those that the operator does not want");
	unmake();
}

static void off(void)
{
	struct sl_upstream *u = make(4, 100);

	conf.outlier.failures = 0;
	is_int(fail(u, 0, 1000), 0, "where it is not asked for nobody is ejected");
	is_int(u->targets[0].shared->failures, 0, "and nothing is counted");
	conf.outlier.failures = 1;
	ok(sl_outlier_is_failure(&conf, 502) && sl_outlier_is_failure(&conf, 563) &&
		   !sl_outlier_is_failure(&conf, 503) && !sl_outlier_is_failure(&conf, 200) &&
		   !sl_outlier_is_failure(&conf, 564) && !sl_outlier_is_failure(&conf, 599),
	   "the listed statuses are failures");
	unmake();
}

int main(void)
{
	in_a_row();
	longer_each_time();
	room();
	panic();
	off();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// The cells of targets: where they are, what an operator sees in them, what he sets.
#include "upstream/state.h"

#include <stdlib.h>

#include "tap.h"

static const struct sl_upstream_conf conf[] = {
	{ .name = "a", .targets_nr = 3, .health = { .interval_ns = 1 } },
	{ .name = "b", .targets_nr = 1 },
	{ .name = "c", .targets_nr = 2 },
};
static struct sl_states *s;

static void places(void)
{
	bool apart = true;

	is_int((int64_t)s->targets_nr, 6, "a cell for each target of all upstreams");
	ok(sl_states_target(s, 1, 0) == s->targets + 3 &&
		   sl_states_target(s, 2, 1) == s->targets + 5,
	   "found by upstream and target");
	for (unsigned w = 0; w < 4; w++)
		apart &= (uintptr_t)sl_states_counts(s, w, 0, 0) % 64 == 0;
	ok(apart, "what workers count lies on cache lines of their own");
	ok(sl_states_counts(s, 3, 2, 1) < s->counts + 4 * s->counts_nr, "the last one within");
}

static void sums(void)
{
	struct sl_target_status status;

	for (unsigned w = 0; w < 4; w++) {
		struct sl_target_counts *c = sl_states_counts(s, w, 2, 1);

		sl_cell_add(&c->in_flight, 1 + w);
		sl_cell_add(&c->connections, 2);
		sl_cell_add(&c->requests, 100);
		sl_cell_add(&c->failures, w);
	}
	sl_upstream_status(s, 2, 1, 0, &status);
	ok(status.in_flight == 10 && status.connections == 8 && status.requests == 400 &&
		   status.failures == 6,
	   "a status sums up all workers");
	sl_upstream_status(s, 2, 0, 0, &status);
	ok(status.in_flight == 0 && status.requests == 0, "of this target only");
}

static void admin(void)
{
	static const enum sl_target_admin order[] = { SL_TARGET_DRAIN, SL_TARGET_DISABLED,
						      SL_TARGET_DRAIN, SL_TARGET_READY };
	struct sl_target_shared *t = sl_states_target(s, 0, 1);
	struct sl_target_status status;

	sl_upstream_status(s, 0, 1, 5, &status);
	ok(status.admin == SL_TARGET_READY && status.is_healthy && !status.ejected_ns,
	   "a target begins ready, healthy and in service");
	t->out = SL_OUT_UNHEALTHY;
	t->ejected_until_ns = 105;
	t->ejections = 2;
	sl_upstream_status(s, 0, 1, 5, &status);
	ok(!status.is_healthy && status.ejected_ns == 100 && status.ejections == 2,
	   "what was found out about it is seen");
	for (unsigned i = 0; i < 4; i++) {
		sl_upstream_set_admin(s, 0, 1, order[i]);
		sl_upstream_status(s, 0, 1, 5, &status);
		ok(status.admin == order[i] && !status.is_healthy, "%s is set, its health stays",
		   sl_target_admin_name(order[i]));
	}
	is_int((int64_t)status.ejected_ns, 0, "ready ends an ejection");
}

static void inherit(void)
{
	static const uint32_t map[] = { UINT32_MAX, 5, 1, UINT32_MAX, 5, 4 };
	struct sl_target_shared *from;
	struct sl_states *next;

	if (sl_states_new(&next, conf, 3, 2) < 0)
		abort();
	from = sl_states_target(s, 2, 2 - 1);
	from->out = SL_OUT_DRAIN | SL_OUT_UNHEALTHY;
	from->failures = 3;
	from->ejections = 4;
	from->ejected_until_ns = 5;
	from->slow_since_ns = 6;
	from->checks = 7;
	from->checks_failed = 8;
	sl_states_inherit(next, conf, s, map);
	from = &next->targets[1];
	ok(from->out == (SL_OUT_DRAIN | SL_OUT_UNHEALTHY) && from->failures == 3 &&
		   from->ejections == 4 && from->ejected_until_ns == 5 &&
		   from->slow_since_ns == 6 && from->checks == 7 && from->checks_failed == 8,
	   "a target that stays keeps all that is known of it, wherever it stands");
	ok(next->targets[0].out == 0 && next->targets[3].out == 0, "a new one begins anew");
	is_int(next->targets[4].out, SL_OUT_DRAIN,
	       "without health checks one that was unhealthy is not");
	is_int((int64_t)sl_states_counts(next, 0, 0, 1)->requests, 0, "counts begin anew");
	sl_states_free(next);
}

int main(void)
{
	if (sl_states_new(&s, conf, 3, 4) < 0)
		abort();
	places();
	sums();
	admin();
	inherit();
	sl_states_free(s);
	sl_states_free(NULL);
	if (sl_states_new(&s, conf, 0, 1) < 0)
		abort();
	ok(s->targets_nr == 0, "no upstreams are fine too");
	sl_states_free(s);
	return done_testing();
}

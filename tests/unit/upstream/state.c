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
	ok(sl_states_target(s, 1, 0) == &s->targets[3]->shared &&
		   sl_states_target(s, 2, 1) == &s->targets[5]->shared,
	   "found by upstream and target");
	for (unsigned w = 0; w < 4; w++)
		apart &= (uintptr_t)sl_states_counts(s, w, 0, 0) % 64 == 0;
	ok(apart, "what workers count lies on cache lines of their own");
	ok(sl_states_counts(s, 3, 2, 1) == &s->targets[5]->counts[3], "and to be found too");
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

static void follow(void)
{
	static const uint32_t targets[] = { UINT32_MAX, 5, 1, UINT32_MAX, UINT32_MAX, 4 };
	static const uint32_t upstreams[] = { UINT32_MAX, 2, 0 };
	struct sl_target_shared *shared = sl_states_target(s, 2, 1);
	struct sl_states *next;

	shared->out = SL_OUT_DRAIN | SL_OUT_UNHEALTHY;
	s->upstreams[2]->shared.requests = 7;
	if (sl_states_follow(&next, conf, 3, s, targets, upstreams) < 0)
		abort();
	ok(sl_states_target(next, 0, 1) == shared &&
		   sl_states_counts(next, 3, 0, 1) == sl_states_counts(s, 3, 2, 1),
	   "a target that stays keeps its cells, wherever it stands");
	is_int(next->upstreams[1]->shared.requests, 7, "so does an upstream, and so its bounds");
	ok(sl_states_target(next, 0, 0)->out == 0 && next->upstreams[0]->shared.requests == 0,
	   "a new one begins anew");
	is_int(shared->out, SL_OUT_DRAIN | SL_OUT_UNHEALTHY,
	       "nothing has changed before it is used");
	sl_states_free(s);
	s = next;
	sl_states_settle(s, conf);
	is_int(shared->out, SL_OUT_DRAIN | SL_OUT_UNHEALTHY,
	       "where there are health checks nor then");
	sl_states_settle(s, (const struct sl_upstream_conf[]){ { .targets_nr = 3 },
							       { .targets_nr = 1 },
							       { .targets_nr = 2 } });
	is_int(shared->out, SL_OUT_DRAIN, "without them one that was unhealthy is not");
}

int main(void)
{
	if (sl_states_new(&s, conf, 3, 4) < 0)
		abort();
	places();
	sums();
	admin();
	follow();
	sl_states_free(s);
	sl_states_free(NULL);
	if (sl_states_new(&s, conf, 0, 1) < 0)
		abort();
	ok(s->targets_nr == 0, "no upstreams are fine too");
	sl_states_free(s);
	return done_testing();
}

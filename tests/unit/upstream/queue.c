// SPDX-License-Identifier: Apache-2.0
// Requests that wait for a connection: in order, not too many, not too long.
#include "upstream/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

enum { WAITERS = 4 };

static struct sl_target_conf target = { .name = "t", .weight = 1 };
static struct sl_upstream_conf conf = { .name = "u", .targets = &target, .targets_nr = 1 };
static struct sl_states *states;
static struct sl_pool pool;
static struct sl_slab slab;
static struct sl_loop *the_loop;

struct waiting {
	struct sl_fiber *fiber;
	struct sl_conn watch;
	uint64_t deadline_ns;
	int ret;
	bool is_again;
	struct sl_upstream *upstream;
	unsigned in_vain; /* so often it has no use for what it is called for */
};

static struct waiting waiting[WAITERS];
static char order[32];
static unsigned ended, joined;

static void wait_in_line(void *arg)
{
	struct waiting *w = arg;

	do
		w->ret = sl_queue_wait(w->upstream, &w->watch, w->is_again, w->deadline_ns);
	while (w->in_vain && w->in_vain-- && (w->is_again = true));
	order[ended++] = (char)('a' + (w - waiting));
	w->fiber = NULL;
}

static void join(struct waiting w)
{
	struct waiting *place = &waiting[joined++];

	*place = w;
	place->deadline_ns = SL_NEVER;
	place->ret = 1;
	if (sl_fiber_spawn(the_loop, wait_in_line, place, &place->fiber) < 0)
		abort();
}

static struct sl_upstream *start(struct sl_loop *loop, unsigned nr, unsigned max)
{
	the_loop = loop;
	conf.max_pending = max;
	if (sl_states_new(&states, &conf, 1, 1) < 0 ||
	    sl_pool_init(&pool, &(struct sl_pool_conf){ loop, &slab, &conf, 1, states, 0, NULL }) <
		    0)
		abort();
	memset(order, 0, sizeof(order));
	ended = joined = 0;
	for (unsigned i = 0; i < nr; i++)
		join((struct waiting){ .upstream = &pool.upstreams[0] });
	loopback_turns(loop, 2);
	return &pool.upstreams[0];
}

static void end(void)
{
	is_int(pool.upstreams[0].line->nr, 0, "nobody waits any more");
	ok(sl_list_is_empty(&pool.upstreams[0].waiting), "or is in line");
	sl_pool_fini(&pool);
	sl_states_free(states);
}

static void in_order(struct sl_loop *loop)
{
	struct sl_upstream *u = start(loop, 3, 3);

	is_int(u->line->nr, 3, "three wait");
	is_int(sl_queue_wait(u, NULL, false, SL_NEVER), -EBUSY, "a fourth is too many");
	sl_queue_call(u);
	is_int(u->line->nr, 3, "who is called counts until it has had its turn");
	loopback_turns(loop, 2);
	sl_queue_call(u);
	sl_queue_call(u);
	sl_queue_call(u);
	ok(loopback_until(loop, &ended, 3) && strcmp(order, "abc") == 0,
	   "they go in the order in which they came: %s", order);
	ok(!waiting[0].ret && !waiting[1].ret && !waiting[2].ret, "each with a good word");
	end();
}

static void gone(struct sl_loop *loop)
{
	struct sl_upstream *u = start(loop, 4, 9);

	sl_fiber_cancel(loop, waiting[1].fiber);
	waiting[2].watch.rx_error = -ECONNRESET;
	sl_fiber_wake(loop, waiting[2].fiber);
	ok(loopback_until(loop, &ended, 2), "who is cancelled, or whose client left, goes");
	is_int(waiting[1].ret, -ECANCELED, "cancelled");
	is_int(waiting[2].ret, -ECONNABORTED, "left");
	/* Called and cancelled in the same turn: the call must not be lost. */
	sl_queue_call(u);
	sl_fiber_cancel(loop, waiting[0].fiber);
	ok(loopback_until(loop, &ended, 4) && waiting[0].ret == -ECANCELED && waiting[3].ret == 0,
	   "a call to one that goes is passed on to the next");
	end();
}

static void too_late(struct sl_loop *loop)
{
	struct sl_upstream *u = start(loop, 0, 9);
	uint64_t start_ns = loop->now_ns;

	is_int(sl_queue_wait(u, NULL, false, loop->now_ns + 30 * SL_MS), -EBUSY,
	       "nobody waits beyond the deadline");
	ok(loop->now_ns - start_ns >= 30 * SL_MS, "and nobody less");
	is_int(sl_queue_wait(u, NULL, false, SL_NEVER), 0,
	       "the first in line looks again by itself after a while");
	end();
}

static void again(struct sl_loop *loop)
{
	struct sl_upstream *u = start(loop, 2, 2);

	join((struct waiting){ .upstream = u, .is_again = true });
	loopback_turns(loop, 2);
	for (unsigned i = 0; i < 3; i++)
		sl_queue_call(u);
	ok(loopback_until(loop, &ended, 3) && strcmp(order, "cab") == 0,
	   "who was called in vain comes first, in a full line too: %s", order);
	end();
}

/* Two configurations with one upstream, whose line they share. */
static void configurations(struct sl_loop *loop)
{
	static const uint32_t same[] = { 0 };
	struct sl_upstream *old = start(loop, 2, 4), *new;
	struct sl_states *next_states;
	struct sl_pool next;

	if (sl_states_follow(&next_states, &conf, 1, states, same, same) < 0 ||
	    sl_pool_init(&next,
			 &(struct sl_pool_conf){ loop, &slab, &conf, 1, next_states, 0, NULL }) < 0)
		abort();
	new = &next.upstreams[0];
	waiting[0].in_vain = 1;
	waiting[1].in_vain = 9; /* its targets have no room */
	ok(sl_queue_is_my_turn(new) && !sl_queue_is_my_turn(old),
	   "those of an older configuration keep nobody of a newer one waiting");
	join((struct waiting){ .upstream = new });
	join((struct waiting){ .upstream = new, .in_vain = 9 });
	loopback_turns(loop, 2);
	is_int(sl_queue_wait(new, NULL, false, SL_NEVER), -EBUSY, "all count together");
	sl_queue_call(new);
	ok(loopback_until(loop, &ended, 1) && strcmp(order, "c") == 0,
	   "what the older one has no use for goes to the newer: %s", order);
	sl_queue_call(new);
	ok(loopback_until(loop, &ended, 2) && strcmp(order, "ca") == 0,
	   "what it has a use for does not: %s", order);
	sl_queue_call(new);
	loopback_turns(loop, 4);
	is_int(waiting[1].in_vain + waiting[3].in_vain, 16, "a call of no use to anybody ends");
	sl_fiber_cancel(loop, waiting[1].fiber);
	waiting[1].in_vain = waiting[3].in_vain = 0;
	sl_fiber_cancel(loop, waiting[3].fiber);
	ok(loopback_until(loop, &ended, 4), "all go");
	sl_pool_close_idle(&next);
	sl_pool_fini(&next);
	sl_states_free(next_states);
	end();
}

static void requests(void)
{
	struct sl_upstream *u;
	unsigned entered = 0;

	conf.max_requests = 3;
	if (sl_states_new(&states, &conf, 1, 2) < 0 ||
	    sl_pool_init(&pool, &(struct sl_pool_conf){ NULL, &slab, &conf, 1, states, 0, NULL }) <
		    0)
		abort();
	u = &pool.upstreams[0];
	for (unsigned i = 0; i < 5; i++)
		entered += sl_upstream_enter(u);
	is_int(entered, 3, "three requests of three enter");
	sl_upstream_leave(u);
	ok(sl_upstream_enter(u) && !sl_upstream_enter(u), "for each that leaves another one");
	conf.max_requests = 0;
	ok(sl_upstream_enter(u), "without a limit any");
	sl_pool_fini(&pool);
	sl_states_free(states);
}

static void facts(struct sl_loop *loop)
{
	in_order(loop);
	gone(loop);
	too_late(loop);
	again(loop);
	configurations(loop);
}

int main(void)
{
	requests();
	loopback_run(facts, 0);
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Which target is next, and which connection to it.
#include "upstream/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

enum { TARGETS_MAX = 70 };

static struct sl_target_conf targets[TARGETS_MAX];
static struct sl_upstream_conf conf = { .name = "u", .targets = targets };
static struct sl_pool pool;
static struct sl_slab slab;

static struct sl_upstream *make(const uint32_t *weights, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		targets[i] = (struct sl_target_conf){ .weight = weights ? weights[i] : 1 };
	conf.targets_nr = nr;
	if (sl_pool_init(&pool, NULL, &slab, &conf, 1) < 0)
		abort();
	return &pool.upstreams[0];
}

/* The index of the target, or -1. */
static int pick(struct sl_upstream *u, uint64_t tried, uint64_t now_ns)
{
	struct sl_target *t = sl_upstream_pick(u, tried, now_ns);

	return t ? (int)(t - u->targets) : -1;
}

static const struct {
	unsigned nr;
	uint32_t weights[4];
} weighted[] = {
	{ 1, { 7 } },	       { 2, { 1, 1 } },	      { 2, { 1, 1000 } },      { 3, { 5, 1, 1 } },
	{ 4, { 4, 3, 2, 1 } }, { 4, { 1, 1, 1, 1 } }, { 3, { 1000, 999, 1 } },
};

/* So many picks as the weights add up to are a cycle. */
static void weights(void)
{
	for (unsigned i = 0; i < sizeof(weighted) / sizeof(weighted[0]); i++) {
		struct sl_upstream *u = make(weighted[i].weights, weighted[i].nr);
		bool held = true;
		uint32_t sum = 0;

		for (unsigned k = 0; k < weighted[i].nr; k++)
			sum += weighted[i].weights[k];
		for (unsigned cycle = 0; cycle < 3; cycle++) {
			uint32_t picked[4] = { 0 };

			for (uint32_t n = 0; n < sum; n++)
				picked[pick(u, 0, 0)]++;
			for (unsigned k = 0; k < weighted[i].nr; k++)
				held &= picked[k] == weighted[i].weights[k] ||
					(weighted[i].nr == 1 && picked[0] == sum);
		}
		ok(held, "%u targets of weight %u and so on: exactly so in every cycle",
		   weighted[i].nr, weighted[i].weights[0]);
		sl_pool_fini(&pool);
	}
}

static void spread(void)
{
	static const uint32_t five_one_one[] = { 5, 1, 1 };
	struct sl_upstream *u = make(five_one_one, 3);
	char order[8] = "";

	for (unsigned i = 0; i < 7; i++)
		order[i] = (char)('a' + pick(u, 0, 0));
	ok(strcmp(order, "aabacaa") == 0, "a heavy target's turns are spread: %s", order);
	sl_pool_fini(&pool);
}

static void down(void)
{
	struct sl_upstream *u = make(NULL, 3);
	unsigned picked[3] = { 0 };

	u->targets[1].down_until_ns = 1000;
	for (unsigned i = 0; i < 100; i++)
		picked[pick(u, 0, 999)]++;
	ok(picked[0] == 50 && picked[1] == 0 && picked[2] == 50,
	   "a target that is down is skipped");
	memset(picked, 0, sizeof(picked));
	for (unsigned i = 0; i < 99; i++)
		picked[pick(u, 0, 1000)]++;
	ok(picked[0] == 33 && picked[1] == 33 && picked[2] == 33,
	   "when its time is over it gets its share again, and no more");
	for (unsigned i = 0; i < 3; i++)
		u->targets[i].down_until_ns = 2000;
	memset(picked, 0, sizeof(picked));
	for (unsigned i = 0; i < 99; i++)
		picked[pick(u, 0, 1500)]++;
	ok(picked[0] == 33 && picked[1] == 33 && picked[2] == 33, "with all down, all are asked");
	sl_pool_fini(&pool);

	u = make(NULL, 1);
	u->targets[0].down_until_ns = 2000;
	is_int(pick(u, 0, 0), 0, "the only target is asked even when it is down");
	is_int(pick(u, sl_target_bit(u, u->targets), 0), -1, "but not twice");
	sl_pool_fini(&pool);
}

static void tried_before(void)
{
	struct sl_upstream *u = make(NULL, 3);
	uint64_t tried = 0, seen = 0;
	unsigned nr = 0;
	int i;

	u->targets[2].down_until_ns = 1000;
	while ((i = pick(u, tried, 0)) >= 0 && nr++ < 10) {
		seen |= 1u << i;
		if (nr == 3)
			is_int(i, 2, "the one that is down comes last");
		tried |= sl_target_bit(u, &u->targets[i]);
	}
	ok(nr == 3 && seen == 7, "one after another, each once");
	is_int(pick(u, tried, 5000), -1, "then none");
	sl_pool_fini(&pool);

	u = make(NULL, TARGETS_MAX);
	ok(pick(u, ~0ull, 0) >= 64,
	   "with more targets than bits, those beyond are still there to try");
	ok(sl_target_bit(u, &u->targets[63]) == 1ull << 63 &&
		   sl_target_bit(u, &u->targets[64]) == 0,
	   "the 64th has a bit, the 65th none");
	sl_pool_fini(&pool);
}

/* ---- connections ---- */

static int door;

static void open_door(struct sl_addr *ret_addr)
{
	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memset(ret_addr, 0, sizeof(*ret_addr));
	ret_addr->in.sin_family = AF_INET;
	ret_addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ret_addr->len = sizeof(ret_addr->in);
	if (bind(door, &ret_addr->sa, ret_addr->len) < 0 || listen(door, 64) < 0 ||
	    getsockname(door, &ret_addr->sa, &ret_addr->len) < 0)
		abort();
}

static struct sl_upstream *make_real(struct sl_loop *loop, uint32_t idle)
{
	targets[0] = (struct sl_target_conf){ .name = "t", .weight = 1 };
	open_door(&targets[0].address);
	conf = (struct sl_upstream_conf){
		.name = "u",
		.targets = targets,
		.targets_nr = 1,
		.connect_timeout_ns = 5 * SL_SEC,
		.idle_timeout_ns = 50 * SL_MS,
		.down_for_ns = 2 * SL_SEC,
		.idle_connections = idle,
	};
	if (sl_pool_init(&pool, loop, &slab, &conf, 1) < 0)
		abort();
	return &pool.upstreams[0];
}

static bool is_empty(struct sl_loop *loop)
{
	uint64_t deadline_ns = loop->now_ns + 5 * SL_SEC;

	while (pool.peers_nr > 0 && loop->now_ns < deadline_ns)
		loopback_turns(loop, 1);
	return pool.peers_nr == 0;
}

static void end(struct sl_loop *loop)
{
	sl_pool_close_idle(&pool);
	ok(is_empty(loop) && pool.targets[0].idle_nr == 0, "closed, no connection is left");
	sl_pool_fini(&pool);
	close(door);
}

static void last_in_first_out(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 2);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peers[3];

	ok(!sl_target_reuse(u, t), "at first there is none to reuse");
	for (unsigned i = 0; i < 3; i++)
		if (sl_target_connect(u, t, SL_NEVER, &peers[i]) < 0)
			abort();
	ok(!peers[0]->is_reused && pool.peers_nr == 3, "three connections are made");
	for (unsigned i = 0; i < 3; i++)
		sl_peer_release(peers[i]);
	is_int(t->idle_nr, 2, "two are kept, as many as may be");
	ok(sl_target_reuse(u, t) == peers[1] && peers[1]->is_reused,
	   "the last one in is first out");
	ok(sl_target_reuse(u, t) == peers[0], "then the one before");
	ok(!sl_target_reuse(u, t) && t->idle_nr == 0, "then none");
	sl_peer_close(peers[0]);
	sl_peer_release(peers[1]);
	sl_peer_close(NULL);
	end(loop);
}

static void ended_while_idle(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 8);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peer;
	int origin;

	for (unsigned i = 0; i < 3; i++) {
		if (sl_target_connect(u, t, SL_NEVER, &peer) < 0)
			abort();
		origin = accept(door, NULL, NULL);
		sl_peer_release(peer);
		if (i == 0)
			close(origin);
		if (i == 1)
			loopback_write(origin, "HTTP/1.1 408 \r\n\r\n", 17);
		ok(is_empty(loop) && t->idle_nr == 0, "%s",
		   i == 0   ? "an idle connection that the target closes is forgotten"
		   : i == 1 ? "one on which it says something unasked is not used again"
			    : "one that nobody needs is closed after its time");
		if (i > 0)
			close(origin);
	}
	if (sl_target_connect(u, t, SL_NEVER, &peer) < 0)
		abort();
	origin = accept(door, NULL, NULL);
	loopback_write(origin, "more", 4);
	sl_conn_wait_data(&peer->conn, loop->now_ns + SL_SEC);
	sl_peer_release(peer);
	is_int(t->idle_nr, 0, "one with bytes that nobody took is not kept");
	close(origin);
	end(loop);
}

static void refused(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 8);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peer = NULL;

	close(door);
	is_int(sl_target_connect(u, t, SL_NEVER, &peer), -ECONNREFUSED, "nobody listens: refused");
	ok(!peer && t->down_until_ns == loop->now_ns + 2 * SL_SEC,
	   "and the target counts as down for as long as it was told");
	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(door, &targets[0].address.sa, targets[0].address.len) == 0 &&
	    listen(door, 1) == 0) {
		is_int(sl_target_connect(u, t, SL_NEVER, &peer), 0, "it listens again: connected");
		ok(t->down_until_ns == 0, "and is up again");
		sl_peer_close(peer);
	}
	end(loop);
}

static void facts(struct sl_loop *loop)
{
	last_in_first_out(loop);
	ended_while_idle(loop);
	refused(loop);
}

int main(void)
{
	sl_slab_init(&slab, sizeof(struct sl_peer));
	weights();
	spread();
	down();
	tried_before();
	loopback_run(facts, 0);
	sl_slab_fini(&slab);
	return done_testing();
}

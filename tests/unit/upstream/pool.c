// SPDX-License-Identifier: Apache-2.0
// Connections to targets: made, kept, reused, counted.
#include "upstream/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

static const struct sl_str none;
static struct sl_target_conf targets[1];
static struct sl_upstream_conf conf;
static struct sl_states *states;
static struct sl_pool pool;
static struct sl_slab slab;

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
	if (sl_states_new(&states, &conf, 1, 1) < 0 ||
	    sl_pool_init(&pool, &(struct sl_pool_conf){ loop, &slab, &conf, 1, states, 0, NULL }) <
		    0)
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
	ok(is_empty(loop) && pool.targets[0].counts->idle_nr == 0, "closed, no connection is left");
	is_int(pool.targets[0].counts->connections + pool.targets[0].counts->in_flight, 0,
	       "and none is counted");
	sl_pool_fini(&pool);
	sl_states_free(states);
	close(door);
}

static void last_in_first_out(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 2);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peers[3];

	ok(!sl_target_reuse(u, t), "at first there is none to reuse");
	for (unsigned i = 0; i < 3; i++)
		if (sl_target_connect(u, t, none, SL_NEVER, &peers[i]) < 0)
			abort();
	ok(!peers[0]->is_reused && pool.peers_nr == 3, "three connections are made");
	ok(t->counts->in_flight == 3 && t->counts->connections == 3, "and counted");
	for (unsigned i = 0; i < 3; i++)
		sl_peer_release(peers[i]);
	is_int(t->counts->idle_nr, 2, "two are kept, as many as may be");
	ok(t->counts->in_flight == 0 && t->counts->connections == 2, "none of them in use");
	ok(sl_target_reuse(u, t) == peers[1] && peers[1]->is_reused,
	   "the last one in is first out");
	ok(sl_target_reuse(u, t) == peers[0], "then the one before");
	ok(!sl_target_reuse(u, t) && t->counts->idle_nr == 0, "then none");
	ok(t->counts->in_flight == 2 && t->counts->requests == 5,
	   "two are in use again, for the fourth and the fifth request");
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
		if (sl_target_connect(u, t, none, SL_NEVER, &peer) < 0)
			abort();
		origin = accept(door, NULL, NULL);
		sl_peer_release(peer);
		if (i == 0)
			close(origin);
		if (i == 1)
			loopback_write(origin, "HTTP/1.1 408 \r\n\r\n", 17);
		ok(is_empty(loop) && t->counts->idle_nr == 0, "%s",
		   i == 0   ? "an idle connection that the target closes is forgotten"
		   : i == 1 ? "one on which it says something unasked is not used again"
			    : "one that nobody needs is closed after its time");
		if (i > 0)
			close(origin);
	}
	if (sl_target_connect(u, t, none, SL_NEVER, &peer) < 0)
		abort();
	origin = accept(door, NULL, NULL);
	loopback_write(origin, "more", 4);
	sl_conn_wait_data(&peer->conn, loop->now_ns + SL_SEC);
	sl_peer_release(peer);
	is_int(t->counts->idle_nr, 0, "one with bytes that nobody took is not kept");
	close(origin);
	end(loop);
}

static void refused(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 8);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peer = NULL;

	close(door);
	is_int(sl_target_connect(u, t, none, SL_NEVER, &peer), -ECONNREFUSED,
	       "nobody listens: refused");
	ok(!peer && t->down_until_ns == loop->now_ns + 2 * SL_SEC,
	   "and the target counts as down for as long as it was told");
	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(door, &targets[0].address.sa, targets[0].address.len) == 0 &&
	    listen(door, 1) == 0) {
		is_int(sl_target_connect(u, t, none, SL_NEVER, &peer), 0,
		       "it listens again: connected");
		ok(t->down_until_ns == 0, "and is up again");
		sl_peer_close(peer);
	}
	end(loop);
}

/* Requests that a connection carries until it is not kept. */
static unsigned uses_of(struct sl_loop *loop, struct sl_upstream *u)
{
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peer;
	unsigned n = 0;

	if (sl_target_connect(u, t, none, SL_NEVER, &peer) < 0)
		abort();
	do {
		sl_peer_release(peer);
		n++;
		peer = sl_target_reuse(u, t);
	} while (peer);
	close(accept(door, NULL, NULL));
	loopback_turns(loop, 1);
	return n;
}

static void worn_out(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 8);
	unsigned least = 1000, most = 0;

	conf.max_uses = 1;
	is_int(uses_of(loop, u), 1, "a connection for one request is not kept");
	conf.max_uses = 9;
	is_int(uses_of(loop, u), 9, "one for nine carries nine");
	conf.max_uses = 100;
	for (unsigned i = 0; i < 30; i++) {
		unsigned n = uses_of(loop, u);

		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	ok(least >= 90 && most <= 100 && most - least > 2,
	   "of a hundred up to a tenth is left out, not the same for all: %u to %u", least, most);
	end(loop);
}

static void aged(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 8);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peer;

	conf.idle_timeout_ns = 100 * SL_SEC;
	conf.max_age_ns = 50 * SL_MS;
	if (sl_target_connect(u, t, none, SL_NEVER, &peer) < 0)
		abort();
	sl_peer_release(peer);
	is_int(t->counts->idle_nr, 1, "a young connection is kept");
	ok(is_empty(loop) && t->counts->idle_nr == 0,
	   "until it is too old, though it is not idle for long");
	if (sl_target_connect(u, t, none, SL_NEVER, &peer) < 0)
		abort();
	while (loop->now_ns < peer->expires_ns)
		sl_fiber_sleep(loop, peer->expires_ns);
	sl_peer_release(peer);
	is_int(t->counts->idle_nr, 0, "one that grew too old in use is not kept");
	end(loop);
}

static void bounded(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 8);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *a, *b;

	u->connections_max = 2;
	if (sl_target_connect(u, t, none, SL_NEVER, &a) < 0 ||
	    sl_target_connect(u, t, none, SL_NEVER, &b) < 0)
		abort();
	ok(sl_target_is_full(u, t), "with two connections in use a target for two is full");
	sl_peer_release(a);
	ok(!sl_target_is_full(u, t), "an idle one is room");
	if (sl_target_connect(u, t, none, SL_NEVER, &a) < 0)
		abort();
	ok(t->counts->connections == 2 && t->counts->idle_nr == 0,
	   "a new one instead of it closes it: never more than two");
	sl_peer_close(a);
	sl_peer_close(b);
	end(loop);
}

static void parts(void)
{
	static const struct {
		uint32_t limit;
		unsigned workers;
		uint32_t part;
	} table[] = { { 0, 4, 0 }, { 1, 4, 1 }, { 4, 4, 1 }, { 5, 4, 2 }, { 100, 3, 34 } };

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		conf = (struct sl_upstream_conf){ .targets = targets,
						  .targets_nr = 1,
						  .max_connections = table[i].limit,
						  .max_pending = table[i].limit };
		if (sl_states_new(&states, &conf, 1, table[i].workers) < 0 ||
		    sl_pool_init(&pool, &(struct sl_pool_conf){ NULL, &slab, &conf, 1, states, 0,
								NULL }) < 0)
			abort();
		ok(pool.upstreams[0].connections_max == table[i].part &&
			   pool.upstreams[0].waiting_max == table[i].part,
		   "%u for %u workers are %u each", table[i].limit, table[i].workers,
		   table[i].part);
		sl_pool_fini(&pool);
		sl_states_free(states);
	}
}

/* What all workers see is written by each, so only where least_requests asks for it. */
static void counted_by_all(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 2);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peers[2];

	conf.balance = SL_BALANCE_LEAST_REQUESTS;
	for (unsigned i = 0; i < 2; i++)
		if (sl_target_connect(u, t, none, SL_NEVER, &peers[i]) < 0)
			abort();
	is_int(t->shared->in_flight, 2, "with least_requests all workers see two in flight");
	sl_peer_release(peers[0]);
	sl_peer_close(peers[1]);
	is_int(t->shared->in_flight, 0, "and none when one is kept and one closed");
	conf.balance = SL_BALANCE_ROUND_ROBIN;
	ok(sl_target_reuse(u, t) == peers[0] && t->counts->in_flight == 1 &&
		   t->shared->in_flight == 0,
	   "otherwise this worker alone counts");
	sl_peer_release(peers[0]);
	end(loop);
}

static void ejected(struct sl_loop *loop)
{
	struct sl_upstream *u = make_real(loop, 4);
	struct sl_target *t = &u->targets[0];
	struct sl_peer *peers[3];

	for (unsigned i = 0; i < 2; i++)
		if (sl_target_connect(u, t, none, SL_NEVER, &peers[i]) < 0)
			abort();
	sl_peer_release(peers[0]);
	t->shared->ejected_at_ns = loop->now_ns;
	sl_peer_release(peers[1]);
	ok(!sl_target_reuse(u, t) && t->counts->idle_nr == 0,
	   "connections from before an ejection are not used again");
	t->shared->ejected_at_ns = loop->now_ns - 1;
	if (sl_target_connect(u, t, none, SL_NEVER, &peers[2]) < 0)
		abort();
	sl_peer_release(peers[2]);
	ok(sl_target_reuse(u, t) == peers[2], "those made since are");
	sl_peer_close(peers[2]);
	end(loop);
}

static void facts(struct sl_loop *loop)
{
	ejected(loop);
	counted_by_all(loop);
	worn_out(loop);
	aged(loop);
	bounded(loop);
	last_in_first_out(loop);
	ended_while_idle(loop);
	refused(loop);
}

int main(void)
{
	sl_slab_init(&slab, sizeof(struct sl_peer));
	parts();
	loopback_run(facts, 0);
	sl_slab_fini(&slab);
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Consistent hashing: where keys fall, which of them move, what a session is called.
#include "upstream/ring.h"

#include <stdio.h>
#include <stdlib.h>

#include "tap.h"
#include "upstream/balance.h"

enum { TARGETS_MAX = 16, DRAWS = 20000 };

static struct sl_target_conf targets[TARGETS_MAX];
static struct sl_upstream_conf conf = { .name = "u", .targets = targets };
static struct sl_states *states;
static struct sl_pool pool;
static struct sl_slab slab;
static char names[TARGETS_MAX][24];

static struct sl_upstream *make_ring(const uint32_t *weights, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		snprintf(names[i], sizeof(names[i]), "10.0.0.%u:8080", i);
		targets[i] = (struct sl_target_conf){ .key = names[i],
						      .weight = weights ? weights[i] : 1 };
	}
	conf.targets_nr = nr;
	conf.balance = SL_BALANCE_CONSISTENT_HASH;
	conf.ring_nr = sl_ring_size(&conf);
	conf.ring = calloc(conf.ring_nr, sizeof(*conf.ring));
	if (!conf.ring || sl_states_new(&states, &conf, 1, 1) < 0 ||
	    sl_pool_init(&pool, &(struct sl_pool_conf){ NULL, &slab, &conf, 1, states, 0, NULL }) <
		    0)
		abort();
	sl_ring_fill(&conf, conf.ring);
	return &pool.upstreams[0];
}

static void unmake_ring(void)
{
	free(conf.ring);
	sl_pool_fini(&pool);
	sl_states_free(states);
}

static int pick_as(struct sl_upstream *u, struct sl_pick *how)
{
	struct sl_target *t = sl_upstream_pick(u, how, 5);

	return t ? (int)(t - u->targets) : -1;
}

static int pick_key(struct sl_upstream *u, unsigned key, uint64_t tried)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "client-%u", key);
	struct sl_pick how = { .tried = tried,
			       .has_hash = true,
			       .hash = sl_ring_hash((struct sl_str){ text, (size_t)n }) };

	return pick_as(u, &how);
}

static void ring_shares(void)
{
	static const uint32_t weights_of[] = { 2, 2, 4, 8 };
	struct sl_upstream *u = make_ring(weights_of, 4);
	unsigned picked[4] = { 0 };
	bool held = true;

	is_int(conf.ring_nr, 160 * 8, "160 points a unit of weight, weights in lowest terms");
	for (unsigned i = 0; i < DRAWS; i++)
		picked[pick_key(u, i, 0)]++;
	for (unsigned i = 0; i < 4; i++) {
		double want = DRAWS * weights_of[i] / 16.0;

		held &= picked[i] > want * 0.75 && picked[i] < want * 1.25;
	}
	ok(held, "consistent_hash: %u %u %u %u by weight 2 2 4 8", picked[0], picked[1], picked[2],
	   picked[3]);
	unmake_ring();
}

static void ring_moves(void)
{
	static int before[DRAWS];
	struct sl_upstream *u = make_ring(NULL, 10);
	unsigned moved = 0, strays = 0, back = 0;

	for (unsigned i = 0; i < DRAWS; i++)
		before[i] = pick_key(u, i, 0);
	u->targets[3].shared->out = SL_OUT_UNHEALTHY;
	for (unsigned i = 0; i < DRAWS; i++) {
		int now = pick_key(u, i, 0);

		moved += now != before[i];
		strays += now != before[i] && before[i] != 3;
		strays += now == 3;
	}
	ok(moved > DRAWS / 10 * 0.75 && moved < DRAWS / 10 * 1.25,
	   "when one of ten leaves, about a tenth of the keys move: %u of %u", moved, DRAWS);
	is_int(strays, 0, "and none of the others");
	u->targets[3].shared->out = 0;
	for (unsigned i = 0; i < DRAWS; i++)
		back += pick_key(u, i, 0) == before[i];
	is_int(back, DRAWS, "when it comes back, so do they");
	unmake_ring();

	/* The same when it leaves the configuration: the last one, so that indexes stay. */
	u = make_ring(NULL, 9);
	strays = moved = 0;
	for (unsigned i = 0; i < DRAWS; i++) {
		int now = pick_key(u, i, 0);

		moved += now != before[i];
		strays += now != before[i] && before[i] != 9;
	}
	ok(strays == 0 && moved < DRAWS / 10 * 1.25,
	   "a target less in the configuration moves its own keys only: %u", moved);
	unmake_ring();
}

static void ring_walks(void)
{
	struct sl_upstream *u = make_ring(NULL, 5);
	uint64_t tried = 0, seen = 0;
	int i, first = pick_key(u, 1, 0), turns = 0;
	unsigned picked[5] = { 0 };
	bool same = true;

	for (unsigned n = 0; n < 50; n++)
		same &= pick_key(u, 1, 0) == first;
	ok(same, "a key goes to the same target each time");
	while ((i = pick_key(u, 1, tried)) >= 0 && turns++ < 10) {
		seen |= 1u << i;
		tried |= sl_target_bit(u, &u->targets[i]);
	}
	ok(turns == 5 && seen == 31, "tried ones are walked past until none is left");
	for (unsigned n = 0; n < 100; n++)
		picked[pick_as(u, &(struct sl_pick){ 0 })]++;
	ok(picked[0] == 20 && picked[4] == 20, "a request without a key goes in turn");
	unmake_ring();
}

/* All of it on a page that ends where it does: no search may look behind the last point. */
static void ring_edges(void)
{
	static const struct sl_ring_point points[] = { { 10, 0 }, { 10, 1 }, { 20, 2 }, { 30, 3 } };
	struct sl_upstream_conf c = { .ring_nr = 4 };
	static const struct {
		uint32_t key, at;
	} table[] = { { 0, 0 },	 { 10, 0 }, { 11, 2 }, { 20, 2 },
		      { 21, 3 }, { 30, 3 }, { 31, 0 }, { UINT32_MAX, 0 } };

	c.ring = (struct sl_ring_point *)(void *)guarded(points, sizeof(points));
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		is_int(sl_ring_find(&c, (uint64_t)table[i].key << 32), table[i].at,
		       "key %u belongs to point %u", table[i].key, table[i].at);
}

static void ring_limits(void)
{
	static struct sl_target_conf many[1024];
	struct sl_upstream_conf c = { .targets = many, .targets_nr = 1024 };

	for (unsigned i = 0; i < 1024; i++)
		many[i] = (struct sl_target_conf){ .key = "t", .weight = i ? 999 : 1 };
	ok(sl_ring_size(&c) <= SL_RING_MAX + 1024 && sl_ring_size(&c) > SL_RING_MAX / 2,
	   "the largest ring has %u points", sl_ring_size(&c));
}

static void session_names(void)
{
	struct sl_target_conf t[] = { { .key = "10.0.0.1:80" }, { .key = "10.0.0.2:80" } };
	struct sl_upstream_conf u = { .name = "u" }, v = { .name = "v" }, w = { .name = "u" };

	w.sticky.secret = SL_S("s");
	ok(sl_session_of(&u, &t[0]) == sl_session_of(&u, &t[0]), "a session's name is lasting");
	ok(sl_session_of(&u, &t[0]) != sl_session_of(&u, &t[1]), "each target has its own");
	ok(sl_session_of(&u, &t[0]) != sl_session_of(&v, &t[0]), "in each upstream another");
	ok(sl_session_of(&u, &t[0]) != sl_session_of(&w, &t[0]), "the secret changes it");
}

int main(void)
{
	ring_shares();
	ring_moves();
	ring_walks();
	ring_edges();
	ring_limits();
	session_names();
	return done_testing();
}

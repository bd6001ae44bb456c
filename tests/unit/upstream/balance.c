// SPDX-License-Identifier: Apache-2.0
// Which target is next: each method by its definition, and who is passed over.
#include "upstream/balance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum { TARGETS_MAX = 70, DRAWS = 20000 };

static struct sl_target_conf targets[TARGETS_MAX];
static struct sl_upstream_conf conf = { .name = "u", .targets = targets };
static struct sl_states *states;
static struct sl_pool pool;
static struct sl_slab slab;

static struct sl_upstream *make_by(enum sl_balance balance, const uint32_t *weights, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		targets[i] = (struct sl_target_conf){ .weight = weights ? weights[i] : 1,
						      .session = 1000 + i };
	conf.targets_nr = nr;
	conf.balance = balance;
	if (sl_states_new(&states, &conf, 1, 1) < 0 ||
	    sl_pool_init(&pool, &(struct sl_pool_conf){ NULL, &slab, &conf, 1, states, 0, NULL }) <
		    0)
		abort();
	pool.random = 1; /* the same draws each time */
	return &pool.upstreams[0];
}

static struct sl_upstream *make(const uint32_t *weights, unsigned nr)
{
	return make_by(SL_BALANCE_ROUND_ROBIN, weights, nr);
}

static void unmake(void)
{
	sl_pool_fini(&pool);
	sl_states_free(states);
}

/* The index of the target, or -1. */
static int pick_as(struct sl_upstream *u, struct sl_pick *how, uint64_t now_ns)
{
	struct sl_target *t = sl_upstream_pick(u, how, now_ns);

	return t ? (int)(t - u->targets) : -1;
}

static int pick(struct sl_upstream *u, uint64_t tried, uint64_t now_ns)
{
	return pick_as(u, &(struct sl_pick){ .tried = tried }, now_ns);
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
		unmake();
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
	unmake();
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
	unmake();

	u = make(NULL, 1);
	u->targets[0].down_until_ns = 2000;
	is_int(pick(u, 0, 0), 0, "the only target is asked even when it is down");
	is_int(pick(u, sl_target_bit(u, u->targets), 0), -1, "but not twice");
	unmake();
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
	unmake();

	u = make(NULL, TARGETS_MAX);
	ok(pick(u, ~0ull, 0) >= 64,
	   "with more targets than bits, those beyond are still there to try");
	ok(sl_target_bit(u, &u->targets[63]) == 1ull << 63 &&
		   sl_target_bit(u, &u->targets[64]) == 0,
	   "the 64th has a bit, the 65th none");
	unmake();
}

/* ---- out of service ---- */

static const struct {
	const char *name;
	uint32_t out;
	uint64_t ejected_until_ns, now_ns;
	bool is_picked;
} services[] = {
	{ "one that is unhealthy is passed over", SL_OUT_UNHEALTHY, 0, 5, false },
	{ "one that is drained too", SL_OUT_DRAIN, 0, 5, false },
	{ "one that is disabled too", SL_OUT_DISABLED, 0, 5, false },
	{ "one that is ejected too", 0, 1000, 999, false },
	{ "but not when its ejection is over", 0, 1000, 1000, true },
};

static void out_of_service(void)
{
	static const enum sl_balance all[] = { SL_BALANCE_ROUND_ROBIN, SL_BALANCE_LEAST_REQUESTS };

	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
			struct sl_upstream *u = make_by(all[k], NULL, 3);
			unsigned picked = 0;

			u->targets[1].shared->out = services[i].out;
			u->targets[1].shared->ejected_until_ns = services[i].ejected_until_ns;
			for (unsigned n = 0; n < 99; n++)
				picked += pick(u, 0, services[i].now_ns) == 1;
			ok((picked > 0) == services[i].is_picked, "%s", services[i].name);
			unmake();
		}
}

static void all_out(void)
{
	struct sl_upstream *u = make(NULL, 3);
	unsigned picked[3] = { 0 };

	u->targets[0].shared->out = SL_OUT_UNHEALTHY;
	u->targets[1].shared->ejected_until_ns = 1000;
	u->targets[2].shared->out = SL_OUT_DRAIN;
	for (unsigned i = 0; i < 100; i++)
		picked[pick(u, 0, 5)]++;
	ok(picked[0] == 50 && picked[1] == 50, "with none in service, the unhealthy are asked");
	is_int(picked[2], 0, "but not what the operator has drained");
	u->targets[0].shared->out = u->targets[1].shared->out = SL_OUT_DISABLED;
	is_int(pick(u, 0, 5), -1, "when the operator wants none of them, there is none");
	unmake();

	u = make(NULL, 1);
	u->targets[0].shared->out = SL_OUT_UNHEALTHY;
	is_int(pick(u, 0, 5), 0, "the only target is asked when it is unhealthy");
	sl_upstream_set_admin(states, 0, 0, SL_TARGET_DRAIN);
	is_int(pick(u, 0, 5), -1, "not when it is drained");
	is_int(pick_as(u, &(struct sl_pick){ .session = 1000 }, 5), 0,
	       "but for its bound sessions");
	sl_upstream_set_admin(states, 0, 0, SL_TARGET_DISABLED);
	is_int(pick_as(u, &(struct sl_pick){ .session = 1000 }, 5), -1,
	       "and for nobody when it is disabled");
	unmake();
}

/* ---- room ---- */

static void full(void)
{
	struct sl_upstream *u = make(NULL, 3);
	struct sl_pick how = { 0 };
	unsigned picked[3] = { 0 };

	u->connections_max = 2;
	u->targets[0].counts->connections = 2;
	for (unsigned i = 0; i < 10; i++)
		picked[pick_as(u, &how, 5)]++;
	ok(picked[0] == 0 && picked[1] == 5 && picked[2] == 5 && !how.is_full,
	   "a target without room is passed over");
	u->targets[1].counts->connections = 2;
	u->targets[2].shared->out = SL_OUT_UNHEALTHY;
	ok(pick_as(u, &how, 5) == -1 && how.is_full,
	   "with those in service full there is none: one that is out is not taken for them");
	how.tried = 3;
	ok(pick_as(u, &how, 5) == 2 && !how.is_full,
	   "but when they have failed the request, it is");
	u->targets[1].counts->connections = 1;
	how.tried = 0;
	ok(pick_as(u, &how, 5) == 1 && !how.is_full, "one connection less is room");
	how.session = 1000;
	ok(pick_as(u, &how, 5) == 1, "a bound session does not wait for its own target");
	unmake();

	u = make(NULL, 1);
	u->connections_max = 1;
	u->targets[0].counts->connections = 1;
	how = (struct sl_pick){ 0 };
	ok(pick_as(u, &how, 5) == -1 && how.is_full, "the only target can be full too");
	unmake();
}

/* ---- slow start ---- */

/* Of a thousand picks, those of the second of two targets that came back at 100. */
static unsigned share_at(enum sl_balance balance, uint64_t now_ns)
{
	struct sl_upstream *u = make_by(balance, NULL, 2);
	unsigned picked = 0;

	u->targets[1].shared->slow_since_ns = 100;
	for (unsigned i = 0; i < 1100; i++)
		picked += pick(u, 0, now_ns) == 1;
	unmake();
	return picked;
}

static void slow_start(void)
{
	static const struct {
		uint64_t now_ns;
		unsigned want;
	} table[] = { { 50, 100 },   { 100, 100 },  { 150, 100 }, { 600, 366 },
		      { 1099, 549 }, { 1100, 550 }, { 5000, 550 } };

	conf.slow_start_ns = 1000;
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsigned by_turn = share_at(SL_BALANCE_ROUND_ROBIN, table[i].now_ns);
		unsigned by_load = share_at(SL_BALANCE_LEAST_REQUESTS, table[i].now_ns);

		ok(by_turn + 1 >= table[i].want && by_turn <= table[i].want + 1,
		   "%d of 1000 after its return: %u of 1100 in turn", (int)table[i].now_ns - 100,
		   by_turn);
		ok(by_load + 80 > table[i].want && by_load < table[i].want + 80,
		   "and about as many by load: %u", by_load);
	}
	conf.slow_start_ns = 0;
}

/* ---- bound sessions ---- */

static void sessions(void)
{
	struct sl_upstream *u = make(NULL, 3);
	struct sl_pick mine = { .session = 1002 }, strange = { .session = 77 };
	unsigned own = 0, other[3] = { 0 };

	for (unsigned i = 0; i < 30; i++)
		own += pick_as(u, &mine, 5) == 2;
	is_int(own, 30, "a bound session goes to its own target");
	for (unsigned i = 0; i < 30; i++)
		other[pick_as(u, &strange, 5)]++;
	ok(other[0] == 10 && other[1] == 10 && other[2] == 10,
	   "one bound to what is not there goes as others do");
	u->targets[2].shared->out = SL_OUT_DRAIN;
	is_int(pick_as(u, &mine, 5), 2, "it stays while its target is drained");
	u->targets[2].shared->out = SL_OUT_DRAIN | SL_OUT_UNHEALTHY;
	ok(pick_as(u, &mine, 5) != 2, "it leaves when it is unhealthy");
	u->targets[2].shared->out = 0;
	u->targets[2].down_until_ns = 1000;
	ok(pick_as(u, &mine, 5) != 2, "or down");
	is_int(pick_as(u, &mine, 1000), 2, "and comes back");
	mine.tried = 4;
	ok(pick_as(u, &mine, 1000) != 2, "a target that failed the request is not asked again");
	unmake();
}

/* ---- least requests ---- */

/* Whether counts are as the weights say, by a chi-square far beyond what chance brings. */
static bool is_by_weight(const unsigned *counts, const uint32_t *weights, unsigned nr)
{
	double chi = 0, total = 0, sum = 0;

	for (unsigned i = 0; i < nr; i++) {
		total += counts[i];
		sum += weights[i];
	}
	for (unsigned i = 0; i < nr; i++) {
		double want = total * weights[i] / sum;

		chi += (counts[i] - want) * (counts[i] - want) / want;
	}
	return chi < 20; /* with 3 degrees of freedom: one in 6000 */
}

static void draws(void)
{
	static const uint32_t cases[][4] = { { 1, 1, 1, 1 }, { 4, 3, 2, 1 }, { 100, 1, 1, 1 } };

	for (unsigned c = 0; c < 3; c++) {
		struct sl_upstream *u = make_by(SL_BALANCE_LEAST_REQUESTS, cases[c], 4);
		unsigned picked[4] = { 0 };

		for (unsigned i = 0; i < DRAWS; i++)
			picked[pick(u, 0, 5)]++;
		ok(is_by_weight(picked, cases[c], 4),
		   "least_requests with nothing in flight: %u %u %u %u by weight %u %u %u %u",
		   picked[0], picked[1], picked[2], picked[3], cases[c][0], cases[c][1],
		   cases[c][2], cases[c][3]);
		unmake();
	}
}

/* Requests that never end: they pile up as the weights say, and much more evenly than by chance. */
static void piles(void)
{
	static const uint32_t weights_of[] = { 1, 1, 2, 4 };
	struct sl_upstream *u = make_by(SL_BALANCE_LEAST_REQUESTS, weights_of, 4);
	bool held = true;

	for (unsigned i = 0; i < 8000; i++)
		u->targets[pick(u, 0, 5)].shared->in_flight++;
	for (unsigned i = 0; i < 4; i++) {
		int64_t want = 1000 * weights_of[i];

		held &= llabs((int64_t)u->targets[i].shared->in_flight - want) < want / 20 + 20;
	}
	ok(held, "in flight pile up by weight: %u %u %u %u",
	   (unsigned)u->targets[0].shared->in_flight, (unsigned)u->targets[1].shared->in_flight,
	   (unsigned)u->targets[2].shared->in_flight, (unsigned)u->targets[3].shared->in_flight);
	unmake();
}

/* The busiest of n is drawn only when it is compared with itself, which it never is. */
static void busiest(void)
{
	struct sl_upstream *u = make_by(SL_BALANCE_LEAST_REQUESTS, NULL, 5);
	unsigned picked[5] = { 0 };

	for (unsigned i = 0; i < 5; i++)
		u->targets[i].shared->in_flight = i;
	for (unsigned i = 0; i < DRAWS; i++)
		picked[pick(u, 0, 5)]++;
	is_int(picked[4], 0, "the busiest is never chosen");
	/* The i-th of n wins with probability 2 (n - 1 - i) / (n (n - 1)). */
	static const uint32_t shares[] = { 4, 3, 2, 1 };
	ok(is_by_weight(picked, shares, 4), "the others as two choices of five say: %u %u %u %u",
	   picked[0], picked[1], picked[2], picked[3]);
	is_int(pick(u, 0x0f, 5), 4, "with all others tried it is");
	is_int(pick(u, 0x1f, 5), -1, "and then none");
	unmake();
}

/* Two workers: what one of them has in flight, the other one takes into account. */
static void of_all_workers(void)
{
	struct sl_upstream *u = make_by(SL_BALANCE_LEAST_REQUESTS, NULL, 2);
	struct sl_pool other;
	unsigned at_first = 0;

	if (sl_pool_init(&other, &(struct sl_pool_conf){ NULL, &slab, &conf, 1, states, 0, NULL }) <
	    0)
		abort();
	other.upstreams[0].targets[0].shared->in_flight = 1;
	for (unsigned i = 0; i < 8; i++)
		at_first += pick(u, 0, 5) == 0;
	is_int(at_first, 0, "another worker's request makes a target the busier one");
	sl_pool_fini(&other);
	unmake();
}

int main(void)
{
	weights();
	spread();
	down();
	tried_before();
	out_of_service();
	all_out();
	full();
	slow_start();
	sessions();
	draws();
	piles();
	busiest();
	of_all_workers();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Which target of an upstream a request goes to.
#include "upstream/balance.h"

#include "upstream/ring.h"

enum {
	WALK_MAX = 4096,  /* points of the ring looked at for one pick */
	SLOW_FIRST = 100, /* thousandths of its weight that a target comes back with */
};

/* One search for a target. */
struct search {
	struct sl_upstream *u;
	struct sl_pick *pick;
	uint64_t now_ns;
	bool any; /* those out of service too */
};

uint64_t sl_target_bit(const struct sl_upstream *u, const struct sl_target *t)
{
	size_t i = (size_t)(t - u->targets);

	return i < 64 ? 1ull << i : 0;
}

static bool is_in_service(const struct sl_target *t, uint32_t out, uint64_t now_ns)
{
	return !out && t->down_until_ns <= now_ns &&
	       atomic_load_explicit(&t->shared->ejected_until_ns, memory_order_relaxed) <= now_ns;
}

static uint32_t out_of(const struct sl_target *t)
{
	return atomic_load_explicit(&t->shared->out, memory_order_relaxed);
}

/* Beyond 64 targets the tried ones are not told apart, and may be tried again. */
static bool is_eligible(const struct search *s, const struct sl_target *t)
{
	uint32_t out = out_of(t);

	if (s->pick->tried & sl_target_bit(s->u, t))
		return false;
	if (s->any ? out & (SL_OUT_DRAIN | SL_OUT_DISABLED) : !is_in_service(t, out, s->now_ns))
		return false;
	if (!sl_target_is_full(s->u, t))
		return true;
	s->pick->is_full = true;
	return false;
}

/* Its weight, or with slow_start so many thousandths of it as it is due. */
static uint64_t weight_of(const struct search *s, const struct sl_target *t)
{
	uint64_t slow_ns = s->u->conf->slow_start_ns, since_ns, share = 1000;

	if (!slow_ns)
		return t->conf->weight;
	since_ns = atomic_load_explicit(&t->shared->slow_since_ns, memory_order_relaxed);
	if (since_ns > s->now_ns) /* ejected still, and used for want of others */
		share = SLOW_FIRST;
	else if (since_ns && s->now_ns - since_ns < slow_ns)
		share = (s->now_ns - since_ns) * 1000 / slow_ns;
	return t->conf->weight * (share > SLOW_FIRST ? share : SLOW_FIRST);
}

/* Smooth weighted round robin, nginx's: each pick every target earns its weight and the richest
 * pays the total, so that a heavy target's turns are spread and not in a row. */
static struct sl_target *round_robin(const struct search *s)
{
	struct sl_target *best = NULL;
	int64_t total = 0, weight;

	for (unsigned i = 0; i < s->u->conf->targets_nr; i++) {
		struct sl_target *t = &s->u->targets[i];

		if (!is_eligible(s, t))
			continue;
		weight = (int64_t)weight_of(s, t);
		t->credit += weight;
		total += weight;
		if (!best || t->credit > best->credit)
			best = t;
	}
	if (best)
		best->credit -= total;
	return best;
}

/* One at random, by weight, other than `but`; NULL when there is none. */
static struct sl_target *draw(const struct search *s, const struct sl_target *but)
{
	struct sl_target *targets = s->u->targets, *end = targets + s->u->conf->targets_nr;
	uint64_t total = 0, ticket;

	for (struct sl_target *t = targets; t < end; t++)
		if (t != but && is_eligible(s, t))
			total += weight_of(s, t);
	if (total == 0)
		return NULL;
	ticket = sl_pool_random(s->u->pool) % total;
	for (struct sl_target *t = targets; t < end; t++) {
		if (t == but || !is_eligible(s, t))
			continue;
		if (ticket < weight_of(s, t))
			return t;
		ticket -= weight_of(s, t);
	}
	return NULL;
}

static uint64_t in_flight(const struct sl_target *t)
{
	return atomic_load_explicit(&t->shared->in_flight, memory_order_relaxed);
}

/* The power of two choices (Mitzenmacher 2001): of two drawn by weight, the one with fewer requests
 * for its weight.  Better than the least of all, which every worker would run to at once. */
static struct sl_target *least_requests(const struct search *s)
{
	struct sl_target *a = draw(s, NULL), *b = a ? draw(s, a) : NULL;

	if (!b)
		return a;
	return in_flight(b) * weight_of(s, a) < in_flight(a) * weight_of(s, b) ? b : a;
}

/* Keys of a target that is out go on to whoever owns the next point; all others stay. */
static struct sl_target *walk_ring(const struct search *s)
{
	const struct sl_upstream_conf *conf = s->u->conf;
	uint32_t at = sl_ring_find(conf, s->pick->hash);

	for (uint32_t n = 0; n < conf->ring_nr && n < WALK_MAX; n++) {
		struct sl_target *t = &s->u->targets[conf->ring[at].target];

		if (is_eligible(s, t))
			return t;
		at = at + 1 < conf->ring_nr ? at + 1 : 0;
	}
	return round_robin(s);
}

static struct sl_target *find(const struct search *s)
{
	switch (s->u->conf->balance) {
	case SL_BALANCE_LEAST_REQUESTS:
		return least_requests(s);
	case SL_BALANCE_CONSISTENT_HASH:
		return s->pick->has_hash ? walk_ring(s) : round_robin(s);
	case SL_BALANCE_ROUND_ROBIN:
		break;
	}
	return round_robin(s);
}

/* The target that the session is bound to, if it can have it. */
static struct sl_target *find_bound(const struct search *s)
{
	for (unsigned i = 0; i < s->u->conf->targets_nr; i++) {
		struct sl_target *t = &s->u->targets[i];

		if (t->conf->session != s->pick->session)
			continue;
		if (s->pick->tried & sl_target_bit(s->u, t))
			return NULL;
		if (!is_in_service(t, out_of(t) & ~(uint32_t)SL_OUT_DRAIN, s->now_ns))
			return NULL;
		return sl_target_is_full(s->u, t) ? NULL : t;
	}
	return NULL;
}

/* In service or not: there is nobody else to ask. */
static struct sl_target *only_target(const struct search *s)
{
	struct sl_target *t = &s->u->targets[0];
	bool is_bound = s->pick->session && s->pick->session == t->conf->session;
	uint32_t unwanted = SL_OUT_DISABLED | (is_bound ? 0 : SL_OUT_DRAIN);

	if (s->pick->tried || out_of(t) & unwanted)
		return NULL;
	s->pick->is_full = sl_target_is_full(s->u, t);
	return s->pick->is_full ? NULL : t;
}

/* So few are left that the rest could not bear it, or that our own view is what is wrong. */
static bool is_panic(const struct search *s)
{
	const struct sl_upstream_conf *conf = s->u->conf;
	uint64_t wanted = 0, serving = 0;

	for (unsigned i = 0; i < conf->targets_nr; i++) {
		const struct sl_target *t = &s->u->targets[i];
		uint32_t out = out_of(t);

		wanted += !(out & (SL_OUT_DRAIN | SL_OUT_DISABLED));
		serving += is_in_service(t, out, s->now_ns);
	}
	return serving * 100 <= wanted * conf->panic_percent;
}

struct sl_target *sl_upstream_pick(struct sl_upstream *u, struct sl_pick *pick, uint64_t now_ns)
{
	struct search s = { u, pick, now_ns, false };
	struct sl_target *t;

	pick->is_full = false;
	if (u->conf->targets_nr == 1)
		return only_target(&s);
	t = pick->session ? find_bound(&s) : NULL;
	if (!t && u->conf->panic_percent)
		s.any = is_panic(&s);
	if (!t)
		t = find(&s);
	/* Those that are busy are better than those that are out: they will be free again. */
	if (!t && !s.any && !pick->is_full) {
		s.any = true;
		t = find(&s);
	}
	pick->is_full &= !t;
	return t;
}

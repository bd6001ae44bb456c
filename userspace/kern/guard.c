// SPDX-License-Identifier: Apache-2.0
// The kernel's rules in userspace: the order of the verdicts is that of bpf/gate.bpf.c.
#include "kern/guard.h"

#include <bpf/bpf.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { CREDIT_CONNECTIONS = 1 }; /* as in bpf/gate.bpf.c: part of a word's tag */

struct sl_guard *sl_guard_new(void)
{
	struct sl_guard *g = calloc(1, sizeof(*g)); /* untouched, it takes no memory */

	if (!g)
		return NULL;
	if (getrandom(g->secret, sizeof(g->secret), 0) != sizeof(g->secret)) {
		free(g);
		return NULL;
	}
	pthread_mutex_init(&g->lock, NULL);
	return g;
}

void sl_guard_free(struct sl_guard *g)
{
	if (g)
		pthread_mutex_destroy(&g->lock);
	free(g);
}

static struct sl_address address_of(const struct sl_ip *ip)
{
	struct sl_address a;

	memcpy(&a.hi, ip->b, sizeof(a.hi));
	memcpy(&a.lo, ip->b + sizeof(a.hi), sizeof(a.lo));
	a.hi = be64toh(a.hi);
	a.lo = be64toh(a.lo);
	return a;
}

struct sl_address sl_guard_client(const struct sl_guard_rules *r, const struct sl_ip *ip)
{
	struct sl_address a = address_of(ip), client = { .hi = a.hi & r->control->client6 };

	if (sl_is_mapped4(a.hi, a.lo))
		client.lo = 0xffffull << 32 | (a.lo & r->control->client4);
	return client;
}

uint64_t sl_guard_hash(const uint64_t secret[2], const struct sl_address *client)
{
	return sl_mix64(sl_mix64(client->hi ^ secret[0]) ^ client->lo ^ secret[1]);
}

/* ---- the list ---- */

static enum sl_guard_verdict verdict_of(const struct sl_rule *rule)
{
	switch (rule->action) {
	case SL_ACTION_MANAGE:
		return SL_GUARD_MANAGE;
	case SL_ACTION_ALLOW:
		return SL_GUARD_ALLOW;
	case SL_ACTION_DROP:
		return SL_GUARD_DROP;
	case SL_ACTION_REJECT:
		return SL_GUARD_REJECT;
	}
	return SL_GUARD_PASS;
}

enum sl_guard_verdict sl_guard_ask_list(const struct sl_guard_rules *r,
					const struct sl_guest *guest, uint64_t now_ns,
					enum sl_guard_verdict *ret_shadow)
{
	struct sl_address a = address_of(guest->ip);
	const struct sl_question question = {
		.hi = a.hi,
		.lo = a.lo,
		.now = (uint32_t)(now_ns >> SL_TICK_SHIFT),
		.ifindex = guest->ifindex,
		.port = guest->port,
	};
	struct sl_image image = r->image;
	struct sl_walk walk = { .image = &image, .question = &question };

	if (!image.lines)
		return SL_GUARD_PASS;
	walk.head = sl_image_line(&image, 0);
	sl_image_find(&walk);
	if (walk.shadow) {
		*ret_shadow = SL_GUARD_DROP;
		if (!guest->is_trial)
			sl_entry_hit(walk.shadow, question.now);
	}
	if (!walk.found.rule)
		return SL_GUARD_PASS;
	if (!guest->is_trial)
		sl_entry_hit(walk.found.entry, question.now);
	return verdict_of(walk.found.rule);
}

bool sl_guard_is_protected(const struct sl_guard_rules *r, const struct sl_ip *ip, uint64_t now_ns)
{
	const struct sl_guest guest = { .ip = ip, .is_trial = true };
	enum sl_guard_verdict shadow, verdict;

	verdict = sl_guard_ask_list(r, &guest, now_ns, &shadow);
	return verdict == SL_GUARD_MANAGE || verdict == SL_GUARD_ALLOW;
}

/* ---- what the client has done lately ---- */

uint64_t sl_guard_place_until(struct sl_guard *g, const struct sl_address *client)
{
	uint64_t key = sl_guard_hash(g->secret, client) | 1;
	struct sl_guard_place *set = g->places[key >> 1 & (SL_GUARD_PUNISHED_SETS - 1)];

	for (unsigned i = 0; i < SL_GUARD_PUNISHED_WAYS; i++)
		if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
			return atomic_load_explicit(&set[i].until_ns, memory_order_relaxed);
	return 0;
}

static bool is_punished_in_kernel(const struct sl_guard_rules *r, const struct sl_address *client,
				  uint64_t now_ns)
{
	struct sl_punishment p;

	if (r->punished_fd < 0 ||
	    !(__atomic_load_n(&r->control->flags, __ATOMIC_RELAXED) & SL_FLAG_PUNISHED))
		return false;
	return bpf_map_lookup_elem(r->punished_fd, client, &p) == 0 && now_ns < p.until_ns;
}

bool sl_guard_is_punished(struct sl_guard *g, const struct sl_guard_rules *r,
			  const struct sl_ip *ip, uint64_t now_ns)
{
	uint32_t flags = __atomic_load_n(&r->control->flags, __ATOMIC_RELAXED);
	struct sl_address client;

	if (atomic_load_explicit(&g->places_nr, memory_order_relaxed) == 0 || r->punish.shadow ||
	    !(flags & SL_FLAG_ENFORCE) || flags & SL_FLAG_SHADOW)
		return false;
	client = sl_guard_client(r, ip);
	return now_ns < sl_guard_place_until(g, &client) && !sl_guard_is_protected(r, ip, now_ns);
}

static bool is_covered(const struct sl_guard_rules *r, uint32_t ifindex)
{
	for (unsigned i = 0; ifindex && i < r->covered_nr; i++)
		if (r->covered[i] == ifindex)
			return true;
	return false;
}

/* What was let through there has paid already. */
static bool has_credit(const struct sl_guard_rules *r, const struct sl_address *client,
		       uint64_t now_ns)
{
	const struct sl_control *c = r->control;
	const struct sl_gcra_rate rate = c->connections;
	uint64_t hash = sl_guard_hash((const uint64_t *)c->secret, client);

	if (!rate.burst)
		return true;
	return sl_gcra_take(&r->cells[(uint32_t)hash & c->cells_mask],
			    hash >> 46 << 2 | CREDIT_CONNECTIONS, &rate, 1,
			    sl_gcra_now(now_ns)) != SL_GCRA_REFUSED;
}

/* A punishment on trial lies in our table, so that the kernel knows nothing of it. */
static enum sl_guard_verdict judge_client(struct sl_guard *g, const struct sl_guard_rules *r,
					  const struct sl_guest *guest, uint64_t now_ns,
					  enum sl_guard_verdict *ret_shadow)
{
	struct sl_address client = sl_guard_client(r, guest->ip);
	bool is_judged = is_covered(r, guest->ifindex);

	if (atomic_load_explicit(&g->places_nr, memory_order_relaxed) &&
	    now_ns < sl_guard_place_until(g, &client)) {
		if (!r->punish.shadow)
			return SL_GUARD_PUNISHED;
		*ret_shadow = SL_GUARD_PUNISHED;
	}
	if (!is_judged && is_punished_in_kernel(r, &client, now_ns))
		return SL_GUARD_PUNISHED;
	if (guest->is_new && !is_judged && !has_credit(r, &client, now_ns))
		return SL_GUARD_LIMIT;
	return SL_GUARD_PASS;
}

enum sl_guard_verdict sl_guard_judge(struct sl_guard *g, const struct sl_guard_rules *r,
				     const struct sl_guest *guest, uint64_t now_ns,
				     enum sl_guard_verdict *ret_shadow)
{
	uint32_t flags = __atomic_load_n(&r->control->flags, __ATOMIC_RELAXED);
	enum sl_guard_verdict verdict;

	*ret_shadow = SL_GUARD_PASS;
	if (!(flags & SL_FLAG_ENFORCE))
		return SL_GUARD_PASS;
	verdict = sl_guard_ask_list(r, guest, now_ns, ret_shadow);
	if (verdict != SL_GUARD_PASS)
		return verdict;
	verdict = judge_client(g, r, guest, now_ns, ret_shadow);
	if (verdict == SL_GUARD_PASS || !(flags & SL_FLAG_SHADOW))
		return verdict;
	*ret_shadow = verdict;
	return SL_GUARD_PASS;
}

// SPDX-License-Identifier: Apache-2.0
// Punishments: whom, for how long, and where they are kept.
#include "kern/punish.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/out.h"

enum { TAG_SHIFT = 44 };

uint32_t sl_punish_repeats(uint32_t repeats, uint64_t until_ns, uint64_t max_ns, uint64_t now_ns)
{
	uint64_t forgotten = now_ns > until_ns ? (now_ns - until_ns) / max_ns : 0;

	return forgotten < repeats ? repeats - (uint32_t)forgotten : 0;
}

uint64_t sl_punish_duration(const struct sl_punish_conf *conf, uint32_t repeats)
{
	uint64_t ns = conf->for_ns;

	while (repeats-- > 0 && ns < conf->max_ns)
		ns *= 2; /* max is 30 days: far from the end of 64 bits */
	return ns < conf->max_ns ? ns : conf->max_ns;
}

/* ---- where they are kept ---- */

struct sentence {
	const struct sl_guard_rules *rules;
	const struct sl_offence *offence;
	struct sl_address client;
	uint64_t ns; /* 0: as the rules say */
	uint64_t now_ns;
	uint32_t repeats; /* found on the way */
};

static void settle(struct sentence *s, uint32_t repeats, uint64_t until_ns)
{
	const struct sl_punish_conf *conf = &s->rules->punish;

	if (until_ns)
		s->repeats = sl_punish_repeats(repeats + 1, until_ns, conf->max_ns, s->now_ns);
	if (!s->ns)
		s->ns = sl_punish_duration(conf, s->repeats);
}

static void copy_word(char *to, size_t size, struct sl_str text)
{
	size_t n = text.len < size - 1 ? text.len : size - 1;

	memset(to, 0, size);
	memcpy(to, text.ptr, n);
}

static bool is_running(struct sl_guard *g, const struct sentence *s, bool is_in_kernel)
{
	struct sl_punishment p;

	if (!is_in_kernel)
		return s->now_ns < sl_guard_place_until(g, &s->client);
	return bpf_map_lookup_elem(s->rules->punished_fd, &s->client, &p) == 0 &&
	       s->now_ns < p.until_ns;
}

/* An entry is changed in place: an update of an LRU map may throw out another one. */
static bool put_into_kernel(struct sentence *s)
{
	struct sl_control *c = s->rules->control;
	int fd = s->rules->punished_fd;
	struct sl_punishment p = { 0 };

	if (bpf_map_lookup_elem(fd, &s->client, &p) < 0)
		memset(&p, 0, sizeof(p));
	settle(s, p.repeats, p.until_ns);
	p.since_ns = s->now_ns;
	p.until_ns = s->now_ns + s->ns;
	p.repeats = s->repeats;
	p.rule = s->offence->rule;
	copy_word(p.reason, sizeof(p.reason), sl_str_of(s->offence->reason));
	copy_word(p.request_id, sizeof(p.request_id), s->offence->request_id);
	if (bpf_map_update_elem(fd, &s->client, &p, BPF_ANY) < 0)
		return false;
	__atomic_fetch_or(&c->flags, SL_FLAG_PUNISHED, __ATOMIC_RELAXED);
	return true;
}

uint32_t sl_punished_count(int punished_fd)
{
	enum { BATCH = 128 };
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	struct sl_punishment values[BATCH];
	struct sl_address keys[BATCH];
	uint32_t from = 0, to = 0, all = 0, nr;
	bool is_first = true;
	int ret;

	/* Bounded: who is put in meanwhile must not keep us here. */
	do {
		nr = BATCH;
		ret = bpf_map_lookup_batch(punished_fd, is_first ? NULL : &from, &to, keys, values,
					   &nr, &options);
		if (ret < 0 && errno != ENOENT)
			break;
		all += nr;
		from = to;
		is_first = false;
	} while (ret == 0 && all < SL_PUNISHED_MAX);
	return all < SL_PUNISHED_MAX ? all : SL_PUNISHED_MAX;
}

/* Its own place, or that of whoever is free first. */
static struct sl_guard_place *find_place(struct sl_guard_place *set, uint64_t key)
{
	struct sl_guard_place *best = set;

	for (unsigned i = 0; i < SL_GUARD_PUNISHED_WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].until_ns < best->until_ns)
			best = &set[i];
	}
	return best;
}

/* A reader may see the key before the time, or the other way round: both are of one who is, or
 * was, punished. */
static void put_into_table(struct sl_guard *g, struct sentence *s)
{
	uint64_t key = sl_guard_hash(g->secret, &s->client) | 1;
	struct sl_guard_place *p;

	pthread_mutex_lock(&g->lock);
	p = find_place(g->places[key >> 1 & (SL_GUARD_PUNISHED_SETS - 1)], key);
	if (p->key != key) {
		p->until_ns = 0;
		p->repeats = 0;
	}
	settle(s, p->repeats, p->until_ns);
	p->key = key;
	p->repeats = s->repeats;
	p->until_ns = s->now_ns + s->ns;
	g->places_nr++;
	pthread_mutex_unlock(&g->lock);
}

/* ---- punishing ---- */

static void tell(const struct sentence *s, const char *event, const char *where)
{
	const struct sl_offence *o = s->offence;
	char mem[INET6_ADDRSTRLEN];
	struct sl_out out;

	sl_out_init(&out, mem, sizeof(mem));
	sl_ip_print(&out, o->ip);
	sl_log_warn(event, "client=%.*s reason=%s seconds=%llu repeats=%u in=%s request_id=%.*s",
		    SL_STR_ARG(sl_out_done(&out)), o->reason, (unsigned long long)(s->ns / SL_SEC),
		    s->repeats, where, SL_STR_ARG(o->request_id));
}

static bool take_budget(struct sl_guard *g, const struct sl_guard_rules *r, uint64_t now_ns)
{
	return sl_gcra_take(&g->budget, 1, &r->budget, 1, sl_gcra_now(now_ns)) != SL_GCRA_REFUSED;
}

enum sl_punished sl_punish(struct sl_guard *g, const struct sl_offence *o, uint64_t ns,
			   uint64_t now_ns)
{
	const struct sl_guard_rules *r = sl_guard_rules(g);
	struct sentence s = { .rules = r, .offence = o, .ns = ns, .now_ns = now_ns };
	bool is_in_kernel;

	if (!r || sl_guard_is_protected(r, o->ip, now_ns))
		return SL_PUNISH_NOT;
	s.client = sl_guard_client(r, o->ip);
	is_in_kernel = r->punished_fd >= 0 && !o->is_forwarded && !r->punish.shadow;
	if (is_running(g, &s, is_in_kernel))
		return SL_PUNISH_NOT;
	if (!take_budget(g, r, now_ns))
		return SL_PUNISH_NO_BUDGET;
	if (is_in_kernel)
		is_in_kernel = put_into_kernel(&s);
	if (!is_in_kernel)
		put_into_table(g, &s);
	tell(&s, r->punish.shadow ? "client.would_punish" : "client.punished",
	     is_in_kernel ? "kernel" : "userspace");
	return r->punish.shadow ? SL_PUNISH_SHADOW : SL_PUNISH_DONE;
}

enum sl_punished sl_guard_failed(struct sl_guard *g, const struct sl_offence *o, uint64_t now_ns)
{
	const struct sl_guard_rules *r = sl_guard_rules(g);
	struct sl_address client;
	uint64_t hash;

	if (!r || !r->punish.after.nr)
		return SL_PUNISH_NOT;
	client = sl_guard_client(r, o->ip);
	hash = sl_guard_hash(g->secret, &client);
	/* One failure fewer than it takes is borne: with none to bear there is nothing to count. */
	if (r->failures.burst &&
	    sl_gcra_take(&g->failures[hash & (SL_GUARD_FAILURE_SETS - 1)], hash >> TAG_SHIFT | 1,
			 &r->failures, 1, sl_gcra_now(now_ns)) != SL_GCRA_REFUSED)
		return SL_PUNISH_NOT;
	return sl_punish(g, o, 0, now_ns);
}

// SPDX-License-Identifier: Apache-2.0
// What all workers know of the targets.
#include "upstream/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

/* Zeroed, and on cache lines of its own. */
static void *new_cells(size_t nr, size_t size)
{
	size_t bytes = (nr * size + LINE) / LINE * LINE;
	void *cells = aligned_alloc(LINE, bytes);

	if (cells)
		memset(cells, 0, bytes);
	return cells;
}

int sl_states_new(struct sl_states **ret_states, const struct sl_upstream_conf *conf, unsigned nr,
		  unsigned workers)
{
	struct sl_states *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->workers = workers;
	s->upstreams_nr = nr;
	s->first = calloc(nr + 1u, sizeof(*s->first));
	if (!s->first) {
		free(s);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < nr; i++) {
		s->first[i] = s->targets_nr;
		s->targets_nr += conf[i].targets_nr;
	}
	/* The cells of two are a cache line. */
	s->counts_nr = (s->targets_nr + 1) & ~(size_t)1;
	s->upstreams = new_cells(nr, sizeof(*s->upstreams));
	s->targets = new_cells(s->targets_nr, sizeof(*s->targets));
	s->counts = new_cells(s->counts_nr * workers, sizeof(*s->counts));
	if (!s->upstreams || !s->targets || !s->counts) {
		sl_states_free(s);
		return -ENOMEM;
	}
	*ret_states = s;
	return 0;
}

void sl_states_free(struct sl_states *s)
{
	if (!s)
		return;
	free(s->first);
	free(s->upstreams);
	free(s->targets);
	free(s->counts);
	free(s);
}

static void inherit(struct sl_target_shared *to, const struct sl_target_shared *from)
{
	atomic_store(&to->out, atomic_load(&from->out));
	atomic_store(&to->failures, atomic_load(&from->failures));
	atomic_store(&to->ejections, atomic_load(&from->ejections));
	atomic_store(&to->ejected_until_ns, atomic_load(&from->ejected_until_ns));
	atomic_store(&to->ejected_at_ns, atomic_load(&from->ejected_at_ns));
	atomic_store(&to->slow_since_ns, atomic_load(&from->slow_since_ns));
	atomic_store(&to->checks, atomic_load(&from->checks));
	atomic_store(&to->checks_failed, atomic_load(&from->checks_failed));
}

void sl_states_inherit(struct sl_states *to, const struct sl_upstream_conf *conf,
		       const struct sl_states *from, const uint32_t *map)
{
	for (unsigned i = 0; i < to->upstreams_nr; i++)
		for (unsigned k = 0; k < conf[i].targets_nr; k++, map++) {
			struct sl_target_shared *t = sl_states_target(to, i, k);

			if (*map == UINT32_MAX)
				continue;
			inherit(t, &from->targets[*map]);
			if (!conf[i].health.interval_ns)
				atomic_fetch_and(&t->out, ~(uint32_t)SL_OUT_UNHEALTHY);
		}
}

static enum sl_target_admin admin_of(uint32_t out)
{
	if (out & SL_OUT_DISABLED)
		return SL_TARGET_DISABLED;
	return out & SL_OUT_DRAIN ? SL_TARGET_DRAIN : SL_TARGET_READY;
}

static void sum_up(const struct sl_states *s, unsigned upstream, unsigned target,
		   struct sl_target_status *ret)
{
	for (unsigned w = 0; w < s->workers; w++) {
		const struct sl_target_counts *c = sl_states_counts(s, w, upstream, target);

		ret->in_flight += __atomic_load_n(&c->in_flight, __ATOMIC_RELAXED);
		ret->connections += __atomic_load_n(&c->connections, __ATOMIC_RELAXED);
		ret->requests += __atomic_load_n(&c->requests, __ATOMIC_RELAXED);
		ret->failures += __atomic_load_n(&c->failures, __ATOMIC_RELAXED);
	}
}

void sl_upstream_status(const struct sl_states *s, unsigned upstream, unsigned target,
			uint64_t now_ns, struct sl_target_status *ret_status)
{
	const struct sl_target_shared *t = sl_states_target(s, upstream, target);
	uint32_t out = atomic_load(&t->out);
	uint64_t until_ns = atomic_load(&t->ejected_until_ns);

	*ret_status = (struct sl_target_status){
		.admin = admin_of(out),
		.is_healthy = !(out & SL_OUT_UNHEALTHY),
		.ejected_ns = until_ns > now_ns ? until_ns - now_ns : 0,
		.ejections = atomic_load(&t->ejections),
		.checks = atomic_load(&t->checks),
		.checks_failed = atomic_load(&t->checks_failed),
	};
	sum_up(s, upstream, target, ret_status);
}

void sl_upstream_set_admin(struct sl_states *s, unsigned upstream, unsigned target,
			   enum sl_target_admin admin)
{
	static const uint32_t bits[] = {
		[SL_TARGET_READY] = 0,
		[SL_TARGET_DRAIN] = SL_OUT_DRAIN,
		[SL_TARGET_DISABLED] = SL_OUT_DISABLED,
	};
	struct sl_target_shared *t = sl_states_target(s, upstream, target);
	uint32_t out = atomic_load(&t->out);

	while (!atomic_compare_exchange_weak(
		&t->out, &out, (out & ~(uint32_t)(SL_OUT_DRAIN | SL_OUT_DISABLED)) | bits[admin]))
		;
	if (admin != SL_TARGET_READY)
		return;
	atomic_store(&t->failures, 0);
	atomic_store(&t->ejected_until_ns, 0);
}

const char *sl_target_admin_name(enum sl_target_admin admin)
{
	static const char *const names[] = { "ready", "drain", "disabled" };

	return names[admin];
}

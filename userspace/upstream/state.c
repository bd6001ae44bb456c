// SPDX-License-Identifier: Apache-2.0
// What is known of upstreams and targets: who holds which cells, and what an operator sees in them.
#include "upstream/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

/* Zeroed, and on cache lines of its own. */
static void *new_cells(size_t head, unsigned workers, size_t each)
{
	size_t bytes = head + workers * each; /* both are multiples of a line */
	void *cells = aligned_alloc(LINE, bytes);

	if (cells)
		memset(cells, 0, bytes);
	return cells;
}

static struct sl_target_cells *new_target(unsigned workers)
{
	struct sl_target_cells *c = new_cells(sizeof(*c), workers, sizeof(c->counts[0]));

	for (unsigned w = 0; c && w < workers; w++)
		sl_list_init(&c->counts[w].idle);
	return c;
}

static struct sl_upstream_cells *new_upstream(unsigned workers)
{
	struct sl_upstream_cells *c = new_cells(sizeof(*c), workers, sizeof(c->lines[0]));

	for (unsigned w = 0; c && w < workers; w++)
		sl_list_init(&c->lines[w].parts);
	return c;
}

/* Room for the cells of all, and none yet. */
static struct sl_states *new_empty(const struct sl_upstream_conf *conf, unsigned nr,
				   unsigned workers)
{
	struct sl_states *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->workers = workers;
	s->first = calloc(nr + 1u, sizeof(*s->first));
	for (unsigned i = 0; s->first && i < nr; i++) {
		s->first[i] = s->targets_nr;
		s->targets_nr += conf[i].targets_nr;
	}
	s->upstreams_nr = nr;
	s->upstreams = calloc(nr + 1u, sizeof(struct sl_upstream_cells *));
	s->targets = calloc(s->targets_nr + 1, sizeof(struct sl_target_cells *));
	if (s->first && s->upstreams && s->targets)
		return s;
	free(s->first);
	free(s->upstreams);
	free(s->targets);
	free(s);
	return NULL;
}

static int fill(struct sl_states *s, const struct sl_states *from, const uint32_t *targets,
		const uint32_t *upstreams)
{
	for (unsigned i = 0; i < s->upstreams_nr; i++) {
		bool is_new = !from || upstreams[i] == UINT32_MAX;

		s->upstreams[i] = is_new ? new_upstream(s->workers) : from->upstreams[upstreams[i]];
		if (!s->upstreams[i])
			return -ENOMEM;
		s->upstreams[i]->users++;
	}
	for (size_t i = 0; i < s->targets_nr; i++) {
		bool is_new = !from || targets[i] == UINT32_MAX;

		s->targets[i] = is_new ? new_target(s->workers) : from->targets[targets[i]];
		if (!s->targets[i])
			return -ENOMEM;
		s->targets[i]->users++;
	}
	return 0;
}

static int make(struct sl_states **ret_states, struct sl_states *s, const struct sl_states *from,
		const uint32_t *targets, const uint32_t *upstreams)
{
	if (!s)
		return -ENOMEM;
	if (fill(s, from, targets, upstreams) < 0) {
		sl_states_free(s);
		return -ENOMEM;
	}
	*ret_states = s;
	return 0;
}

int sl_states_new(struct sl_states **ret_states, const struct sl_upstream_conf *conf, unsigned nr,
		  unsigned workers)
{
	return make(ret_states, new_empty(conf, nr, workers), NULL, NULL, NULL);
}

int sl_states_follow(struct sl_states **ret_states, const struct sl_upstream_conf *conf,
		     unsigned nr, const struct sl_states *from, const uint32_t *targets,
		     const uint32_t *upstreams)
{
	return make(ret_states, new_empty(conf, nr, from->workers), from, targets, upstreams);
}

void sl_states_settle(struct sl_states *s, const struct sl_upstream_conf *conf)
{
	for (unsigned i = 0; i < s->upstreams_nr; i++)
		for (unsigned k = 0; k < conf[i].targets_nr && !conf[i].health.interval_ns; k++)
			atomic_fetch_and(&sl_states_target(s, i, k)->out,
					 ~(uint32_t)SL_OUT_UNHEALTHY);
}

void sl_states_free(struct sl_states *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->upstreams_nr; i++)
		if (s->upstreams[i] && --s->upstreams[i]->users == 0)
			free(s->upstreams[i]);
	for (size_t i = 0; i < s->targets_nr; i++)
		if (s->targets[i] && --s->targets[i]->users == 0)
			free(s->targets[i]);
	free(s->first);
	free(s->upstreams);
	free(s->targets);
	free(s);
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

/* How long ago; 0: it never was.  Another thread's clock may be a little ahead. */
static uint64_t age(const _Atomic uint64_t *since, uint64_t now_ns)
{
	uint64_t since_ns = atomic_load(since);

	if (!since_ns)
		return 0;
	return now_ns > since_ns ? now_ns - since_ns : 1;
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
		.failing_ns = age(&t->failing_since_ns, now_ns),
		.last_error_ns = age(&t->last_error_ns, now_ns),
		.last_error = atomic_load(&t->last_error),
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

// SPDX-License-Identifier: Apache-2.0
// Counts the views of each configuration that are still out with a worker.
#include "control/generation.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "control/ask.h"

struct sl_generation {
	struct sl_generation *next;
	struct sl_rules *rules;
	unsigned views; /* out */
	uint64_t nr;
	uint64_t replaced_ns; /* by the next one; 0: it is the current one */
};

enum {
	GRACE_MS = 10000, /* in which nothing of an old one is cut off */
	CUT_MS = 1000,	  /* what is cut off has ended by then */
};

int sl_daemon_adopt(struct sl_daemon *d, struct sl_rules *rules)
{
	struct sl_generation *g = malloc(sizeof(*g));

	if (!g)
		return -ENOMEM;
	*g = (struct sl_generation){ d->generations, rules, rules->workers, d->generation + 1, 0 };
	if (g->next)
		g->next->replaced_ns = sl_now_ns();
	d->generations = g;
	d->rules = rules;
	d->generation++;
	return 0;
}

static void forget(struct sl_generation **link)
{
	struct sl_generation *g = *link;

	*link = g->next;
	sl_config_free(g->rules);
	free(g);
}

static void came_back(struct sl_daemon *d, struct sl_view *v)
{
	struct sl_generation **link = &d->generations;

	while ((*link)->rules != v->rules)
		link = &(*link)->next;
	(*link)->views--;
	sl_view_free(v);
	if ((*link)->views == 0)
		forget(link);
}

void sl_daemon_reap(struct sl_daemon *d)
{
	struct sl_view *v;
	eventfd_t n;

	eventfd_read(d->shared.retired_fd, &n);
	v = atomic_exchange_explicit(&d->shared.retired, NULL, memory_order_acquire);
	while (v) {
		struct sl_view *next = v->next;

		came_back(d, v);
		v = next;
	}
}

static bool is_full(const struct sl_daemon *d, const struct sl_generation **ret_oldest)
{
	const struct sl_generation *g = d->generations;
	unsigned old_nr = 0;

	for (; g->next; g = g->next)
		old_nr++;
	*ret_oldest = g;
	return old_nr >= SL_GENERATIONS_OLD_MAX;
}

static void cut_off(struct sl_worker *w, void *rules)
{
	sl_worker_cut_off(w, rules);
}

/* True when it has gone. */
static bool end(struct sl_daemon *d, const struct sl_generation *g)
{
	struct pollfd retired = { .fd = d->shared.retired_fd, .events = POLLIN };
	uint64_t deadline_ns = sl_now_ns() + CUT_MS * SL_MS;

	sl_log_warn("reload.cut_off",
		    "generation=%llu reason=\"%d configurations are still in use by requests in "
		    "flight, and this is the oldest\"",
		    (unsigned long long)g->nr, SL_GENERATIONS_OLD_MAX);
	if (sl_daemon_ask(d, cut_off, g->rules) < 0)
		return false;
	while (is_full(d, &g) && sl_now_ns() < deadline_ns)
		if (poll(&retired, 1, CUT_MS / 10) == 1)
			sl_daemon_reap(d);
	return !is_full(d, &g);
}

int sl_daemon_make_room(struct sl_daemon *d, bool may_cut_off, FILE *errors)
{
	const struct sl_generation *oldest;
	uint64_t now_ns = sl_now_ns(), free_ns;

	sl_daemon_reap(d);
	if (!is_full(d, &oldest))
		return 0;
	free_ns = oldest->replaced_ns + GRACE_MS * SL_MS;
	if (!may_cut_off) {
		fprintf(errors, "%d configurations are still in use by requests in flight\n",
			SL_GENERATIONS_OLD_MAX);
		return -EBUSY;
	}
	if (now_ns >= free_ns && end(d, oldest))
		return 0;
	fprintf(errors,
		"%d configurations are still in use by requests in flight; what is under way in "
		"the oldest may be cut off in %u s: reload again then\n",
		SL_GENERATIONS_OLD_MAX,
		now_ns < free_ns ? (unsigned)((free_ns - now_ns) / SL_SEC) + 1 : 1);
	return -EBUSY;
}

void sl_daemon_abandon_all(struct sl_daemon *d)
{
	sl_daemon_reap(d);
	while (d->generations)
		forget(&d->generations);
}

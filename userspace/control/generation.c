// SPDX-License-Identifier: Apache-2.0
// Counts the views of each configuration that are still out with a worker.
#include "control/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "config/config.h"

struct sl_generation {
	struct sl_generation *next;
	struct sl_rules *rules;
	unsigned views; /* out */
};

int sl_daemon_adopt(struct sl_daemon *d, struct sl_rules *rules)
{
	struct sl_generation *g = malloc(sizeof(*g));

	if (!g)
		return -ENOMEM;
	*g = (struct sl_generation){ d->generations, rules, rules->workers };
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

void sl_daemon_abandon_all(struct sl_daemon *d)
{
	sl_daemon_reap(d);
	while (d->generations)
		forget(&d->generations);
}

// SPDX-License-Identifier: Apache-2.0
// Gives the routes and targets of a configuration their cells.
#include "gate/meters.h"

#include <errno.h>
#include <stdlib.h>

#include "upstream/pool.h"

static uint32_t route_cell(struct sl_metrics *metrics, const char *name)
{
	char labels[SL_METRICS_LABELS_MAX] = "";

	sl_metrics_label(labels, "route", sl_str_of(name));
	return sl_metrics_cell(metrics, SL_METRICS_ROUTE, labels);
}

/* A name that is too long for labels is one of the others. */
static uint32_t target_cell(struct sl_metrics *metrics, const char *upstream, const char *target)
{
	char labels[SL_METRICS_LABELS_MAX] = "";

	if (!sl_metrics_label(labels, "upstream", sl_str_of(upstream)) ||
	    !sl_metrics_label(labels, "target", sl_str_of(target)))
		return sl_metrics_other(metrics, SL_METRICS_TARGET);
	return sl_metrics_cell(metrics, SL_METRICS_TARGET, labels);
}

static void fill(struct sl_meters *m, struct sl_metrics *metrics, const struct sl_rules *rules)
{
	size_t nr = 0;

	m->no_route = route_cell(metrics, "none");
	for (unsigned i = 0; i < rules->routes_nr; i++)
		m->routes[i] = route_cell(metrics, rules->routes[i].name);
	for (unsigned i = 0; i < rules->upstreams_nr; i++)
		for (unsigned k = 0; k < rules->upstreams[i].targets_nr; k++)
			m->targets[nr++] = target_cell(metrics, rules->upstreams[i].name,
						       rules->upstreams[i].targets[k].name);
}

int sl_meters_new(struct sl_meters **ret_meters, struct sl_metrics *metrics,
		  const struct sl_rules *rules)
{
	size_t targets_nr = sl_pool_count_targets(rules->upstreams, rules->upstreams_nr);
	struct sl_meters *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->routes = calloc(rules->routes_nr + 1u, sizeof(*m->routes));
	m->targets = calloc(targets_nr + 1, sizeof(*m->targets));
	if (!m->routes || !m->targets) {
		sl_meters_free(m);
		return -ENOMEM;
	}
	fill(m, metrics, rules);
	*ret_meters = m;
	return 0;
}

void sl_meters_free(struct sl_meters *m)
{
	if (!m)
		return;
	free(m->routes);
	free(m->targets);
	free(m);
}

static bool is_in_service(const struct sl_states *s, unsigned upstream, unsigned target,
			  uint64_t now_ns)
{
	struct sl_target_status status;

	sl_upstream_status(s, upstream, target, now_ns, &status);
	return status.admin == SL_TARGET_READY && status.is_healthy && !status.ejected_ns;
}

/* The addresses of a name stand together and share cells: one in service is enough. */
void sl_meters_note_targets(struct sl_metrics *metrics, const struct sl_rules *rules,
			    uint64_t now_ns)
{
	uint64_t *cells = sl_metrics_main_block(metrics);
	const uint32_t *cell = rules->meters->targets, *before = NULL;
	bool is_up = false;

	for (unsigned i = 0; i < rules->upstreams_nr; i++)
		for (unsigned k = 0; k < rules->upstreams[i].targets_nr; k++, before = cell++) {
			is_up = (before && *before == *cell && is_up) ||
				is_in_service(rules->states, i, k, now_ns);
			sl_gauge_set(&cells[*cell + SL_TARGET_UP], is_up);
		}
}

void sl_meters_forget_targets(struct sl_metrics *metrics, const struct sl_rules *rules)
{
	size_t nr = sl_pool_count_targets(rules->upstreams, rules->upstreams_nr);
	uint64_t *cells = sl_metrics_main_block(metrics);

	for (size_t i = 0; i < nr; i++)
		sl_gauge_set(&cells[rules->meters->targets[i] + SL_TARGET_UP], 0);
}

// SPDX-License-Identifier: Apache-2.0
// Who still needs a configuration, and its way back when nobody does.
#include "gate/view.h"

#include <stdlib.h>
#include <sys/eventfd.h>

#include "gate/worker.h"

/* After this the main thread may free it at any time. */
static void give_back(struct sl_view *v)
{
	struct sl_shared *shared = v->worker->shared;
	int retired_fd = shared->retired_fd;

	v->worker->views_nr--;
	v->next = atomic_load_explicit(&shared->retired, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&shared->retired, &v->next, v,
						      memory_order_release, memory_order_relaxed))
		;
	eventfd_write(retired_fd, 1);
}

static void on_empty(struct sl_pool *pool)
{
	struct sl_view *v = sl_container_of(pool, struct sl_view, pool);

	if (v->users == 0)
		give_back(v);
}

struct sl_view *sl_view_new(struct sl_worker *w, const struct sl_rules *rules)
{
	const struct sl_pool_conf conf = {
		.loop = &w->loop,
		.slab = &w->peer_slab,
		.upstreams = rules->upstreams,
		.nr = rules->upstreams_nr,
		.states = rules->states,
		.worker = w->index,
		.blocks = &w->tls_blocks,
	};
	struct sl_view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	if (sl_pool_init(&v->pool, &conf) < 0) {
		free(v);
		return NULL;
	}
	v->pool.on_empty = on_empty;
	v->rules = rules;
	v->worker = w;
	v->users = 1;
	return v;
}

void sl_view_free(struct sl_view *v)
{
	if (v)
		sl_pool_fini(&v->pool);
	free(v);
}

struct sl_view *sl_view_get(struct sl_view *v)
{
	v->users++;
	return v;
}

void sl_view_put(struct sl_view *v)
{
	if (v->users > 1) {
		v->users--;
		return;
	}
	/* Still ours meanwhile: the last of them to close must not give it back under our feet. */
	sl_pool_close_idle(&v->pool);
	v->users = 0;
	if (v->pool.peers_nr == 0)
		give_back(v);
}

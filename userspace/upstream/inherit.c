// SPDX-License-Identifier: Apache-2.0
// From one configuration to the next: targets that stay keep their connections and their history.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "upstream/pool.h"

/* An upstream of the old configuration, by name, and the number of its first target. */
struct entry {
	const struct sl_upstream_conf *conf;
	uint32_t first;
};

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->conf->name, y->conf->name);
}

static bool is_same_target(const struct sl_target_conf *a, const struct sl_target_conf *b)
{
	return strcmp(a->name, b->name) == 0 && sl_addr_eq(&a->address, &b->address);
}

/* Targets are few and mostly stand where they stood: no index for them. */
static uint32_t find_target(const struct entry *old, const struct sl_target_conf *t, uint32_t hint)
{
	const struct sl_upstream_conf *conf = old->conf;

	if (hint < conf->targets_nr && is_same_target(&conf->targets[hint], t))
		return old->first + hint;
	for (uint32_t i = 0; i < conf->targets_nr; i++)
		if (is_same_target(&conf->targets[i], t))
			return old->first + i;
	return SL_NO_TARGET;
}

static struct entry *index_by_name(const struct sl_upstream_conf *conf, unsigned nr)
{
	struct entry *entries = calloc(nr + 1, sizeof(*entries));
	uint32_t first = 0;

	if (!entries)
		return NULL;
	for (unsigned i = 0; i < nr; i++) {
		entries[i] = (struct entry){ &conf[i], first };
		first += conf[i].targets_nr;
	}
	qsort(entries, nr, sizeof(*entries), by_name);
	return entries;
}

int sl_pool_map(const struct sl_upstream_conf *from, unsigned from_nr,
		const struct sl_upstream_conf *to, unsigned to_nr, uint32_t *ret_map)
{
	struct entry *entries = index_by_name(from, from_nr);

	if (!entries)
		return -ENOMEM;
	for (unsigned i = 0; i < to_nr; i++) {
		struct entry wanted = { .conf = &to[i] };
		const struct entry *old =
			bsearch(&wanted, entries, from_nr, sizeof(*entries), by_name);

		if (old && old->conf->send_proxy != to[i].send_proxy)
			old = NULL;
		for (uint32_t k = 0; k < to[i].targets_nr; k++)
			*ret_map++ = old ? find_target(old, &to[i].targets[k], k) : SL_NO_TARGET;
	}
	free(entries);
	return 0;
}

static void move_idle(struct sl_upstream *u, struct sl_target *to, struct sl_pool *from_pool,
		      struct sl_target *from)
{
	struct sl_list *node;

	sl_list_take(&to->idle, &from->idle);
	to->idle_nr = from->idle_nr;
	from->idle_nr = 0;
	for (node = to->idle.next; node != &to->idle; node = node->next) {
		struct sl_peer *peer = sl_container_of(node, struct sl_peer, node);

		peer->upstream = u;
		peer->target = to;
	}
	sl_cell_add(&from->counts->connections, -(int64_t)to->idle_nr);
	sl_cell_add(&to->counts->connections, to->idle_nr);
	from_pool->peers_nr -= to->idle_nr;
	u->pool->peers_nr += to->idle_nr;
}

/* The new configuration may keep fewer: the oldest go. */
static void close_surplus(struct sl_target *t, uint32_t max)
{
	while (t->idle_nr > max)
		sl_peer_close(sl_container_of(t->idle.prev, struct sl_peer, node));
}

void sl_pool_inherit(struct sl_pool *p, struct sl_pool *from, const uint32_t *map)
{
	for (unsigned i = 0; i < p->nr; i++) {
		struct sl_upstream *u = &p->upstreams[i];

		for (uint32_t k = 0; k < u->conf->targets_nr; k++, map++) {
			struct sl_target *old = *map == SL_NO_TARGET ? NULL : &from->targets[*map];

			if (!old)
				continue;
			u->targets[k].credit = old->credit;
			u->targets[k].down_until_ns = old->down_until_ns;
			move_idle(u, &u->targets[k], from, old);
			close_surplus(&u->targets[k], u->conf->idle_connections);
		}
	}
}

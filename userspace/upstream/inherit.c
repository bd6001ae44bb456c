// SPDX-License-Identifier: Apache-2.0
// From one configuration to the next: targets that stay keep their connections and their history.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls/sessions.h"
#include "upstream/pool.h"
#include "upstream/secure.h"

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
		const struct sl_upstream_conf *to, unsigned to_nr, uint32_t *ret_targets,
		uint32_t *ret_upstreams)
{
	struct entry *entries = index_by_name(from, from_nr);

	if (!entries)
		return -ENOMEM;
	for (unsigned i = 0; i < to_nr; i++) {
		struct entry wanted = { .conf = &to[i] };
		const struct entry *old =
			bsearch(&wanted, entries, from_nr, sizeof(*entries), by_name);

		*ret_upstreams++ = old ? (uint32_t)(old->conf - from) : SL_NO_TARGET;
		if (old && old->conf->send_proxy != to[i].send_proxy)
			old = NULL;
		for (uint32_t k = 0; k < to[i].targets_nr; k++)
			*ret_targets++ =
				old ? find_target(old, &to[i].targets[k], k) : SL_NO_TARGET;
	}
	free(entries);
	return 0;
}

/* The new configuration may keep fewer: the oldest go. */
static void close_surplus(struct sl_target *t, uint32_t max)
{
	while (t->counts->idle_nr > max)
		sl_peer_close(sl_container_of(t->counts->idle.prev, struct sl_peer, node));
}

static void inherit(struct sl_target *t, const struct sl_target *old)
{
	struct sl_list *idle = &t->counts->idle;

	t->credit = old->credit;
	t->down_until_ns = old->down_until_ns;
	if (!sl_target_is_alike(old, t)) {
		close_surplus(t, 0);
		return;
	}
	if (old->sessions)
		sl_tls_sessions_move(t->sessions, old->sessions);
	for (struct sl_list *node = idle->next; node != idle; node = node->next)
		sl_peer_move(sl_container_of(node, struct sl_peer, node), t);
}

void sl_pool_inherit(struct sl_pool *p)
{
	for (unsigned i = 0; i < p->nr; i++)
		for (uint32_t k = 0; k < p->upstreams[i].conf->targets_nr; k++) {
			struct sl_target *t = &p->upstreams[i].targets[k];
			const struct sl_target *old = t->counts->home;

			t->counts->home = t;
			if (old && old != t)
				inherit(t, old);
			close_surplus(t, p->upstreams[i].conf->idle_connections);
		}
}

// SPDX-License-Identifier: Apache-2.0
// Sorted by address, then by length: what is around a prefix stands before it.
#include "policy/nets.h"

#include <stdlib.h>
#include <string.h>

static int by_place(const void *a, const void *b)
{
	const struct sl_nets_entry *x = a, *y = b;
	int order = memcmp(x->ip.b, y->ip.b, sizeof(x->ip.b));

	if (order)
		return order;
	return x->bits != y->bits ? (x->bits > y->bits) - (x->bits < y->bits)
				  : y->allows - x->allows;
}

static bool has(const struct sl_nets_entry *e, const struct sl_ip *ip)
{
	return sl_net_has(&(struct sl_net){ e->ip, e->bits }, ip);
}

static bool is_same(const struct sl_nets_entry *a, const struct sl_nets_entry *b)
{
	return a->bits == b->bits && memcmp(&a->ip, &b->ip, sizeof(a->ip)) == 0;
}

void sl_nets_make(struct sl_nets *nets, struct sl_nets_entry *entries, uint32_t nr)
{
	uint32_t kept = 0, outer = 0;

	if (nr)
		qsort(entries, nr, sizeof(*entries), by_place);
	for (uint32_t i = 0; i < nr; i++) {
		if (kept && is_same(&entries[kept - 1], &entries[i]))
			continue;
		entries[kept] = entries[i];
		while (outer && !has(&entries[outer - 1], &entries[kept].ip))
			outer = entries[outer - 1].outer;
		entries[kept].outer = outer;
		outer = ++kept;
	}
	*nets = (struct sl_nets){ entries, kept };
}

/* The last one that begins at or before the address: it, or one around it. */
const struct sl_nets_entry *sl_nets_find(const struct sl_nets *nets, const struct sl_ip *ip)
{
	uint32_t low = 0, high = nets->nr;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp(nets->entries[middle].ip.b, ip->b, sizeof(ip->b)) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low && !has(&nets->entries[low - 1], ip))
		low = nets->entries[low - 1].outer;
	return low ? &nets->entries[low - 1] : NULL;
}

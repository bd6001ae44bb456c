// SPDX-License-Identifier: Apache-2.0
// A table of names with open addressing, at most half full, filled once and then only read.
#include "policy/lookup.h"

#include <string.h>
#include <sys/random.h>

static uint32_t place_of(const struct sl_lookup *n, struct sl_str name)
{
	return (uint32_t)sl_siphash(n->key, name.ptr, name.len) & n->mask;
}

static void put(struct sl_lookup *n, unsigned index)
{
	uint32_t at = place_of(n, n->names[index]);

	while (n->slots[at])
		at = (at + 1) & n->mask;
	n->slots[at] = index + 1;
}

struct sl_lookup *sl_lookup_new(struct sl_arena *arena, const struct sl_str *names, unsigned nr,
				unsigned *ret_twice)
{
	struct sl_lookup *n = sl_arena_alloc(arena, sizeof(*n));
	size_t slots = 2;
	unsigned other;

	*ret_twice = nr;
	while (slots < nr * 2ull)
		slots *= 2;
	if (!n || slots > UINT32_MAX / 2)
		return NULL;
	*n = (struct sl_lookup){ .names = names, .mask = (uint32_t)slots - 1 };
	n->slots = sl_arena_alloc(arena, slots * sizeof(*n->slots));
	if (!n->slots || getrandom(&n->key, sizeof(n->key), 0) != sizeof(n->key))
		return NULL;
	memset(n->slots, 0, slots * sizeof(*n->slots));
	for (unsigned i = 0; i < nr; i++) {
		if (sl_lookup_find(n, names[i], &other)) {
			*ret_twice = i;
			return NULL;
		}
		put(n, i);
	}
	return n;
}

bool sl_lookup_find(const struct sl_lookup *names, struct sl_str name, unsigned *ret_index)
{
	for (uint32_t at = place_of(names, name); names->slots[at]; at = (at + 1) & names->mask) {
		*ret_index = names->slots[at] - 1;
		if (sl_str_eq(names->names[*ret_index], name))
			return true;
	}
	return false;
}

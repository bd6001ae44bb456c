// SPDX-License-Identifier: Apache-2.0
// A table of names with open addressing, at most half full, filled once and then only read.
#include "policy/roster.h"

#include <string.h>
#include <sys/random.h>

static uint32_t place_of(const struct sl_roster *r, struct sl_str name)
{
	return (uint32_t)sl_siphash(r->key, name.ptr, name.len) & r->mask;
}

struct sl_roster *sl_roster_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				unsigned nr)
{
	struct sl_roster *r = sl_arena_alloc(arena, sizeof(*r));
	size_t slots = 2;

	while (slots < nr * 2ull)
		slots *= 2;
	if (!r || slots > UINT32_MAX / 2)
		return NULL;
	*r = (struct sl_roster){ .consumers = consumers, .mask = (uint32_t)slots - 1 };
	r->slots = sl_arena_alloc(arena, slots * sizeof(*r->slots));
	if (!r->slots || getrandom(&r->key, sizeof(r->key), 0) != sizeof(r->key))
		return NULL;
	memset(r->slots, 0, slots * sizeof(*r->slots));
	for (unsigned i = 0; i < nr; i++) {
		uint32_t at = place_of(r, sl_str_of(consumers[i].name));

		while (r->slots[at])
			at = (at + 1) & r->mask;
		r->slots[at] = i + 1;
	}
	return r;
}

const struct sl_consumer *sl_roster_find(const struct sl_roster *roster, struct sl_str name)
{
	for (uint32_t at = place_of(roster, name); roster->slots[at];
	     at = (at + 1) & roster->mask) {
		const struct sl_consumer *c = &roster->consumers[roster->slots[at] - 1];

		if (sl_str_eq(sl_str_of(c->name), name))
			return c;
	}
	return NULL;
}

// SPDX-License-Identifier: Apache-2.0
// A table of ids.
#include "policy/hmac_keys.h"

struct sl_hmac_keys *sl_hmac_keys_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				      unsigned nr, const struct sl_hmac_key **ret_twice)
{
	struct sl_hmac_keys *k = sl_arena_alloc(arena, sizeof(*k));
	unsigned all = 0, at = 0, twice;
	struct sl_str *ids;

	*ret_twice = NULL;
	for (unsigned i = 0; i < nr; i++)
		all += consumers[i].hmac_keys_nr;
	ids = sl_arena_alloc(arena, (all + 1) * sizeof(*ids));
	if (!k || !ids)
		return NULL;
	k->keys = sl_arena_alloc(arena, (all + 1) * sizeof(*k->keys));
	k->owners = sl_arena_alloc(arena, (all + 1) * sizeof(*k->owners));
	if (!k->keys || !k->owners)
		return NULL;
	for (unsigned i = 0; i < nr; i++)
		for (unsigned n = 0; n < consumers[i].hmac_keys_nr; n++, at++) {
			k->keys[at] = &consumers[i].hmac_keys[n];
			k->owners[at] = &consumers[i];
			ids[at] = k->keys[at]->key.id;
		}
	k->ids = sl_lookup_new(arena, ids, all, &twice);
	if (!k->ids && twice < all)
		*ret_twice = k->keys[twice];
	k->nr = all;
	return k->ids ? k : NULL;
}

const struct sl_hmac_key *sl_hmac_keys_find(const struct sl_hmac_keys *keys, struct sl_str id,
					    const struct sl_consumer **ret_owner)
{
	unsigned i;

	if (!sl_lookup_find(keys->ids, id, &i))
		return NULL;
	*ret_owner = keys->owners[i];
	return keys->keys[i];
}

// SPDX-License-Identifier: Apache-2.0
// A table of keys with open addressing, at most half full, filled once and then only read.
#include "policy/keyring.h"

#include <openssl/crypto.h>
#include <string.h>

static size_t count_keys(const struct sl_consumer *consumers, unsigned nr)
{
	size_t keys = 0;

	for (unsigned i = 0; i < nr; i++)
		keys += consumers[i].api_keys_nr;
	return keys;
}

/* A digest is as good as random, and who could choose one with a given beginning would have to
 * have been given it as a key by the operator. */
static uint32_t place_of(const struct sl_keyring *ring, const uint8_t *sha256)
{
	uint32_t word;

	memcpy(&word, sha256, sizeof(word));
	return word & ring->mask;
}

const struct sl_keyring_entry *sl_keyring_find(const struct sl_keyring *ring,
					       const uint8_t sha256[SL_DIGEST_BYTES])
{
	for (uint32_t at = place_of(ring, sha256); ring->slots[at]; at = (at + 1) & ring->mask) {
		const struct sl_keyring_entry *e = &ring->entries[ring->slots[at] - 1];

		if (CRYPTO_memcmp(e->key->sha256, sha256, SL_DIGEST_BYTES) == 0)
			return e;
	}
	return NULL;
}

static bool add(struct sl_keyring *ring, struct sl_keyring_entry entry)
{
	uint32_t at = place_of(ring, entry.key->sha256);

	if (sl_keyring_find(ring, entry.key->sha256))
		return false;
	while (ring->slots[at])
		at = (at + 1) & ring->mask;
	ring->entries[ring->nr] = entry;
	ring->slots[at] = ++ring->nr;
	return true;
}

static struct sl_keyring *make(struct sl_arena *arena, size_t keys)
{
	struct sl_keyring *ring = sl_arena_alloc(arena, sizeof(*ring));
	size_t slots = 2;

	while (slots < keys * 2)
		slots *= 2;
	if (!ring || slots > UINT32_MAX / 2)
		return NULL;
	*ring = (struct sl_keyring){
		.slots = sl_arena_alloc(arena, slots * sizeof(*ring->slots)),
		.mask = (uint32_t)slots - 1,
		.entries = sl_arena_alloc(arena, (keys + 1) * sizeof(*ring->entries)),
	};
	if (!ring->slots || !ring->entries)
		return NULL;
	memset(ring->slots, 0, slots * sizeof(*ring->slots));
	return ring;
}

struct sl_keyring *sl_keyring_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				  unsigned nr, struct sl_keyring_entry *ret_twice)
{
	struct sl_keyring *ring = make(arena, count_keys(consumers, nr));

	*ret_twice = (struct sl_keyring_entry){ NULL, NULL };
	for (unsigned i = 0; ring && i < nr; i++)
		for (unsigned k = 0; k < consumers[i].api_keys_nr; k++) {
			const struct sl_keyring_entry entry = { &consumers[i].api_keys[k],
								&consumers[i] };

			if (add(ring, entry))
				continue;
			*ret_twice = entry;
			return NULL;
		}
	return ring;
}

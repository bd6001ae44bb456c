// SPDX-License-Identifier: Apache-2.0
// Keys are found by their digests: each, and no other.
#include "policy/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum { KEYS = 100000, CONSUMERS = 10 };

static struct sl_consumer consumers[CONSUMERS];
static struct sl_api_key *keys;

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 16;
}

/* Digests of random, but with few different beginnings: the worst that there can be. */
static void make(bool is_crowded)
{
	uint64_t state = 1;

	for (unsigned i = 0; i < KEYS; i++) {
		for (unsigned k = 0; k < SL_DIGEST_BYTES; k += 4) {
			uint32_t word = (uint32_t)next(&state);

			memcpy(&keys[i].sha256[k], &word, sizeof(word));
		}
		if (is_crowded && i < 300)
			memset(keys[i].sha256, 0, 4);
	}
	for (unsigned i = 0; i < CONSUMERS; i++)
		consumers[i] = (struct sl_consumer){
			.name = "c",
			.api_keys = keys + i * (KEYS / CONSUMERS),
			.api_keys_nr = KEYS / CONSUMERS,
		};
}

static void find_all(bool is_crowded)
{
	struct sl_keyring_entry twice;
	struct sl_arena arena;
	struct sl_keyring *ring;
	unsigned found = 0, strangers = 0;

	make(is_crowded);
	sl_arena_init(&arena, NULL, 0, SIZE_MAX);
	ring = sl_keyring_new(&arena, consumers, CONSUMERS, &twice);
	if (!ok(ring != NULL, "a ring of %d keys%s", KEYS, is_crowded ? ", crowded" : ""))
		exit(done_testing());
	for (unsigned i = 0; i < KEYS; i++) {
		const struct sl_keyring_entry *e = sl_keyring_find(ring, keys[i].sha256);
		uint8_t other[SL_DIGEST_BYTES];

		found += e && e->key == &keys[i] &&
			 e->consumer == &consumers[i / (KEYS / CONSUMERS)];
		memcpy(other, keys[i].sha256, sizeof(other));
		other[SL_DIGEST_BYTES - 1] ^= 1;
		strangers += sl_keyring_find(ring, other) != NULL;
	}
	is_int(found, KEYS, "each is found, with its consumer");
	is_int(strangers, 0, "and none that differs in a bit");
	sl_arena_fini(&arena);
}

static void same_twice(void)
{
	struct sl_keyring_entry twice;
	struct sl_arena arena;

	make(false);
	memcpy(keys[KEYS - 1].sha256, keys[7].sha256, SL_DIGEST_BYTES);
	sl_arena_init(&arena, NULL, 0, SIZE_MAX);
	ok(!sl_keyring_new(&arena, consumers, CONSUMERS, &twice), "the same key twice: no ring");
	ok(twice.key == &keys[KEYS - 1] && twice.consumer == &consumers[CONSUMERS - 1],
	   "and the second is told");
	sl_arena_fini(&arena);
}

static void empty(void)
{
	static const uint8_t zero[SL_DIGEST_BYTES];
	struct sl_keyring_entry twice;
	struct sl_arena arena;
	struct sl_keyring *ring;

	sl_arena_init(&arena, NULL, 0, SIZE_MAX);
	ring = sl_keyring_new(&arena, NULL, 0, &twice);
	ok(ring && !sl_keyring_find(ring, zero), "a ring of nothing has nothing");
	sl_arena_fini(&arena);
	sl_arena_init(&arena, NULL, 0, 0);
	ok(!sl_keyring_new(&arena, NULL, 0, &twice) && !twice.key,
	   "no memory, and no key at fault");
	sl_arena_fini(&arena);
}

int main(void)
{
	keys = calloc(KEYS, sizeof(*keys));
	if (!keys)
		abort();
	find_all(false);
	find_all(true);
	same_twice();
	empty();
	free(keys);
	return done_testing();
}

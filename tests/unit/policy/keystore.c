// SPDX-License-Identifier: Apache-2.0
// Keys that come and go: found by all threads while one adds them, and consumers by their names.
#include "policy/keystore.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "policy/roster.h"
#include "tap.h"

enum { KEYS = 100000, READERS = 3 };

static struct sl_keystore *store;
static atomic_uint added;

/* Any number has a digest of its own; many begin alike. */
static void digest_of(unsigned n, uint8_t ret[SL_DIGEST_BYTES])
{
	uint64_t word = (n + 1) * 0x9e3779b97f4a7c15u;

	memset(ret, 0, SL_DIGEST_BYTES);
	if (n % 64)
		memcpy(ret, &word, sizeof(word));
	memcpy(ret + 8, &n, sizeof(n));
}

static int add(unsigned n, const char *id, const char *consumer)
{
	struct sl_api_key key = { .id = sl_str_of(id), .enabled = true };

	digest_of(n, key.sha256);
	return sl_keystore_add(store, &key, sl_str_of(consumer), 7);
}

static const struct sl_kept_key *find(unsigned n)
{
	uint8_t sha256[SL_DIGEST_BYTES];

	digest_of(n, sha256);
	return sl_keystore_find(store, sha256);
}

/* Whatever was there when it looked has to be found, and what cannot be there must not. */
static void *read_all(void *arg)
{
	unsigned *missing = arg, n = 0, until;

	do {
		until = atomic_load(&added);
		for (unsigned step = 0; step < 1000 && until; step++) {
			n = (n + 7919) % until;
			*missing += !find(n) || find(n + KEYS);
		}
	} while (until < KEYS);
	return NULL;
}

static void race(void)
{
	pthread_t readers[READERS];
	unsigned missing[READERS] = { 0 }, all = 0, failed = 0;
	char id[16];

	for (unsigned i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, read_all, &missing[i]);
	for (unsigned n = 0; n < KEYS; n++) {
		snprintf(id, sizeof(id), "k%u", n);
		failed += add(n, id, "acme") != 0;
		atomic_store(&added, n + 1);
	}
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(readers[i], NULL);
		all += missing[i];
	}
	is_int(failed, 0, "%d keys are added", KEYS);
	is_int(all, 0, "while they are, readers find all that are there, and no others");
	is_int(sl_keystore_count(store), KEYS, "they are counted");
}

static void come_and_go(void)
{
	struct sl_kept_key *k = sl_keystore_by_id(store, SL_S("k99"));
	unsigned at = 0, nr = 0;

	if (!ok(k && k == find(99), "by its id it is the same"))
		return;
	is_int(add(99, "again", "acme"), -EEXIST, "a digest is there once");
	is_int(add(KEYS, "", "acme"), -EMSGSIZE, "a key has an id");
	sl_keystore_expire(k, 17);
	is_int((int)find(99)->key.expires_s, 17, "it ends when that is said");
	sl_keystore_revoke(store, k);
	sl_keystore_revoke(store, k);
	ok(find(99) && !find(99)->key.enabled, "revoked, it is found, and no good");
	ok(!sl_keystore_by_id(store, SL_S("k99")), "its id is free");
	is_int(sl_keystore_count(store), KEYS - 1, "it does not count, once");
	is_int(add(KEYS, "k99", "mobile"), 0, "another may have the id");
	ok(sl_keystore_by_id(store, SL_S("k99")) == find(KEYS), "and is found by it");
	while ((k = sl_keystore_next(store, &at)))
		nr += k->key.enabled;
	is_int(nr, KEYS, "all that are good are listed");
}

static void names(void)
{
	static struct sl_consumer consumers[1000];
	static char text[1000][8];
	struct sl_arena arena;
	struct sl_roster_twice twice;
	struct sl_roster *roster;
	unsigned found = 0;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text[i], sizeof(text[i]), "c%u", i);
		consumers[i].name = text[i];
	}
	sl_arena_init(&arena, NULL, 0, SIZE_MAX);
	roster = sl_roster_new(&arena, consumers, 1000, &twice);
	if (!ok(roster != NULL, "a roster of 1,000"))
		return;
	for (unsigned i = 0; i < 1000; i++)
		found += sl_roster_find(roster, sl_str_of(text[i])) == &consumers[i];
	is_int(found, 1000, "each is found by its name");
	ok(!sl_roster_find(roster, SL_S("c1000")) && !sl_roster_find(roster, SL_S("")) &&
		   !sl_roster_find(roster, SL_S("c")),
	   "others are not");
	roster = sl_roster_new(&arena, NULL, 0, &twice);
	ok(roster && !sl_roster_find(roster, SL_S("c1")), "an empty one has nobody");
	sl_arena_fini(&arena);
}

int main(void)
{
	store = sl_keystore_new();
	if (!ok(store != NULL, "a store"))
		return done_testing();
	ok(!find(1), "it is empty at first");
	race();
	come_and_go();
	sl_keystore_free(store);
	names();
	return done_testing();
}

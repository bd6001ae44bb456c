// SPDX-License-Identifier: Apache-2.0
// A table with open addressing of pointers that one thread sets and all read.  It is never changed
// but by filling a free slot, and a larger one takes its place when it is half full: a reader sees
// each key or does not yet, and needs no lock.  The old tables stay, half as large all together.
#include "policy/keystore.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 64, NAME_MAX_BYTES = 64 };

struct table {
	struct table *older;
	uint32_t mask;
	_Atomic(struct sl_kept_key *) slots[];
};

struct sl_keystore {
	_Atomic(struct table *) table;
	/* The main thread's: all that were ever added. */
	struct sl_kept_key **all;
	unsigned all_nr, all_room, living_nr;
};

static struct table *table_new(uint32_t slots)
{
	struct table *t = calloc(1, sizeof(*t) + slots * sizeof(t->slots[0]));

	if (t)
		t->mask = slots - 1;
	return t;
}

struct sl_keystore *sl_keystore_new(void)
{
	struct sl_keystore *s = calloc(1, sizeof(*s));
	struct table *t = table_new(SLOTS_FIRST);

	if (s && t) {
		atomic_init(&s->table, t);
		return s;
	}
	free(s);
	free(t);
	return NULL;
}

void sl_keystore_free(struct sl_keystore *s)
{
	struct table *t, *older;

	if (!s)
		return;
	for (t = atomic_load(&s->table); t; t = older) {
		older = t->older;
		free(t);
	}
	for (unsigned i = 0; i < s->all_nr; i++)
		free(s->all[i]);
	free(s->all);
	free(s);
}

static uint32_t place_of(const struct table *t, const uint8_t *sha256)
{
	uint32_t word;

	memcpy(&word, sha256, sizeof(word));
	return word & t->mask;
}

const struct sl_kept_key *sl_keystore_find(const struct sl_keystore *s,
					   const uint8_t sha256[SL_DIGEST_BYTES])
{
	struct table *t = atomic_load_explicit(&s->table, memory_order_acquire);

	for (uint32_t at = place_of(t, sha256);; at = (at + 1) & t->mask) {
		const struct sl_kept_key *k =
			atomic_load_explicit(&t->slots[at], memory_order_acquire);

		if (!k || CRYPTO_memcmp(k->key.sha256, sha256, SL_DIGEST_BYTES) == 0)
			return k;
	}
}

static void put(struct table *t, struct sl_kept_key *k)
{
	uint32_t at = place_of(t, k->key.sha256);

	while (atomic_load_explicit(&t->slots[at], memory_order_relaxed))
		at = (at + 1) & t->mask;
	atomic_store_explicit(&t->slots[at], k, memory_order_release);
}

/* Room for one more, in the table and among all. */
static int grow(struct sl_keystore *s)
{
	struct table *t = atomic_load(&s->table), *larger;

	if (s->all_nr == s->all_room) {
		unsigned room = s->all_room ? s->all_room * 2 : SLOTS_FIRST;
		void *all = reallocarray(s->all, room, sizeof(*s->all));

		if (!all)
			return -ENOMEM;
		s->all = all;
		s->all_room = room;
	}
	if (s->all_nr + 1 <= (t->mask + 1) / 2)
		return 0;
	larger = table_new((t->mask + 1) * 2);
	if (!larger)
		return -ENOMEM;
	larger->older = t;
	for (unsigned i = 0; i < s->all_nr; i++)
		put(larger, s->all[i]);
	atomic_store_explicit(&s->table, larger, memory_order_release);
	return 0;
}

static struct sl_kept_key *make(const struct sl_api_key *key, struct sl_str consumer,
				uint64_t created_s)
{
	struct sl_kept_key *k = malloc(sizeof(*k) + key->id.len + consumer.len);

	if (!k)
		return NULL;
	k->key = *key;
	k->created_s = created_s;
	memcpy(k->text, key->id.ptr, key->id.len);
	memcpy(k->text + key->id.len, consumer.ptr, consumer.len);
	k->key.id = (struct sl_str){ k->text, key->id.len };
	k->consumer = (struct sl_str){ k->text + key->id.len, consumer.len };
	return k;
}

int sl_keystore_add(struct sl_keystore *s, const struct sl_api_key *key, struct sl_str consumer,
		    uint64_t created_s)
{
	struct sl_kept_key *k;
	int ret;

	if (!key->id.len || key->id.len > NAME_MAX_BYTES || consumer.len > NAME_MAX_BYTES)
		return -EMSGSIZE;
	if (sl_keystore_find(s, key->sha256))
		return -EEXIST;
	ret = grow(s);
	if (ret < 0)
		return ret;
	k = make(key, consumer, created_s);
	if (!k)
		return -ENOMEM;
	s->all[s->all_nr++] = k;
	s->living_nr++;
	put(atomic_load(&s->table), k);
	return 0;
}

static bool is_living(const struct sl_kept_key *k)
{
	return __atomic_load_n(&k->key.enabled, __ATOMIC_RELAXED);
}

/* For people, who can wait for a million of them to be looked at. */
struct sl_kept_key *sl_keystore_by_id(const struct sl_keystore *s, struct sl_str id)
{
	for (unsigned i = 0; i < s->all_nr; i++)
		if (sl_str_eq(s->all[i]->key.id, id) && is_living(s->all[i]))
			return s->all[i];
	return NULL;
}

void sl_keystore_revoke(struct sl_keystore *s, struct sl_kept_key *key)
{
	if (!is_living(key))
		return;
	__atomic_store_n(&key->key.enabled, false, __ATOMIC_RELAXED);
	s->living_nr--;
}

void sl_keystore_expire(struct sl_kept_key *key, uint64_t expires_s)
{
	__atomic_store_n(&key->key.expires_s, expires_s, __ATOMIC_RELAXED);
}

unsigned sl_keystore_count(const struct sl_keystore *s)
{
	return s->living_nr;
}

struct sl_kept_key *sl_keystore_next(const struct sl_keystore *s, unsigned *at)
{
	while (*at < s->all_nr) {
		struct sl_kept_key *k = s->all[(*at)++];

		if (is_living(k))
			return k;
	}
	return NULL;
}

// SPDX-License-Identifier: Apache-2.0
// Tokens are remembered in sets of 32, in slots of two sizes; each set has its hashes together.
// With eight to a set, one of twenty did not find room when half of all were taken.
#include "policy/tokens.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/siphash.h"

enum { WAYS = 32, SMALL_BYTES = 1536, LARGE_BYTES = 16384 };

/* A slot: what is known, then the token, its scopes, its groups and its claims. */
struct slot {
	uint64_t policy, until_s, used; /* used: when, by the count of questions; 0: never */
	const struct sl_consumer *consumer;
	uint32_t token_len, scopes_len, groups_len, claims_len;
	bool is_bound;
	uint8_t bound[SL_DIGEST_BYTES];
	char text[];
};

/* Slots of one size. */
struct shelf {
	char *slots;
	size_t slot_bytes;
	uint32_t sets; /* a power of two */
	uint64_t *hashes;
};

struct sl_tokens {
	struct sl_sipkey secret;
	uint64_t questions;
	struct shelf small, large;
	uint64_t small_hashes[SL_TOKENS_SMALL], large_hashes[SL_TOKENS_LARGE];
};

_Static_assert(SL_TOKENS_SMALL *SMALL_BYTES + SL_TOKENS_LARGE * LARGE_BYTES == 8 << 20,
	       "the page of this folder says how much it is");

static size_t slots_bytes(const struct shelf *s)
{
	return (size_t)s->sets * WAYS * s->slot_bytes;
}

/* Pages that nobody has touched cost nothing: where no policy asks for tokens, none is. */
static bool shelf_init(struct shelf *s, size_t slot_bytes, unsigned slots_nr, uint64_t *hashes)
{
	void *mem;

	s->slot_bytes = slot_bytes;
	s->sets = slots_nr / WAYS;
	s->hashes = hashes;
	mem = mmap(NULL, slots_bytes(s), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s->slots = mem == MAP_FAILED ? NULL : mem;
	return s->slots;
}

struct sl_tokens *sl_tokens_new(void)
{
	struct sl_tokens *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (shelf_init(&t->small, SMALL_BYTES, SL_TOKENS_SMALL, t->small_hashes) &&
	    shelf_init(&t->large, LARGE_BYTES, SL_TOKENS_LARGE, t->large_hashes) &&
	    getrandom(&t->secret, sizeof(t->secret), 0) == sizeof(t->secret))
		return t;
	sl_tokens_free(t);
	return NULL;
}

void sl_tokens_free(struct sl_tokens *t)
{
	if (!t)
		return;
	if (t->small.slots)
		munmap(t->small.slots, slots_bytes(&t->small));
	if (t->large.slots)
		munmap(t->large.slots, slots_bytes(&t->large));
	free(t);
}

/* Of a policy and all bytes of the token; never 0, which stands for an empty slot. */
static uint64_t hash_of(const struct sl_tokens *t, uint64_t policy, struct sl_str token)
{
	struct sl_sipkey key = { t->secret.k0 ^ policy, t->secret.k1 };

	return sl_siphash(key, token.ptr, token.len) ?: 1;
}

static uint32_t first_of(const struct shelf *s, uint64_t hash)
{
	return (uint32_t)(hash & (s->sets - 1)) * WAYS;
}

static struct slot *slot_at(const struct shelf *s, uint32_t index)
{
	return (struct slot *)(s->slots + index * s->slot_bytes);
}

/* The hash only finds it: what counts is that every byte is the same. */
static struct slot *find(const struct shelf *s, uint64_t hash, uint64_t policy, struct sl_str token)
{
	uint32_t first = first_of(s, hash);

	for (uint32_t i = first; i < first + WAYS; i++) {
		struct slot *slot;

		if (s->hashes[i] != hash)
			continue;
		slot = slot_at(s, i);
		if (slot->policy == policy &&
		    sl_str_eq((struct sl_str){ slot->text, slot->token_len }, token))
			return slot;
	}
	return NULL;
}

bool sl_tokens_find(struct sl_tokens *t, uint64_t policy, struct sl_str token, uint64_t wall_s,
		    struct sl_token_facts *ret_facts)
{
	uint64_t hash = hash_of(t, policy, token);
	struct slot *slot = find(&t->small, hash, policy, token);

	if (!slot)
		slot = find(&t->large, hash, policy, token);
	if (!slot || wall_s >= slot->until_s)
		return false;
	slot->used = ++t->questions;
	ret_facts->consumer = slot->consumer;
	ret_facts->until_s = slot->until_s;
	ret_facts->is_bound = slot->is_bound;
	if (slot->is_bound)
		memcpy(ret_facts->bound, slot->bound, sizeof(slot->bound));
	ret_facts->scopes = (struct sl_str){ slot->text + slot->token_len, slot->scopes_len };
	ret_facts->groups =
		(struct sl_str){ ret_facts->scopes.ptr + slot->scopes_len, slot->groups_len };
	ret_facts->claims =
		(struct sl_str){ ret_facts->groups.ptr + slot->groups_len, slot->claims_len };
	return true;
}

/* The same token's, an empty one, one that is over, or the one that was asked for the longest ago.
 */
static uint32_t choose(const struct shelf *s, uint64_t hash, uint64_t wall_s)
{
	uint32_t first = first_of(s, hash), best = first;
	uint64_t best_used = UINT64_MAX;

	for (uint32_t i = first; i < first + WAYS; i++) {
		const struct slot *slot = slot_at(s, i);
		uint64_t used = slot->until_s <= wall_s ? 0 : slot->used;

		if (s->hashes[i] == hash)
			return i;
		if (used < best_used) {
			best_used = used;
			best = i;
		}
	}
	return best;
}

static char *append(char *to, struct sl_str text)
{
	if (text.len)
		memcpy(to, text.ptr, text.len);
	return to + text.len;
}

void sl_tokens_add(struct sl_tokens *t, uint64_t policy, struct sl_str token, uint64_t wall_s,
		   const struct sl_token_facts *facts)
{
	size_t bytes = sizeof(struct slot) + token.len + facts->scopes.len + facts->groups.len +
		       facts->claims.len;
	struct shelf *s = bytes <= SMALL_BYTES ? &t->small : &t->large;
	uint64_t hash = hash_of(t, policy, token), most = wall_s + SL_TOKENS_MAX_S;
	uint32_t index = choose(s, hash, wall_s);
	struct slot *slot = slot_at(s, index);
	char *to = slot->text;

	if (bytes > s->slot_bytes)
		return;
	s->hashes[index] = hash;
	slot->policy = policy;
	slot->until_s = facts->until_s < most ? facts->until_s : most;
	slot->used = ++t->questions;
	slot->consumer = facts->consumer;
	slot->is_bound = facts->is_bound;
	if (facts->is_bound)
		memcpy(slot->bound, facts->bound, sizeof(slot->bound));
	slot->token_len = (uint32_t)token.len;
	slot->scopes_len = (uint32_t)facts->scopes.len;
	slot->groups_len = (uint32_t)facts->groups.len;
	slot->claims_len = (uint32_t)facts->claims.len;
	to = append(to, token);
	to = append(to, facts->scopes);
	to = append(to, facts->groups);
	append(to, facts->claims);
}

// SPDX-License-Identifier: Apache-2.0
// How many connections each client address has open: one atomic word a client.
#include "gate/tally.h"

enum { WINDOW = 8 };

static const uint64_t count_mask = (1u << 20) - 1;

/* An IPv6 site has 2^64 addresses to call from: its /64 counts as one client. */
static uint64_t hash_of(const struct sl_tally *t, const struct sl_ip *ip)
{
	return sl_siphash(t->key, ip->b, sl_ip_is_v4(ip) ? 16 : 8);
}

/* Never 0, which is a free word. */
static uint64_t tag_of(uint64_t hash)
{
	uint64_t tag = hash & ~count_mask;

	return tag ? tag : count_mask + 1;
}

static _Atomic uint64_t *slot_at(struct sl_tally *t, uint64_t hash, unsigned i)
{
	return &t->slots[(hash + i) % SL_TALLY_SLOTS];
}

/* The client's word, or else a free one, or NULL; *ret_word is what it held. */
static _Atomic uint64_t *find(struct sl_tally *t, uint64_t hash, uint64_t *ret_word)
{
	_Atomic uint64_t *free_slot = NULL;

	for (unsigned i = 0; i < WINDOW; i++) {
		_Atomic uint64_t *slot = slot_at(t, hash, i);
		uint64_t word = atomic_load_explicit(slot, memory_order_relaxed);

		if ((word & ~count_mask) == tag_of(hash)) {
			*ret_word = word;
			return slot;
		}
		if (!word && !free_slot)
			free_slot = slot;
	}
	*ret_word = 0;
	return free_slot;
}

bool sl_tally_enter(struct sl_tally *t, const struct sl_ip *ip, uint32_t max)
{
	uint64_t hash = hash_of(t, ip), word;
	_Atomic uint64_t *slot;

	while ((slot = find(t, hash, &word))) {
		if ((word & count_mask) >= max)
			return false;
		if (atomic_compare_exchange_weak_explicit(
			    slot, &word, word ? word + 1 : tag_of(hash) | 1, memory_order_relaxed,
			    memory_order_relaxed))
			return true;
	}
	return true;
}

void sl_tally_leave(struct sl_tally *t, const struct sl_ip *ip)
{
	uint64_t hash = hash_of(t, ip), word;
	_Atomic uint64_t *slot;

	while ((slot = find(t, hash, &word)) && word) {
		uint64_t less = (word & count_mask) > 1 ? word - 1 : 0;

		if (atomic_compare_exchange_weak_explicit(slot, &word, less, memory_order_relaxed,
							  memory_order_relaxed))
			return;
	}
}

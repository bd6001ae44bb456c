// SPDX-License-Identifier: Apache-2.0
// A table with open addressing in shared memory.  A slot is given to another subject only when its
// window is over, or when there is no other within reach: then the one goes that has used least.
#include "policy/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum {
	REACH = 32, /* slots that a subject may have: eight cache lines, of which one is usual */
	TRIES = 64,
};

static const struct sl_statefile_kind kind = {
	.name = "sluice.quota",
	.magic = { 'S', 'L', 'Q', 'U', 'O', 'T', 'A', '1' },
	.slots = SL_LEDGER_SLOTS,
	.slot_bytes = sizeof(struct sl_ledger_slot),
};

int sl_ledger_open(const char *directory, struct sl_ledger **ret_ledger)
{
	struct sl_ledger *l = calloc(1, sizeof(*l));
	int ret = l ? sl_statefile_open(&l->file, directory, &kind) : -ENOMEM;

	if (ret < 0) {
		free(l);
		return ret;
	}
	l->secret = l->file.secret;
	l->slots = l->file.slots;
	*ret_ledger = l;
	return 0;
}

void sl_ledger_close(struct sl_ledger *ledger)
{
	if (ledger)
		sl_statefile_close(&ledger->file);
	free(ledger);
}

void sl_ledger_flush(struct sl_ledger *ledger)
{
	if (ledger->file.fd >= 0 && atomic_exchange(&ledger->is_dirty, false))
		sync_file_range(ledger->file.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* ---- the table ---- */

static bool is_over(uint64_t state, uint64_t now_s)
{
	return state >> 32 <= now_s;
}

/* Of two slots the one to take: one whose window is over, or else where less is used. */
static uint64_t worth(uint64_t state, uint64_t now_s)
{
	return is_over(state, now_s) ? 0 : (state & UINT32_MAX) + 1;
}

/* What has been counted for the one who had it is gone before the name is: a count may never come
 * to stand under another name.  NULL: somebody was faster. */
static struct sl_ledger_slot *claim(struct sl_ledger_slot *slot, uint64_t subject, uint64_t now_s)
{
	uint64_t was = atomic_load(&slot->subject), state = atomic_load(&slot->state);

	if (was && state && !atomic_compare_exchange_strong(&slot->state, &state, 0))
		return NULL;
	return atomic_compare_exchange_strong(&slot->subject, &was, subject) ? slot : NULL;
}

/* The subject's slot, its own from now on.  A name is never taken away without another in its
 * place, so the first empty slot ends the search. */
static struct sl_ledger_slot *find(struct sl_ledger *l, uint64_t subject, uint64_t now_s,
				   bool is_new_wanted)
{
	for (int try = 0; try < TRIES; try++) {
		struct sl_ledger_slot *best = NULL, *slot = NULL;

		for (uint64_t i = 0; i < REACH; i++) {
			uint64_t name;

			slot = &l->slots[(subject + i) & (SL_LEDGER_SLOTS - 1)];
			name = atomic_load(&slot->subject);
			if (name == subject)
				return slot;
			if (name == 0) {
				best = slot;
				break;
			}
			if (!best || worth(atomic_load(&slot->state), now_s) <
					     worth(atomic_load(&best->state), now_s))
				best = slot;
		}
		if (!is_new_wanted)
			return NULL;
		slot = claim(best, subject, now_s);
		if (slot)
			return slot;
	}
	return NULL;
}

bool sl_ledger_take(struct sl_ledger *ledger, uint64_t subject, uint64_t now_s, uint64_t end_s,
		    uint32_t limit, uint32_t n, struct sl_use *ret_use)
{
	subject += !subject;
	for (int try = 0; try < TRIES; try++) {
		struct sl_ledger_slot *slot = find(ledger, subject, now_s, true);
		uint64_t state, next;

		if (!slot)
			break;
		state = atomic_load(&slot->state);
		next = is_over(state, now_s) ? end_s << 32 : state;
		*ret_use = (struct sl_use){ (uint32_t)next, (uint32_t)(next >> 32) };
		if (n > limit || ret_use->used > limit - n)
			return false;
		if (!atomic_compare_exchange_strong(&slot->state, &state, next + n))
			continue;
		if (atomic_load(&slot->subject) != subject) {
			atomic_fetch_sub(&slot->state, n); /* it has become another's */
			continue;
		}
		ret_use->used += n;
		if (!atomic_load_explicit(&ledger->is_dirty, memory_order_relaxed))
			atomic_store(&ledger->is_dirty, true);
		return true;
	}
	/* All the world changes this slot at once: nobody is refused for that. */
	*ret_use = (struct sl_use){ 0, (uint32_t)end_s };
	return true;
}

void sl_ledger_give_back(struct sl_ledger *ledger, uint64_t subject, const struct sl_use *use,
			 uint32_t n)
{
	struct sl_ledger_slot *slot;
	uint64_t state;

	subject += !subject;
	slot = use->used ? find(ledger, subject, 0, false) : NULL;
	if (!slot)
		return;
	state = atomic_load(&slot->state);
	while (state >> 32 == use->end_s && (uint32_t)state >= n)
		if (atomic_compare_exchange_weak(&slot->state, &state, state - n))
			break;
	/* One that has become another's this very moment is given n too much: no harm done. */
}

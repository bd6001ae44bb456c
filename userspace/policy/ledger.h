/* SPDX-License-Identifier: Apache-2.0 */
/* What each subject of a quota has used: one table for all workers, which outlives reloads, and in
 * a file the daemon too. */
#ifndef SL_POLICY_LEDGER_H
#define SL_POLICY_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/statefile.h"

enum { SL_LEDGER_SLOTS = 1 << 20 }; /* 16 MiB, of what is used */

/* A subject and its state: the end of its window, seconds since 1970, in the upper half, and what
 * is used of it in the lower. */
struct sl_ledger_slot {
	_Atomic uint64_t subject; /* 0: none yet */
	_Atomic uint64_t state;	  /* 0: its window has not begun */
};

struct sl_ledger {
	struct sl_sipkey secret; /* who shares a slot is for nobody to choose */
	struct sl_ledger_slot *slots;
	struct sl_statefile file;
	atomic_bool is_dirty;
};

/* Opens or makes directory/sluice.quota, mode 0600, which several daemons may share; with a NULL in
 * memory alone.  0; -EPROTO: the file is something else; or another negative errno, such as
 * -ENOSPC: all the room that it may need is taken at once. */
int sl_ledger_open(const char *directory, struct sl_ledger **ret_ledger);
void sl_ledger_close(struct sl_ledger *ledger); /* NULL is fine */
/* Begins to write what has changed to the disk, and does not wait: call it once a second.  Without
 * it a power cut loses more; the end of the daemon, however it comes, loses nothing. */
void sl_ledger_flush(struct sl_ledger *ledger);

struct sl_use {
	uint32_t used;	/* of the limit, with what was taken now */
	uint32_t end_s; /* of the window, since 1970; later than now */
};

/* Takes n of limit, both more than 0.  When the subject's window is over, or has not begun, one
 * begins that lasts until end_s.  False: that much is not left, and nothing was taken. */
bool sl_ledger_take(struct sl_ledger *ledger, uint64_t subject, uint64_t now_s, uint64_t end_s,
		    uint32_t limit, uint32_t n, struct sl_use *ret_use);
/* As a request that is refused further on has not been served; `use` is what taking it returned. */
void sl_ledger_give_back(struct sl_ledger *ledger, uint64_t subject, const struct sl_use *use,
			 uint32_t n);

#endif

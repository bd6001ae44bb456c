/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures that were shown and are still good: one table for all workers, so that none is good a
 * second time; in a file, not behind a restart or an upgrade either. */
#ifndef SL_POLICY_SEEN_H
#define SL_POLICY_SEEN_H

#include <stdatomic.h>
#include <stdint.h>

#include "policy/statefile.h"

enum {
	SL_SEEN_SLOTS = 1 << 22, /* 32 MiB, of what is used: a million at once with ease */
	SL_SEEN_REACH = 32,	 /* slots that one may have */
};

struct sl_seen {
	struct sl_sipkey secret; /* who shares a slot is for nobody to choose */
	_Atomic uint32_t *turn;	 /* a number for each that is being added, by whichever daemon */
	_Atomic uint64_t *slots;
	struct sl_statefile file;
};

/* Opens or makes directory/sluice.signatures, which several daemons may share; with a NULL in
 * memory alone.  Errors as of sl_statefile_open(), or -ENOMEM. */
int sl_seen_open(const char *directory, struct sl_seen **ret_seen);
void sl_seen_close(struct sl_seen *seen); /* NULL is fine */

enum sl_seen_verdict {
	SL_SEEN_NEW,
	SL_SEEN_BEFORE,
	SL_SEEN_FULL, /* all slots that it may have are others' who are still good */
};

/* Remembers what has this hash, by the secret, until until_s, which is later than now_s, both in
 * seconds since 1970.  Of several who add the same at once exactly one is the first.  Another that
 * has the same slots and tag, one of a thousand million, is taken for it. */
enum sl_seen_verdict sl_seen_add(struct sl_seen *seen, uint64_t hash, uint64_t now_s,
				 uint64_t until_s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Who is being served at this moment, and by how many requests: one table for all workers. */
#ifndef SL_POLICY_SEATS_H
#define SL_POLICY_SEATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"

enum {
	SL_SEATS_SLOTS = 65536, /* subjects at once: 512 KiB, of what is used */
	SL_SEATS_LIMIT_MAX = 1 << 20,
};

/* A subject's tag and, in the lower 24 bits, how many seats it has; free where that is 0. */
struct sl_seats {
	struct sl_sipkey secret; /* random: who shares a slot is not for a client to choose */
	_Atomic uint64_t slots[SL_SEATS_SLOTS];
};

struct sl_seats *sl_seats_new(void); /* NULL: no memory, or no randomness; free(3) ends it */

/* One seat more for the subject, unless it has `limit` (1..SL_SEATS_LIMIT_MAX): then false.  To be
 * given back by sl_seats_leave(*ret_seat); that is NULL where 16 others sit on all slots that the
 * subject could have, and the request is let through uncounted. */
bool sl_seats_take(struct sl_seats *seats, uint64_t hash, uint32_t limit,
		   _Atomic uint64_t **ret_seat);
void sl_seats_leave(_Atomic uint64_t *seat); /* NULL is fine */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections each client address has open, in all workers. */
#ifndef SL_GATE_TALLY_H
#define SL_GATE_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "net/addr.h"

/*
 * One word a client: 44 bits of a keyed hash of its address (an IPv6 client is its /64) and a count
 * of 20 bits, moved by compare-and-swap.  A client lives in one of the 8 words behind its hash. Two
 * workers that see a new client in the same instant can give it two words, and then twice the
 * limit; with all 8 taken by others it is not counted.  Both need luck that no attacker can arrange
 * without the key.
 */
enum { SL_TALLY_SLOTS = 1 << 16 };

struct sl_tally {
	struct sl_sipkey key; /* random */
	_Atomic uint64_t slots[SL_TALLY_SLOTS];
};

/* Counts one connection more, unless the client has `max` already: false then. */
bool sl_tally_enter(struct sl_tally *t, const struct sl_ip *ip, uint32_t max);
void sl_tally_leave(struct sl_tally *t, const struct sl_ip *ip);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes of addresses, of which the longest that has an address in it decides. */
#ifndef SL_POLICY_NETS_H
#define SL_POLICY_NETS_H

#include "base/arena.h"
#include "net/addr.h"

struct sl_nets_entry {
	struct sl_ip ip; /* no bit set beyond the prefix */
	uint8_t bits;	 /* 0..128, in the mapped form */
	bool allows;
	uint32_t outer; /* index of the next longer one around it, and one; 0: none */
};

/* 24 bytes a prefix.  Read by all workers, never changed. */
struct sl_nets {
	struct sl_nets_entry *entries;
	uint32_t nr;
};

/* Sorts the entries, which stay where they are and outlive it; of two that are the same one is
 * enough, and allows if either does. */
void sl_nets_make(struct sl_nets *nets, struct sl_nets_entry *entries, uint32_t nr);
/* NULL: none has it. */
const struct sl_nets_entry *sl_nets_find(const struct sl_nets *nets, const struct sl_ip *ip);

#endif

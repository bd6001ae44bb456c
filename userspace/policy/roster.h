/* SPDX-License-Identifier: Apache-2.0 */
/* Consumers by their names. */
#ifndef SL_POLICY_ROSTER_H
#define SL_POLICY_ROSTER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/siphash.h"
#include "policy/consumer.h"

struct sl_roster {
	struct sl_sipkey key; /* random: names may come from strangers */
	const struct sl_consumer *consumers;
	uint32_t *slots; /* index of a consumer, and one; 0: free */
	uint32_t mask;
};

/* Of consumers that outlive it, each name once.  NULL: no memory, or no randomness. */
struct sl_roster *sl_roster_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				unsigned nr);
const struct sl_consumer *sl_roster_find(const struct sl_roster *roster, struct sl_str name);

#endif

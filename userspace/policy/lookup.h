/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are found again: which of an array one is. */
#ifndef SL_POLICY_LOOKUP_H
#define SL_POLICY_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/siphash.h"
#include "base/str.h"

struct sl_lookup {
	struct sl_sipkey key; /* random: names may come from strangers */
	const struct sl_str *names;
	uint32_t *slots; /* index of a name, and one; 0: free */
	uint32_t mask;
};

/* Of names that outlive it.  NULL: no memory, or no randomness; or, with *ret_twice set to the
 * second of two that are the same (else nr), none was made. */
struct sl_lookup *sl_lookup_new(struct sl_arena *arena, const struct sl_str *names, unsigned nr,
				unsigned *ret_twice);
bool sl_lookup_find(const struct sl_lookup *names, struct sl_str name, unsigned *ret_index);

#endif

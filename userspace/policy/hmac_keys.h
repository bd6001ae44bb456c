/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a key is that requests are signed with: all of them by their ids. */
#ifndef SL_POLICY_HMAC_KEYS_H
#define SL_POLICY_HMAC_KEYS_H

#include "base/arena.h"
#include "policy/consumer.h"
#include "policy/lookup.h"

struct sl_hmac_keys {
	struct sl_lookup *ids;
	/* In the order of the ids. */
	const struct sl_hmac_key **keys;
	const struct sl_consumer **owners;
	unsigned nr;
};

/* Of consumers that outlive it.  NULL: no memory, or no randomness; or, with *ret_twice set to the
 * second of two keys with the same id, none was made. */
struct sl_hmac_keys *sl_hmac_keys_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				      unsigned nr, const struct sl_hmac_key **ret_twice);
/* NULL, and *ret_owner as it was: there is none. */
const struct sl_hmac_key *sl_hmac_keys_find(const struct sl_hmac_keys *keys, struct sl_str id,
					    const struct sl_consumer **ret_owner);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a key is: all keys by their SHA-256. */
#ifndef SL_POLICY_KEYRING_H
#define SL_POLICY_KEYRING_H

#include <stdint.h>

#include "base/arena.h"
#include "policy/consumer.h"

/* 16 bytes a key, and 8 to 16 for its slots: a million take 32 MiB beside the keys themselves. */
struct sl_keyring_entry {
	const struct sl_api_key *key;
	const struct sl_consumer *consumer;
};

struct sl_keyring {
	uint32_t *slots; /* index of an entry, and one; 0: free.  A power of two of them */
	uint32_t mask, nr;
	struct sl_keyring_entry *entries;
};

/* Of all keys of the consumers, which have to outlive it.  NULL: no memory; or, with *ret_twice set
 * to the second of two entries with the same key, none was made. */
struct sl_keyring *sl_keyring_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				  unsigned nr, struct sl_keyring_entry *ret_twice);
/* NULL: there is none.  Whether it is still good is the caller's to ask. */
const struct sl_keyring_entry *sl_keyring_find(const struct sl_keyring *ring,
					       const uint8_t sha256[SL_DIGEST_BYTES]);

#endif

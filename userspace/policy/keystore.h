/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that come and go while the daemon runs: read by all workers, changed by the main thread. */
#ifndef SL_POLICY_KEYSTORE_H
#define SL_POLICY_KEYSTORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/consumer.h"

/* One that was given out.  It stays where it is for as long as the process lives, revoked or not:
 * who is being served by it may point to it. */
struct sl_kept_key {
	struct sl_api_key key; /* `enabled` and `expires_s` may change: read them atomically */
	uint64_t created_s;
	struct sl_str consumer; /* its name */
	char text[];		/* the id and the name */
};

struct sl_keystore;

struct sl_keystore *sl_keystore_new(void);    /* NULL: out of memory */
void sl_keystore_free(struct sl_keystore *s); /* NULL is fine */

/* Of any thread: the key with this digest, revoked or expired or not; NULL: there is none. */
const struct sl_kept_key *sl_keystore_find(const struct sl_keystore *s,
					   const uint8_t sha256[SL_DIGEST_BYTES]);

/* What follows is the main thread's. */

/* The id is the caller's to choose, each once.  0; -EEXIST: the digest is there already; -ENOMEM;
 * -EMSGSIZE: a name is too long. */
int sl_keystore_add(struct sl_keystore *s, const struct sl_api_key *key, struct sl_str consumer,
		    uint64_t created_s);
struct sl_kept_key *sl_keystore_by_id(const struct sl_keystore *s, struct sl_str id);
/* It is good no more, from this moment on; its id may be given to another. */
void sl_keystore_revoke(struct sl_keystore *s, struct sl_kept_key *key);
void sl_keystore_expire(struct sl_kept_key *key, uint64_t expires_s);
unsigned sl_keystore_count(const struct sl_keystore *s); /* not revoked */
/* Those that are not revoked, from *at on, which begins with 0; NULL at the end. */
struct sl_kept_key *sl_keystore_next(const struct sl_keystore *s, unsigned *at);

#endif

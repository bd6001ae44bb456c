/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, without asking OpenSSL each time which one it is. */
#ifndef SL_POLICY_DIGEST_H
#define SL_POLICY_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "policy/consumer.h"

/* Of one thread. */
struct sl_digest;

struct sl_digest *sl_digest_new(void);	  /* NULL: out of memory */
void sl_digest_free(struct sl_digest *d); /* NULL is fine */
bool sl_digest_sha256(struct sl_digest *d, struct sl_str text, uint8_t ret[SL_DIGEST_BYTES]);

/* HMAC-SHA256 (RFC 2104): what is the same for all texts, and of one. */
void sl_mac_key_make(struct sl_mac_key *key, struct sl_str secret);
bool sl_digest_mac(struct sl_digest *d, const struct sl_mac_key *key, struct sl_str text,
		   uint8_t ret[SL_DIGEST_BYTES]);

#endif

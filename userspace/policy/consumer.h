/* SPDX-License-Identifier: Apache-2.0 */
/* Consumers: who asks, whatever it proves it by. */
#ifndef SL_POLICY_CONSUMER_H
#define SL_POLICY_CONSUMER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

enum { SL_DIGEST_BYTES = 32, SL_MAC_BLOCK = 64 };

/* A key of a consumer's.  The key itself is known to its owner alone. */
struct sl_api_key {
	uint8_t sha256[SL_DIGEST_BYTES];
	struct sl_str id;   /* what people and logs call it; empty: nothing */
	uint64_t expires_s; /* since 1970: from then on it is no good; 0: never */
	bool enabled;
};

/* A name and a password, which is kept as crypt(5) has it: bcrypt, yescrypt, SHA-512... */
struct sl_login {
	struct sl_str username; /* empty: the consumer's name */
	struct sl_str hash;
};

/* By which of a client's certificates a consumer is known: one of these, as tls/shown.h writes
 * them; the others are empty. */
struct sl_consumer_certificate {
	struct sl_str sha256, san, subject;
};

/* A secret as HMAC-SHA256 begins with it, on the inside and on the outside (RFC 2104). */
struct sl_mac_key {
	uint8_t inner[SL_MAC_BLOCK], outer[SL_MAC_BLOCK];
};

/* What it signs requests with. */
struct sl_hmac_key {
	struct sl_api_key key;		     /* what it is called, and for how long it is good */
	struct sl_str secret, secret_base64; /* one of them, as it is written */
	struct sl_mac_key mac;		     /* made of it */
};

/* What a connection remembers of the key that it was last used with; never 0. */
static inline uint64_t sl_api_key_mark(const struct sl_api_key *key)
{
	uint64_t mark;

	memcpy(&mark, key->sha256, sizeof(mark));
	return mark ? mark : 1;
}

struct sl_consumer {
	const char *name;
	struct sl_str *groups, *tags;
	unsigned groups_nr, tags_nr;
	struct sl_api_key *api_keys;
	struct sl_login *logins;
	struct sl_consumer_certificate *certificates;
	struct sl_hmac_key *hmac_keys;
	unsigned api_keys_nr, logins_nr, certificates_nr, hmac_keys_nr;
	bool enabled;
	struct sl_str fields; /* lines that tell upstreams of it, each with its CRLF */
};

bool sl_consumer_is_in(const struct sl_consumer *c, struct sl_str group);

/* Whether a field's name is one of those that tell of a consumer: X-Consumer-*,
 * X-Credential-Identifier, X-Anonymous-Consumer, with '_' for '-' too.  Only we say such a thing.
 */
bool sl_consumer_is_field(struct sl_str name);

#endif

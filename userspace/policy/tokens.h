/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that were found good, remembered for a while: a known one costs a hash and a compare. */
#ifndef SL_POLICY_TOKENS_H
#define SL_POLICY_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "policy/consumer.h"

enum {
	SL_TOKENS_SMALL = 4096, /* of up to 1,448 bytes with what is known of them */
	SL_TOKENS_LARGE = 128,	/* of up to 16,296 */
	SL_TOKENS_MAX_S = 300,	/* how long one is believed without looking again */
};

/* What is known of a token. */
struct sl_token_facts {
	const struct sl_consumer *consumer; /* or NULL */
	struct sl_str scopes, groups;	    /* words with a space between */
	struct sl_str claims;		    /* packed: expr/claims.h */
	uint64_t until_s;		    /* since 1970: from then on it is not good */
	bool is_bound;			    /* good with one certificate alone (RFC 8705) */
	uint8_t bound[SL_DIGEST_BYTES];	    /* its SHA-256 then */
};

/* Of one thread: 8 MiB of addresses, of which only what is used takes memory. */
struct sl_tokens;

struct sl_tokens *sl_tokens_new(void);	  /* NULL: out of memory */
void sl_tokens_free(struct sl_tokens *t); /* NULL is fine */

/* Whether this policy has found this very token good, and it still is.  `*ret_facts` is borrowed
 * until the next sl_tokens_add(). */
bool sl_tokens_find(struct sl_tokens *t, uint64_t policy, struct sl_str token, uint64_t wall_s,
		    struct sl_token_facts *ret_facts);
/* Remembers it for SL_TOKENS_MAX_S at the most, in the place of one that is over, or was not asked
 * for the longest.  One that is too long is not remembered. */
void sl_tokens_add(struct sl_tokens *t, uint64_t policy, struct sl_str token, uint64_t wall_s,
		   const struct sl_token_facts *facts);

#endif

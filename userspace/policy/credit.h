/* SPDX-License-Identifier: Apache-2.0 */
/* What each subject of a limit has left: GCRA words (sluice/gcra.h) in one table for all workers,
 * which outlives reloads. */
#ifndef SL_POLICY_CREDIT_H
#define SL_POLICY_CREDIT_H

#include <stdint.h>

#include "base/siphash.h"
#include "sluice/gcra.h"

enum { SL_CREDIT_SETS = 65536 }; /* of 8 subjects each: 4 MiB, of what is used */

struct sl_credits {
	struct sl_sipkey secret; /* random: who shares a word is not for a client to choose */
	struct sl_gcra_set sets[SL_CREDIT_SETS];
};

/* A subject of one limit: where its word is. */
struct sl_account {
	struct sl_gcra_set *set;
	uint64_t tag;
};

struct sl_credits *sl_credits_new(void);	  /* NULL: out of memory */
void sl_credits_free(struct sl_credits *credits); /* NULL is fine */

/* hash: of all that makes the subject, by the secret. */
struct sl_account sl_account_of(struct sl_credits *credits, uint64_t hash);
/* Gives back what was taken, as a request that is refused further on has not been served. */
void sl_account_refund(const struct sl_account *account, const struct sl_gcra_rate *rate,
		       uint64_t n);
/* How far ahead of now the subject's word is, in units of sluice/gcra.h. */
uint64_t sl_account_ahead(const struct sl_account *account, const struct sl_gcra_rate *rate,
			  uint64_t now);

#endif

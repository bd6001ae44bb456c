// SPDX-License-Identifier: Apache-2.0
// The table of credits.
#include "policy/credit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct sl_credits *sl_credits_new(void)
{
	/* Large enough to be a mapping of its own, so a set that is never used takes no memory. */
	struct sl_credits *c = calloc(1, sizeof(*c));

	if (c && getrandom(&c->secret, sizeof(c->secret), 0) == sizeof(c->secret))
		return c;
	free(c);
	return NULL;
}

void sl_credits_free(struct sl_credits *credits)
{
	free(credits);
}

struct sl_account sl_account_of(struct sl_credits *credits, uint64_t hash)
{
	uint64_t tag = hash >> SL_GCRA_TAT_BITS;

	return (struct sl_account){ &credits->sets[hash & (SL_CREDIT_SETS - 1)], tag ? tag : 1 };
}

/* The subject's word, or NULL. */
static __u64 *find(const struct sl_account *account)
{
	for (unsigned i = 0; i < SL_GCRA_WAYS; i++)
		if (*(volatile __u64 *)&account->set->words[i] >> SL_GCRA_TAT_BITS == account->tag)
			return &account->set->words[i];
	return NULL;
}

uint64_t sl_account_ahead(const struct sl_account *account, const struct sl_gcra_rate *rate,
			  uint64_t now)
{
	const volatile __u64 *word = find(account);

	return word ? sl_gcra_ahead(*word, now, rate->burst + SL_GCRA_SLACK) : 0;
}

/* A word that moved meanwhile was moved by others' requests: it is looked at again, and given up
 * on where they are too many.  Going below the clock gives nothing away: past is past. */
void sl_account_refund(const struct sl_account *account, const struct sl_gcra_rate *rate,
		       uint64_t n)
{
	uint64_t cost = sl_gcra_cost(rate, n);

	for (int i = 0; i < SL_GCRA_TRIES; i++) {
		__u64 *place = find(account), word, back;

		if (!place)
			return;
		word = *(volatile __u64 *)place;
		if (word >> SL_GCRA_TAT_BITS != account->tag)
			continue;
		back = account->tag << SL_GCRA_TAT_BITS | ((word - cost) & SL_GCRA_TAT_MASK);
		if (__sync_bool_compare_and_swap(place, word, back))
			return;
	}
}

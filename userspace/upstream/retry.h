/* SPDX-License-Identifier: Apache-2.0 */
/* How many requests may be sent again: a share of all, so that retries never become the storm. */
#ifndef SL_UPSTREAM_RETRY_H
#define SL_UPSTREAM_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* Each request earns a share of a retry, and time earns a few: see sl_retry_take(). */
enum {
	SL_RETRY_SAVED = 1000,	 /* retries that a worker can save up for an upstream, */
	SL_RETRY_FREE = 100,	 /* so many of them by time alone, */
	SL_RETRY_PER_SECOND = 10 /* at this pace */
};

struct sl_retry_budget {
	uint32_t credit; /* in hundredths of a retry */
	uint64_t refilled_ns;
};

/* A request came, of which percent / 100 may be sent again. */
static inline void sl_retry_earn(struct sl_retry_budget *b, uint32_t percent)
{
	if (b->credit < SL_RETRY_SAVED * 100)
		b->credit += percent;
}

/* False when the budget is used up.  percent is that of sl_retry_earn(); 100 has no limit. */
bool sl_retry_take(struct sl_retry_budget *b, uint32_t percent, uint64_t now_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A limit on memory that several owners draw from.  One thread only. */
#ifndef SL_BASE_BUDGET_H
#define SL_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct sl_budget {
	size_t used, limit; /* limit 0: none */
};

/* False, and nothing taken, when it would go over the limit.  NULL has no limit. */
static inline bool sl_budget_take(struct sl_budget *b, size_t n)
{
	if (!b)
		return true;
	if (b->limit && (n > b->limit || b->used > b->limit - n))
		return false;
	b->used += n;
	return true;
}

static inline void sl_budget_give(struct sl_budget *b, size_t n)
{
	if (b)
		b->used -= n;
}

#endif

// SPDX-License-Identifier: Apache-2.0
// How many requests may be sent again.
#include "upstream/retry.h"

#include "base/clock.h"

static const uint64_t ns_per_hundredth = SL_SEC / SL_RETRY_PER_SECOND / 100;

/* What time earns is not saved up beyond SL_RETRY_FREE. */
static void refill(struct sl_retry_budget *b, uint64_t now_ns)
{
	uint64_t earned = (now_ns - b->refilled_ns) / ns_per_hundredth;
	uint64_t room = b->credit < SL_RETRY_FREE * 100 ? SL_RETRY_FREE * 100 - b->credit : 0;

	if (earned == 0)
		return;
	b->refilled_ns = now_ns;
	b->credit += (uint32_t)(earned < room ? earned : room);
}

bool sl_retry_take(struct sl_retry_budget *b, uint32_t percent, uint64_t now_ns)
{
	if (percent >= 100)
		return true;
	refill(b, now_ns);
	if (b->credit < 100)
		return false;
	b->credit -= 100;
	return true;
}

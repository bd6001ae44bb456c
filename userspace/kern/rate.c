// SPDX-License-Identifier: Apache-2.0
// Rates: from "so many in so long" to what one costs.
#include "kern/rate.h"

#include <errno.h>

int sl_rate_make(const struct sl_frequency *f, uint64_t burst, struct sl_gcra_rate *ret_rate)
{
	uint64_t units = (f->per_ns >> SL_GCRA_UNIT_SHIFT) << SL_GCRA_PERIOD_SHIFT;
	uint64_t period = (units + f->nr / 2) / f->nr, all;

	if (period == 0 || __builtin_mul_overflow(period, burst, &all))
		return -ERANGE;
	all >>= SL_GCRA_PERIOD_SHIFT;
	if (all == 0)
		all = 1; /* 0 would be no limit */
	if (all >= SL_GCRA_AHEAD_MAX)
		return -ERANGE;
	*ret_rate = (struct sl_gcra_rate){ period, all };
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A limit on memory: its edges, and that nothing overflows.
#include "base/budget.h"

#include <stdint.h>

#include "tap.h"

static const struct {
	const char *name;
	size_t used, limit, take;
	bool is_given;
} takes[] = {
	{ "one byte less than the limit", 0, 100, 99, true },
	{ "all of it", 0, 100, 100, true },
	{ "one byte more", 0, 100, 101, false },
	{ "what is left", 60, 100, 40, true },
	{ "one byte more than is left", 60, 100, 41, false },
	{ "nothing, when all is used", 100, 100, 0, true },
	{ "a byte, when all is used", 100, 100, 1, false },
	{ "more than there is memory", 1, 100, SIZE_MAX, false },
	{ "a sum that would wrap", SIZE_MAX - 1, SIZE_MAX, 2, false },
	{ "up to the last byte there is", SIZE_MAX - 1, SIZE_MAX, 1, true },
	{ "anything, without a limit", 60, 0, 1 << 30, true },
};

int main(void)
{
	struct sl_budget b;

	for (unsigned i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
		b = (struct sl_budget){ takes[i].used, takes[i].limit };
		ok(sl_budget_take(&b, takes[i].take) == takes[i].is_given, "%s: %s", takes[i].name,
		   takes[i].is_given ? "given" : "refused");
		ok(b.used == takes[i].used + (takes[i].is_given ? takes[i].take : 0),
		   "and only that is counted");
	}
	b = (struct sl_budget){ 0, 100 };
	sl_budget_take(&b, 100);
	sl_budget_give(&b, 30);
	ok(sl_budget_take(&b, 30) && !sl_budget_take(&b, 1), "what is given back can be taken");
	ok(sl_budget_take(NULL, SIZE_MAX), "no budget has no limit");
	sl_budget_give(NULL, 1);
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// The budget of retries: a share of the requests, and a few a second.
#include "upstream/retry.h"

#include "base/clock.h"
#include "tap.h"

static unsigned take_all(struct sl_retry_budget *b, uint32_t percent, uint64_t now_ns)
{
	unsigned n = 0;

	while (n < 100000 && sl_retry_take(b, percent, now_ns))
		n++;
	return n;
}

int main(void)
{
	struct sl_retry_budget b = { 0 };
	uint64_t now_ns = 1000 * SL_SEC;
	unsigned taken = 0;

	is_int(take_all(&b, 20, now_ns), 100, "at first there are a hundred");
	is_int(take_all(&b, 20, now_ns), 0, "then none");
	is_int(take_all(&b, 20, now_ns + 99 * SL_MS), 0, "nor a tenth of a second later, nearly");
	is_int(take_all(&b, 20, now_ns + 100 * SL_MS), 1, "but then one");
	now_ns += SL_SEC;
	is_int(take_all(&b, 20, now_ns), 9, "ten a second");
	is_int(take_all(&b, 20, now_ns + 3600 * SL_SEC), 100, "and a hundred after an hour");
	now_ns += 3600 * SL_SEC;
	for (unsigned i = 0; i < 1000; i++)
		sl_retry_earn(&b, 20);
	is_int(take_all(&b, 20, now_ns), 200, "a thousand requests earn two hundred");
	for (unsigned i = 0; i < 100000; i++)
		sl_retry_earn(&b, 20);
	is_int(take_all(&b, 20, now_ns), 1000, "more than a thousand are not saved up");
	for (unsigned i = 0; i < 10000; i++) {
		sl_retry_earn(&b, 20);
		taken += sl_retry_take(&b, 20, now_ns);
	}
	is_int(taken, 2000, "with every request failing, one in five is sent again");
	for (unsigned i = 0; i < 1000; i++)
		sl_retry_earn(&b, 0);
	is_int(take_all(&b, 0, now_ns + SL_SEC), 10, "0 leaves those that time earns");
	is_int(take_all(&b, 100, now_ns), 100000, "100 is without limit");
	return done_testing();
}

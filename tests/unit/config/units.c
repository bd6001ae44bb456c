// SPDX-License-Identifier: Apache-2.0
// Durations, sizes and rates: every unit, the edges, and what is no number.
#include "config/units.h"

#include <errno.h>

#include "base/clock.h"
#include "tap.h"

static struct sl_str at_guard(const char *text)
{
	return (struct sl_str){ guarded(text, strlen(text)), strlen(text) };
}

struct good {
	const char *text;
	uint64_t value;
};

static void expect_good(int (*parse)(struct sl_str, uint64_t *), const struct good *table)
{
	uint64_t v = 0;

	for (; table->text; table++) {
		is_int(parse(at_guard(table->text), &v), 0, "'%s' is read", table->text);
		ok(v == table->value, "as %llu", (unsigned long long)table->value);
	}
}

static void expect_bad(int (*parse)(struct sl_str, uint64_t *), int want, const char *const *table)
{
	uint64_t v = 7;

	for (; *table; table++) {
		is_int(parse(at_guard(*table), &v), want, "'%s' is refused", *table);
		ok(v == 7, "and stores nothing");
	}
}

int main(void)
{
	static const struct good durations[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "250ms", 250 * SL_MS },
		{ "2s", 2 * SL_SEC },
		{ "5m", 300 * SL_SEC },
		{ "1h", 3600 * SL_SEC },
		{ "1d", 86400 * SL_SEC },
		{ "18446744073s", 18446744073 * SL_SEC },
		{ NULL, 0 },
	};
	static const struct good sizes[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "1B", 1 },
		{ "1KB", 1000 },
		{ "64KiB", 65536 },
		{ "1MB", 1000000 },
		{ "1MiB", 1 << 20 },
		{ "2GB", 2000000000 },
		{ "1GiB", 1 << 30 },
		{ "1TB", 1000000000000 },
		{ "1TiB", 1ull << 40 },
		{ "18446744073709551615", UINT64_MAX },
		{ NULL, 0 },
	};
	static const struct good rates[] = {
		{ "0", 0 },    { "100/s", 100 }, { "64KiB/s", 65536 }, { "0/s", 0 },
		{ "60/m", 1 }, { "6KB/m", 100 }, { "7200/h", 2 },      { NULL, 0 },
	};
	static const char *const bad_durations[] = { "",     "s",   "5",    "5 s",  "5S",   "-5s",
						     "1.5s", "5s ", "1m5s", "5sec", "0x5s", NULL };
	static const char *const bad_sizes[] = { "",	 "KiB",	  "1kib",   "1K", "1 KiB",
						 "-1KB", "1.5MB", "1KiB/s", NULL };
	static const char *const bad_rates[] = { "",	"/s",	 "100",	  "100/d", "100/",  "s",
						 "x/s", "1/s/s", "60/ms", "/",	   "60/m ", NULL };
	static const char *const odd_rates[] = { "10/m", "61/m", "3601/h", "1KiB/m", NULL };
	static const char *const large_rates[] = { "16777216TiB/m", "18446744073709551616/h",
						   NULL };
	static const char *const large[] = { "18446744073709551616", "99999999999999999999999",
					     NULL };
	static const char *const large_durations[] = { "18446744074s", "213504d", NULL };
	static const char *const large_sizes[] = { "16777216TiB", "18446744073709551615KB", NULL };

	expect_good(sl_duration_parse, durations);
	expect_good(sl_size_parse, sizes);
	expect_good(sl_rate_parse, rates);
	expect_bad(sl_duration_parse, -EINVAL, bad_durations);
	expect_bad(sl_size_parse, -EINVAL, bad_sizes);
	expect_bad(sl_rate_parse, -EINVAL, bad_rates);
	expect_bad(sl_rate_parse, -EDOM, odd_rates);
	expect_bad(sl_rate_parse, -ERANGE, large_rates);
	expect_bad(sl_duration_parse, -ERANGE, large);
	expect_bad(sl_size_parse, -ERANGE, large);
	expect_bad(sl_duration_parse, -ERANGE, large_durations);
	expect_bad(sl_size_parse, -ERANGE, large_sizes);
	return done_testing();
}

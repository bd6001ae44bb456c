// SPDX-License-Identifier: Apache-2.0
// The wall clock as text, at moments that the test chooses.
#include "base/clock.h"

static uint64_t wall_ns;
static unsigned asked;

static uint64_t chosen_clock_ns(clockid_t id)
{
	(void)id;
	asked++;
	return wall_ns;
}

/* The code under test is compiled into this program, with a clock that we command. */
#define sl_clock_ns chosen_clock_ns
#include "observe/clock.c"
#undef sl_clock_ns

#include <stdlib.h>

#include "tap.h"

static const struct {
	uint64_t seconds;
	const char *date, *iso;
} moments[] = {
	{ 0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00" },
	{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37" }, /* RFC 9110's */
	{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00" },
	{ 1000000000, "Sun, 09 Sep 2001 01:46:40 GMT", "2001-09-09T01:46:40" },
	{ 1709251199, "Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59" },
	{ 1735689599, "Tue, 31 Dec 2024 23:59:59 GMT", "2024-12-31T23:59:59" },
	{ 1735689600, "Wed, 01 Jan 2025 00:00:00 GMT", "2025-01-01T00:00:00" },
	{ 2147483648, "Tue, 19 Jan 2038 03:14:08 GMT", "2038-01-19T03:14:08" },
	{ 4102444800, "Fri, 01 Jan 2100 00:00:00 GMT", "2100-01-01T00:00:00" },
	{ 18446744073, "Sun, 21 Jul 2554 23:34:33 GMT", "2554-07-21T23:34:33" }, /* 2^64 ns */
};

static struct sl_str printed(struct sl_wall *w, uint64_t now_ns)
{
	static char mem[64];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	sl_wall_print(w, now_ns, &o);
	return sl_out_done(&o);
}

static void known_moments(void)
{
	for (unsigned i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		struct sl_wall w = { 0 };
		char want[40];
		struct sl_out o;

		wall_ns = moments[i].seconds * SL_SEC;
		is_str(sl_wall_date(&w, 5000 * SL_SEC), moments[i].date, "%s", moments[i].date);
		sl_out_init(&o, want, sizeof(want));
		sl_out_fmt(&o, "%s.000Z", moments[i].iso);
		sl_out_char(&o, '\0');
		is_str(printed(&w, 5000 * SL_SEC), want, "%s", want);
	}
}

static void within_a_second(void)
{
	struct sl_wall w = { 0 };
	uint64_t now_ns = 5000 * SL_SEC;

	wall_ns = 784111777 * SL_SEC + 250 * SL_MS;
	is_str(printed(&w, now_ns), "1994-11-06T08:49:37.250Z",
	       "milliseconds are those of the wall");
	asked = 0;
	is_str(printed(&w, now_ns + 7 * SL_MS), "1994-11-06T08:49:37.257Z", "and go on");
	is_str(printed(&w, now_ns + 750 * SL_MS - 1), "1994-11-06T08:49:37.999Z",
	       "to the last of the second");
	is_str(printed(&w, now_ns - 300 * SL_MS), "1994-11-06T08:49:37.000Z",
	       "a moment just before the second is its beginning");
	is_int(asked, 0, "and the clock is not asked for any of them");
	wall_ns = 784111778 * SL_SEC;
	is_str(printed(&w, now_ns + 750 * SL_MS), "1994-11-06T08:49:38.000Z",
	       "at the next second it is");
	is_str(sl_wall_date(&w, now_ns + SL_SEC), "Sun, 06 Nov 1994 08:49:38 GMT",
	       "once for both texts");
	is_int(asked, 1, "that is");
}

/* As nginx prints them. */
static void other_forms(void)
{
	struct sl_wall w = { 0 };
	uint64_t now_ns = 5000 * SL_SEC;
	char mem[64];
	struct sl_out o;

	wall_ns = 784111777 * SL_SEC + 250 * SL_MS;
	is_str(sl_wall_clf(&w, now_ns), "06/Nov/1994:08:49:37 +0000", "the common log format's");
	sl_out_init(&o, mem, sizeof(mem));
	sl_wall_print_iso(&w, now_ns, &o);
	is_str(sl_out_done(&o), "1994-11-06T08:49:37+00:00", "ISO 8601 in seconds");
	sl_out_init(&o, mem, sizeof(mem));
	sl_wall_print_epoch(&w, now_ns + 7 * SL_MS, &o);
	is_str(sl_out_done(&o), "784111777.257", "seconds since 1970");
}

int main(void)
{
	setenv("TZ", "Asia/Tokyo", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	known_moments();
	within_a_second();
	other_forms();
	return done_testing();
}

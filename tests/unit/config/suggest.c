// SPDX-License-Identifier: Apache-2.0
// Which word was meant.
#include "config/report.h"
#include "tap.h"

int main(void)
{
	static const char *const words[] = { "connect", "response", "idle", "id", NULL };
	static const struct {
		const char *word, *want;
	} cases[] = {
		{ "conect", "connect" },
		{ "Connect", "connect" },
		{ "connetc", "connect" },
		{ "idel", "idle" },
		{ "responses", "response" },
		{ "i", "id" },
		{ "zzzz", NULL },
		{ "", NULL },
		{ "xy", NULL },
	};
	struct sl_report quiet = { 0 }, full = { .count = SL_REPORT_MAX_FAULTS };
	char longer[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = sl_suggest(&quiet, sl_str_of(cases[i].word), words);

		is_str(sl_str_of(got ? got : "nothing"), cases[i].want ? cases[i].want : "nothing",
		       "'%s'", cases[i].word);
	}
	memset(longer, 'i', sizeof(longer));
	ok(!sl_suggest(&quiet, (struct sl_str){ longer, sizeof(longer) }, words),
	   "a word that is too long to compare");
	ok(!sl_suggest(&full, SL_S("conect"), words), "nothing once enough faults are shown");
	return done_testing();
}

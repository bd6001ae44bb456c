// SPDX-License-Identifier: Apache-2.0
// Lines and columns of values, by the steps that lead to them.
#include "config/source.h"
#include "tap.h"

#define MEMBER(name_)                                                                              \
	{                                                                                          \
		.name = SL_STR(name_)                                                              \
	}
#define ELEMENT(index_)                                                                            \
	{                                                                                          \
		.index = index_                                                                    \
	}

static const char text[] = "{\n"
			   "  \"a\": [ 1, \"x]}\", { \"b\\u0063\\n\": true } ],\n"
			   "\t\"\xc3\xa4\": \"\xe2\x82\xac\", \"d\": {},\n"
			   "  \"e\\\"f\" : [[], [[7]], -1.5e3],\n"
			   "  \"\\ud83d\\ude00\": null, \"\": 9 }\n";

static const struct {
	const char *what;
	struct sl_step steps[3];
	unsigned nr;
	enum sl_locate part;
	unsigned line, column;
} cases[] = {
	{ "the root", { { { NULL, 0 }, 0 } }, 0, SL_LOCATE_VALUE, 1, 1 },
	{ "/a", { MEMBER("a") }, 1, SL_LOCATE_VALUE, 2, 8 },
	{ "the name of /a", { MEMBER("a") }, 1, SL_LOCATE_NAME, 2, 3 },
	{ "/a/0", { MEMBER("a"), ELEMENT(0) }, 2, SL_LOCATE_VALUE, 2, 10 },
	{ "/a/1", { MEMBER("a"), ELEMENT(1) }, 2, SL_LOCATE_VALUE, 2, 13 },
	{ "/a/2", { MEMBER("a"), ELEMENT(2) }, 2, SL_LOCATE_VALUE, 2, 20 },
	{ "/a/2/bc\\n behind escapes",
	  { MEMBER("a"), ELEMENT(2), MEMBER("bc\n") },
	  3,
	  SL_LOCATE_VALUE,
	  2,
	  35 },
	{ "/a/3, which is not there: /a", { MEMBER("a"), ELEMENT(3) }, 2, SL_LOCATE_VALUE, 2, 8 },
	{ "/d behind characters of several bytes", { MEMBER("d") }, 1, SL_LOCATE_VALUE, 3, 17 },
	{ "a name of several bytes", { MEMBER("\xc3\xa4") }, 1, SL_LOCATE_VALUE, 3, 7 },
	{ "/d/z, which is not there: /d", { MEMBER("d"), MEMBER("z") }, 2, SL_LOCATE_VALUE, 3, 17 },
	{ "the name of /d/z: /d", { MEMBER("d"), MEMBER("z") }, 2, SL_LOCATE_NAME, 3, 17 },
	{ "/e\"f/1/0", { MEMBER("e\"f"), ELEMENT(1), ELEMENT(0) }, 3, SL_LOCATE_VALUE, 4, 18 },
	{ "/e\"f/2", { MEMBER("e\"f"), ELEMENT(2) }, 2, SL_LOCATE_VALUE, 4, 24 },
	{ "an empty array has no first",
	  { MEMBER("e\"f"), ELEMENT(0), ELEMENT(0) },
	  3,
	  SL_LOCATE_VALUE,
	  4,
	  13 },
	{ "a surrogate pair", { MEMBER("\xf0\x9f\x98\x80") }, 1, SL_LOCATE_VALUE, 5, 19 },
	{ "the empty name", { MEMBER("") }, 1, SL_LOCATE_VALUE, 5, 29 },
	{ "a member of a number: the number",
	  { MEMBER(""), MEMBER("x") },
	  2,
	  SL_LOCATE_VALUE,
	  5,
	  29 },
};

int main(void)
{
	struct sl_str all = { guarded(text, sizeof(text) - 1), sizeof(text) - 1 };
	struct sl_place at;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		at = sl_source_locate(all, cases[i].steps, cases[i].nr, cases[i].part);
		is_int(at.line, cases[i].line, "line of %s", cases[i].what);
		is_int(at.column, cases[i].column, "column of %s", cases[i].what);
	}
	for (size_t len = 0; len < sizeof(text); len++) {
		struct sl_str cut = { guarded(text, len), len };

		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
			sl_source_locate(cut, cases[i].steps, cases[i].nr, cases[i].part);
	}
	ok(true, "no prefix of the text makes it read too far");
	return done_testing();
}

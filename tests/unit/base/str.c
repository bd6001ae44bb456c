// SPDX-License-Identifier: Apache-2.0
// Runs of bytes: comparing, trimming, and cutting lists.
#include "base/str.h"

#include "tap.h"

static const struct {
	const char *a, *b;
	bool eq, ieq;
} equal[] = {
	{ "", "", true, true },
	{ "a", "a", true, true },
	{ "a", "A", false, true },
	{ "a", "b", false, false },
	{ "a", "ab", false, false },
	{ "ab", "a", false, false },
	{ "AZ", "az", false, true },
	{ "[", "{", false, false },
	{ "@", "`", false, false },
	{ "\xc4", "\xe4", false, false },
	{ "Host-1", "hOST-1", false, true },
};

static void check_equal(void)
{
	for (size_t i = 0; i < sizeof(equal) / sizeof(equal[0]); i++) {
		struct sl_str a = sl_str_of(equal[i].a), b = sl_str_of(equal[i].b);

		is_int(sl_str_eq(a, b), equal[i].eq, "\"%s\" and \"%s\" are %s", equal[i].a,
		       equal[i].b, equal[i].eq ? "equal" : "not equal");
		is_int(sl_str_ieq(a, b), equal[i].ieq, "... %s without case",
		       equal[i].ieq ? "equal" : "not equal");
	}
	ok(sl_str_eq((struct sl_str){ NULL, 0 }, SL_S("")), "nothing equals empty");
	ok(sl_str_eq(SL_S("a\0b"), SL_S("a\0b")), "NUL is a byte as any");
	ok(!sl_str_eq(SL_S("a\0b"), SL_S("a\0c")), "and does not end a string");
}

static void check_starts(void)
{
	ok(sl_str_starts(SL_S("abc"), SL_S("ab")), "abc starts with ab");
	ok(sl_str_starts(SL_S("ab"), SL_S("ab")), "ab starts with itself");
	ok(sl_str_starts(SL_S("ab"), SL_S("")), "everything starts with nothing");
	ok(!sl_str_starts(SL_S("a"), SL_S("ab")), "a does not start with ab");
	ok(!sl_str_starts(SL_S("xab"), SL_S("ab")), "xab does not start with ab");
}

static void check_trim(void)
{
	static const struct {
		const char *in, *want;
	} facts[] = {
		{ "", "" },	  { " ", "" },	      { " \t \t", "" },	      { "a", "a" },
		{ " a", "a" },	  { "a\t", "a" },     { " \ta b\t ", "a b" }, { "\na\r", "\na\r" },
		{ "\va", "\va" }, { "\xa0", "\xa0" },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		size_t n = strlen(facts[i].in);
		struct sl_str s = { guarded(facts[i].in, n), n };

		is_str(sl_str_trim(s), facts[i].want, "case %zu is trimmed of SP and HTAB only", i);
	}
}

/* Elements come out behind one another, each followed by ';'. */
static void check_lists(void)
{
	static const struct {
		const char *in, *want;
	} facts[] = {
		{ "", ";" },	   { "a", "a;" },
		{ "a,b", "a;b;" }, { " a , b\t,c ", "a;b;c;" },
		{ ",", ";;" },	   { ",a", ";a;" },
		{ "a,", "a;;" },   { "a,,b", "a;;b;" },
		{ " , ", ";;" },   { "a b, c", "a b;c;" },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		size_t n = strlen(facts[i].in), at = 0;
		struct sl_str list = { guarded(facts[i].in, n), n }, item;
		char got[64];

		while (sl_str_list_next(&list, &item)) {
			memcpy(got + at, item.ptr, item.len);
			at += item.len;
			got[at++] = ';';
		}
		is_str((struct sl_str){ got, at }, facts[i].want, "the list \"%s\"", facts[i].in);
		ok(!sl_str_list_next(&list, &item), "... is then used up");
	}
}

int main(void)
{
	check_equal();
	check_starts();
	check_trim();
	check_lists();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Field names by number, tokens and field values, against a plain reading of the grammar.

#include "http/field.h"

#include <stdlib.h>

#include "http/chars.h"
#include "tap.h"

static void test_names(void)
{
	char upper[32], other[32];

	for (enum sl_field_id id = SL_FIELD_OTHER + 1; id < SL_FIELDS_NR; id++) {
		struct sl_str name = sl_field_name(id);
		bool is_exact = true;

		for (size_t i = 0; i < name.len; i++) {
			upper[i] = name.ptr[i] >= 'a' ? (char)(name.ptr[i] - 0x20) : name.ptr[i];
			memcpy(other, name.ptr, name.len);
			/* what a sloppy lower-casing would take for the same character */
			other[i] = (char)(name.ptr[i] ^ (name.ptr[i] < 'a' ? 0x20 : 0x40));
			if (sl_field_id_of((struct sl_str){ other, name.len }) != SL_FIELD_OTHER)
				is_exact = false;
		}
		is_int(sl_field_id_of(name), id, "%.*s", SL_STR_ARG(name));
		is_int(sl_field_id_of((struct sl_str){ guarded(upper, name.len), name.len }), id,
		       "%.*s in upper case", SL_STR_ARG(name));
		is_int(sl_field_id_of((struct sl_str){ name.ptr, name.len - 1 }), SL_FIELD_OTHER,
		       "%.*s less its last character", SL_STR_ARG(name));
		ok(is_exact, "%.*s with one wrong bit", SL_STR_ARG(name));
	}
}

static void test_other_names(void)
{
	static const char *const others[] = { "",
					      "a",
					      "x",
					      "tf",
					      "xx",
					      "vie",
					      "hose",
					      "expecu",
					      "accept",
					      "cookie",
					      "x-real-it",
					      "user_agent",
					      "x-forwarded-pory",
					      "a-name-that-is-longer-than-all" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		is_int(sl_field_id_of(sl_str_of(others[i])), SL_FIELD_OTHER, "'%s' is another",
		       others[i]);
}

static bool is_tchar(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_value_char(int c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* Each byte at each place of a run that spans several vectors and ends at an unreadable page. */
static void test_every_byte(void)
{
	enum { RUN = 35 };
	bool tokens = true, values = true, graphs = true;

	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < RUN; at++) {
			char text[RUN];
			const char *g;

			memset(text, 'a', RUN);
			text[at] = (char)c;
			g = guarded(text, RUN);
			tokens &= sl_is_token((struct sl_str){ g, RUN }) == is_tchar(c);
			tokens &= sl_scan_token(g, g + RUN) == g + (is_tchar(c) ? RUN : at);
			values &= sl_is_field_value((struct sl_str){ g, RUN }) == is_value_char(c);
			values &= sl_scan_value(g, g + RUN) == g + (is_value_char(c) ? RUN : at);
			graphs &= sl_scan_graph(g, g + RUN) ==
				  g + (is_value_char(c) && c != ' ' && c != '\t' ? RUN : at);
		}
	}
	ok(tokens, "every byte, everywhere: tokens");
	ok(values, "every byte, everywhere: field values");
	ok(graphs, "every byte, everywhere: visible characters");
}

int main(void)
{
	test_names();
	test_other_names();
	test_every_byte();
	ok(!sl_is_token(SL_S("")), "a token is not empty");
	ok(sl_is_field_value(SL_S("")), "a field value may be empty");
	return done_testing();
}

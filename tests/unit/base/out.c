// SPDX-License-Identifier: Apache-2.0
// The bounded writer: what it writes, and that it stops in time and stays stopped.
#include "base/out.h"

#include "tap.h"

static void put_u64(struct sl_out *o)
{
	sl_out_u64(o, UINT64_MAX);
}

static void put_zero(struct sl_out *o)
{
	sl_out_u64(o, 0);
}

static void put_hex(struct sl_out *o)
{
	sl_out_hex(o, 0xdeadbeef01234567);
}

static void put_hex_zero(struct sl_out *o)
{
	sl_out_hex(o, 0);
}

static void put_hex_short(struct sl_out *o)
{
	sl_out_hex(o, 0x100);
}

static void put_hex_fixed(struct sl_out *o)
{
	sl_out_hex_fixed(o, 0xab, 4);
}

static void put_hex_cut(struct sl_out *o)
{
	sl_out_hex_fixed(o, 0xabcd, 2);
}

static void put_json(struct sl_out *o)
{
	sl_out_json(o, SL_S("a\"b\\c\n\r\t\0\x1f\x7f\xff z"));
}

static void put_json_parts(struct sl_out *o)
{
	sl_out_json_part(o, SL_S("a\""));
	sl_out_json_part(o, SL_S(""));
	sl_out_json_part(o, SL_S("\nb"));
}

static void put_escaped(struct sl_out *o)
{
	sl_out_escaped(o, SL_S("a\"b\\c\n\0\x1f ~\x7f\xff z"));
}

static void put_json_empty(struct sl_out *o)
{
	sl_out_json(o, (struct sl_str){ NULL, 0 });
}

static void put_fmt(struct sl_out *o)
{
	sl_out_fmt(o, "%s=%d", "n", -7);
}

static void put_pieces(struct sl_out *o)
{
	sl_out_lit(o, "ab");
	sl_out_char(o, 'c');
	sl_out_str(o, SL_S("de"));
	sl_out_mem(o, NULL, 0);
	sl_out_str(o, SL_S(""));
}

static const struct {
	const char *says;
	void (*put)(struct sl_out *o);
	const char *want;
	size_t room; /* that it needs beyond its text: vsnprintf wants one for its NUL */
} facts[] = {
	{ "the largest number", put_u64, "18446744073709551615", 0 },
	{ "zero", put_zero, "0", 0 },
	{ "hexadecimal", put_hex, "deadbeef01234567", 0 },
	{ "hexadecimal zero", put_hex_zero, "0", 0 },
	{ "hexadecimal without leading zeros", put_hex_short, "100", 0 },
	{ "hexadecimal of four digits", put_hex_fixed, "00ab", 0 },
	{ "the low digits of a longer number", put_hex_cut, "cd", 0 },
	{ "a JSON string", put_json, "\"a\\\"b\\\\c\\n\\r\\t\\u0000\\u001f\\u007f\\u00ff z\"", 0 },
	{ "parts of a JSON string", put_json_parts, "a\\\"\\nb", 0 },
	{ "nginx's escapes", put_escaped, "a\\x22b\\x5Cc\\x0A\\x00\\x1F ~\\x7F\\xFF z", 0 },
	{ "an empty JSON string", put_json_empty, "\"\"", 0 },
	{ "formatted text", put_fmt, "n=-7", 1 },
	{ "pieces", put_pieces, "abcde", 0 },
};

/* Each room from none up to just enough, ending at a byte that must stay. */
static bool is_bounded(void (*put)(struct sl_out *o), size_t need)
{
	char mem[128];

	for (size_t room = 0; room < need; room++) {
		struct sl_out o;

		memset(mem, '#', sizeof(mem));
		sl_out_init(&o, mem, room);
		put(&o);
		if (!o.overflow || sl_out_len(&o) > room || mem[room] != '#')
			return false;
	}
	return true;
}

static void check_facts(void)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		size_t need = strlen(facts[i].want) + facts[i].room;
		struct sl_out o;
		char mem[128];

		sl_out_init(&o, mem, need);
		facts[i].put(&o);
		is_str(sl_out_done(&o), facts[i].want, "%s", facts[i].says);
		ok(!o.overflow, "... fits where it fits");
		ok(is_bounded(facts[i].put, need), "... and never goes past a smaller room");
	}
}

/* Strings are looked through in steps of several bytes: none may hide what needs an escape. */
static void check_every_place(void)
{
	unsigned wrong = 0;

	for (size_t len = 1; len <= 40; len++)
		for (size_t at = 0; at < len; at++)
			for (unsigned c = 0; c < 256; c++) {
				bool is_plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
				char in[40], mem[128];
				struct sl_out o;

				memset(in, 'a', len);
				in[at] = (char)c;
				sl_out_init(&o, mem, sizeof(mem));
				sl_out_json_part(&o, (struct sl_str){ in, len });
				wrong += (sl_out_len(&o) == len) != is_plain;
			}
	is_int(wrong, 0, "an escape where one is needed, at every place of every length");
}

int main(void)
{
	struct sl_out o;
	char mem[4];

	check_facts();
	check_every_place();
	sl_out_init(&o, mem, sizeof(mem));
	is_int((int64_t)sl_out_room(&o), 4, "room at first");
	sl_out_lit(&o, "abc");
	is_int((int64_t)sl_out_room(&o), 1, "room after three bytes");
	sl_out_lit(&o, "de");
	ok(o.overflow, "two bytes do not fit in one");
	is_str(sl_out_done(&o), "abc", "and are not written in part");
	sl_out_char(&o, 'f');
	is_str(sl_out_done(&o), "abc", "nor is anything after them");
	sl_out_fmt(&o, "g");
	is_str(sl_out_done(&o), "abc", "formatted or not");
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Chunked coding: whole, byte by byte, and broken in every way that servers disagree about.

#include "http1/chunk.h"

#include <errno.h>

#include "tap.h"

static const struct {
	const char *name, *text, *data;
	size_t rest; /* bytes behind the last chunk's line */
} good[] = {
	{ "no data", "0\r\n", "", 0 },
	{ "no data, two zeros", "00\r\n\r\n", "", 2 },
	{ "one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", 2 },
	{ "two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n", "hello!", 0 },
	{ "upper-case size", "A\r\n0123456789\r\n0\r\n", "0123456789", 0 },
	{ "lower-case size", "a\r\n0123456789\r\n0\r\n", "0123456789", 0 },
	{ "sixteen digits", "0000000000000001\r\nx\r\n0\r\n", "x", 0 },
	{ "CRLF is data", "2\r\n\r\n\r\n0\r\n", "\r\n", 0 },
	{ "trailers are left", "0\r\nA: b\r\n\r\n", "", 8 },
	{ "an extension", "1;a\r\nx\r\n0;b\r\n", "x", 0 },
	{ "an extension with a value", "1;a=b;c=d\r\nx\r\n0\r\n", "x", 0 },
	{ "an empty string", "1;a=\"\"\r\nx\r\n0\r\n", "x", 0 },
	{ "a quoted string", "1;a=\"b;= \\\"\\\\\xff\"\r\nx\r\n0\r\n", "x", 0 },
	{ "white space about ; and =", "1 ; a\t=\t\"b\" ;c = d\r\nx\r\n0\r\n", "x", 0 },
};

static const struct {
	const char *name;
	struct sl_str text;
} bad[] = {
	{ "an empty line for a size", SL_STR("\r\n") },
	{ "a space before the size", SL_STR(" 5\r\n") },
	{ "a space after the size", SL_STR("5 \r\n") },
	{ "a tab after the size", SL_STR("5\t\r\n") },
	{ "a vertical tab", SL_STR("5\v\r\n") },
	{ "a plus", SL_STR("+5\r\n") },
	{ "a minus", SL_STR("-5\r\n") },
	{ "0x", SL_STR("0x5\r\n") },
	{ "no hex digit", SL_STR("g\r\n") },
	{ "an underscore", SL_STR("1_0\r\n") },
	{ "17 digits", SL_STR("00000000000000001\r\n") },
	{ "2^63", SL_STR("8000000000000000\r\n") },
	{ "2^64 - 1", SL_STR("FFFFFFFFFFFFFFFF\r\n") },
	{ "2^64 + 5", SL_STR("10000000000000005\r\n") },
	{ "LF ends the size", SL_STR("5\nhello\r\n") },
	{ "CR ends the size", SL_STR("5\rhello\r\n") },
	{ "CR CR LF", SL_STR("5\r\r\nhello\r\n") },
	{ "an extension without a size", SL_STR(";a\r\n") },
	{ "an extension without a name", SL_STR("5;\r\n") },
	{ "a second one without a name", SL_STR("5;a;\r\n") },
	{ "an extension without a value", SL_STR("5;a=\r\n") },
	{ "a space behind an extension", SL_STR("5;a \r\n") },
	{ "an LF in an extension", SL_STR("5;a\nb\r\n") },
	{ "a NUL in an extension", SL_STR("5;a\0b\r\n") },
	{ "a NUL in a string", SL_STR("5;a=\"\0\"\r\n") },
	{ "an LF in a string", SL_STR("5;a=\"\n\"\r\n") },
	{ "a CRLF in a string", SL_STR("5;a=\"\r\n\"\r\n") },
	{ "an escaped LF in a string", SL_STR("5;a=\"\\\n\"\r\n") },
	{ "text behind a string", SL_STR("5;a=\"b\"c\r\n") },
	{ "data too long", SL_STR("4\r\nhello\r\n") },
	{ "data too short", SL_STR("6\r\nhello\r\n0") },
	{ "LF behind the data", SL_STR("5\r\nhello\n0\r\n") },
	{ "CR behind the data", SL_STR("5\r\nhello\r0\r\n") },
	{ "an LF ends the last size", SL_STR("0\n\n") },
};

struct result {
	char data[64];
	size_t len, used;
	bool is_bad, is_done;
};

/* Feeds `step` bytes at a time, each piece ending at an unreadable page. */
static struct result decode(struct sl_str text, size_t step)
{
	struct sl_chunked c = { 0 };
	struct result r = { .len = 0 };

	while (r.used < text.len && !sl_chunked_is_done(&c)) {
		size_t n = text.len - r.used < step ? text.len - r.used : step;
		struct sl_str data;
		ssize_t got = sl_chunked_next(&c, guarded(text.ptr + r.used, n), n, &data);

		if (got < 0) {
			r.is_bad = got == -EBADMSG;
			return r;
		}
		if (got == 0 || data.len > sizeof(r.data) - r.len)
			return r;
		memcpy(r.data + r.len, data.ptr, data.len);
		r.len += data.len;
		r.used += (size_t)got;
	}
	r.is_done = sl_chunked_is_done(&c);
	return r;
}

static bool is_same(const struct result *a, const struct result *b)
{
	return a->is_bad == b->is_bad && a->is_done == b->is_done && a->len == b->len &&
	       memcmp(a->data, b->data, a->len) == 0 && (a->is_bad || a->used == b->used);
}

static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct sl_str text = sl_str_of(good[i].text);
		struct result whole = decode(text, text.len);
		bool same = true;

		ok(whole.is_done, "%s", good[i].name);
		is_str((struct sl_str){ whole.data, whole.len }, good[i].data, "its data");
		is_int((int64_t)(text.len - whole.used), (int64_t)good[i].rest, "what is left");
		for (size_t step = 1; step < text.len; step++) {
			struct result r = decode(text, step);

			same &= is_same(&r, &whole);
		}
		ok(same, "the same in pieces of any size");
	}
}

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct result whole = decode(bad[i].text, bad[i].text.len);
		struct result bytes = decode(bad[i].text, 1);

		ok(whole.is_bad, "refused: %s", bad[i].name);
		ok(bytes.is_bad, "and byte by byte");
	}
}

static void test_limits(void)
{
	struct sl_chunked c = { 0 };
	struct sl_str data;
	char line[300];

	is_int(sl_chunked_next(&c, "7FFFFFFFFFFFFFFF\r\nx", 19, &data), 19, "2^63 - 1 is a size");
	is_int((int64_t)c.left, INT64_MAX - 1, "and one byte of it has come");

	memset(line, 'a', sizeof(line));
	memcpy(line, "1;", 2);
	memcpy(line + 255, "\r\nx", 3);
	c = (struct sl_chunked){ 0 };
	is_int(sl_chunked_next(&c, line, 258, &data), 258, "a line of 255 and CRLF");
	memcpy(line + 255, "a\r\n", 3);
	c = (struct sl_chunked){ 0 };
	is_int(sl_chunked_next(&c, line, 258, &data), -EBADMSG, "one more is too long");
	is_int(sl_chunked_next(&c, "1\r\n", 3, &data), -EBADMSG, "what is broken stays broken");
	c = (struct sl_chunked){ 0 };
	is_int(sl_chunked_next(&c, "", 0, &data), 0, "nothing in, nothing done");
	is_int(sl_chunked_next(&c, "0\r\n\r\n", 5, &data), 3, "the last chunk's line");
	is_int(sl_chunked_next(&c, "\r\n", 2, &data), 0, "nothing is consumed behind it");
	ok(sl_chunked_is_done(&c), "and it is done");
}

int main(void)
{
	test_good();
	test_bad();
	test_limits();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Field lines that are refused, and trailer sections.

#include <stdio.h>

#include "heads.h"

#define START "GET / HTTP/1.1\r\nHost: h\r\n"

static const struct {
	const char *name;
	struct sl_str text;
} bad[] = {
	{ "a fold", SL_STR(START "A: 1\r\n 2\r\n\r\n") },
	{ "a fold with a tab", SL_STR(START "A: 1\r\n\t2\r\n\r\n") },
	{ "a fold before the first field", SL_STR("GET / HTTP/1.1\r\n Host: h\r\n\r\n") },
	{ "a space before the colon", SL_STR(START "A : 1\r\n\r\n") },
	{ "a tab before the colon", SL_STR(START "A\t: 1\r\n\r\n") },
	{ "no name", SL_STR(START ": 1\r\n\r\n") },
	{ "no colon", SL_STR(START "A\r\n\r\n") },
	{ "a bracket in a name", SL_STR(START "A[B: 1\r\n\r\n") },
	{ "a semicolon in a name", SL_STR(START "A;B: 1\r\n\r\n") },
	{ "a slash in a long name", SL_STR(START "A-name-of-more-than-16/: 1\r\n\r\n") },
	{ "a byte above ASCII in a name", SL_STR(START "A\xe9: 1\r\n\r\n") },
	{ "a NUL in a name", SL_STR(START "A\0B: 1\r\n\r\n") },
	{ "a NUL in a value", SL_STR(START "A: a\0b\r\n\r\n") },
	{ "a control character in a value", SL_STR(START "A: a\1b\r\n\r\n") },
	{ "DEL in a value", SL_STR(START "A: a\x7f\r\n\r\n") },
	{ "a CR in a value", SL_STR(START "A: a\rB: b\r\n\r\n") },
	{ "an LF in a value", SL_STR(START "A: a\nB: b\r\n\r\n") },
	{ "an LF far into a value", SL_STR(START "A: 0123456789abcdef0123456789\nB: b\r\n\r\n") },
	{ "a bare LF at the end", SL_STR(START "A: a\r\n\n") },
	{ "CR CR LF at the end", SL_STR(START "A: a\r\n\r\r\n") },
	{ "CR CR LF behind a value", SL_STR(START "A: a\r\r\n\r\n") },
};

static int parse_trailers(const char *text)
{
	size_t len = strlen(text);

	return sl_h1_trailers_parse(&head, guarded(text, len), len, &heads_limits);
}

static void test_trailers(void)
{
	static const char *const kept[] = { "X-Checksum", "Server-Timing", "ETag", "Digest" };
	static const char *const dropped[] = {
		"Content-Length",   "Transfer-Encoding", "Host",   "Authorization",   "Set-Cookie",
		"Cookie",	    "Content-Type",	 "TE",	   "Connection",      "Trailer",
		"Cache-Control",    "If-None-Match",	 "Range",  "X-Forwarded-For", "Via",
		"Content-Encoding", "WWW-Authenticate",	 "Upgrade"
	};
	char text[128];

	is_int(parse_trailers("\r\n"), 2, "an empty section");
	is_int(head.fields_nr, 0, "has no fields");
	is_int(parse_trailers("A: b\r\nC: d\r\n\r\nrest"), 14, "two trailers");
	is_int(head.fields_nr, 2, "are two fields");
	is_int(parse_trailers(""), -EAGAIN, "nothing yet");
	is_int(parse_trailers("\r"), -EAGAIN, "half an end");
	is_int(parse_trailers("A: b\r\n"), -EAGAIN, "no end");
	is_int(parse_trailers("\n"), -EBADMSG, "a bare LF");
	is_int(parse_trailers("A : b\r\n\r\n"), -EBADMSG, "a space before the colon");
	is_int(parse_trailers(" A: b\r\n\r\n"), -EBADMSG, "a fold");
	for (size_t i = 0; i < LEN(kept); i++) {
		snprintf(text, sizeof(text), "%s: x\r\n\r\n", kept[i]);
		ok(parse_trailers(text) > 0 && !is_hop(kept[i]), "%s passes", kept[i]);
	}
	for (size_t i = 0; i < LEN(dropped); i++) {
		snprintf(text, sizeof(text), "%s: x\r\n\r\n", dropped[i]);
		ok(parse_trailers(text) > 0 && is_hop(dropped[i]), "%s does not", dropped[i]);
	}
}

static void test_long_name(void)
{
	static char text[70000] = START;
	size_t start = sizeof(START) - 1;
	struct sl_head_limits l = { .line_bytes = 64, .head_bytes = sizeof(text), .fields = 4 };

	memset(text + start, 'n', sizeof(text) - start);
	is_int(sl_h1_request_parse(&head, text, start + 65535, &l), -EAGAIN, "65535 bytes of name");
	is_int(sl_h1_request_parse(&head, text, start + 65536, &l), -EBADMSG, "one more");
	is_int(head.error_status, 431, "is 431");
	memcpy(text + start + 65535, ":\r\n\r\n", 5);
	ok(sl_h1_request_parse(&head, text, start + 65540, &l) > 0, "the longest name");
	is_int(head.fields[1].name_len, 65535, "is measured right");
}

int main(void)
{
	for (size_t i = 0; i < LEN(bad); i++)
		refuses_request(bad[i].text, 400, bad[i].name);
	test_trailers();
	test_long_name();
	return done_testing();
}

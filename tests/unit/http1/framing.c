// SPDX-License-Identifier: Apache-2.0
// Where bodies end, Host and Expect: the rules that smuggling tries to bend.

#include <stdio.h>

#include "heads.h"

#define TE "Transfer-Encoding: "
#define CL "Content-Length: "

static const struct {
	const char *fields;
	int minor;
	enum sl_body_kind body;
	uint64_t len;
} good[] = {
	{ "", 1, SL_BODY_NONE, 0 },
	{ CL "0\r\n", 1, SL_BODY_NONE, 0 },
	{ CL "1\r\n", 1, SL_BODY_LENGTH, 1 },
	{ CL "005\r\n", 1, SL_BODY_LENGTH, 5 },
	{ CL "0000000000000000005\r\n", 1, SL_BODY_LENGTH, 5 },
	{ CL "9223372036854775807\r\n", 1, SL_BODY_LENGTH, INT64_MAX },
	{ CL "7\r\n", 0, SL_BODY_LENGTH, 7 },
	{ TE "chunked\r\n", 1, SL_BODY_CHUNKED, 0 },
	{ TE "CHUNKED\r\n", 1, SL_BODY_CHUNKED, 0 },
	{ TE "\t chunked \t\r\n", 1, SL_BODY_CHUNKED, 0 },
};

static const struct {
	const char *fields;
	int minor, status;
} bad[] = {
	{ CL "\r\n", 1, 400 },
	{ CL "+5\r\n", 1, 400 },
	{ CL "-5\r\n", 1, 400 },
	{ CL "5.0\r\n", 1, 400 },
	{ CL "5e0\r\n", 1, 400 },
	{ CL "0x5\r\n", 1, 400 },
	{ CL "5 5\r\n", 1, 400 },
	{ CL "5_0\r\n", 1, 400 },
	{ CL "\"5\"\r\n", 1, 400 },
	{ CL "5,\r\n", 1, 400 },
	{ CL "5, 5\r\n", 1, 400 },
	{ CL "5\v\r\n", 1, 400 },
	{ CL "\xb2\r\n", 1, 400 },
	{ CL "00000000000000000005\r\n", 1, 400 },
	{ CL "9223372036854775808\r\n", 1, 400 },
	{ CL "18446744073709551621\r\n", 1, 400 },
	{ CL "5\r\n" CL "5\r\n", 1, 400 },
	{ CL "5\r\n" CL "0\r\n", 1, 400 },
	{ TE "chunked\r\n" CL "5\r\n", 1, 400 },
	{ CL "5\r\n" TE "chunked\r\n", 1, 400 },
	{ TE "chunked\r\n", 0, 400 },
	{ TE "identity\r\n", 1, 501 },
	{ TE "gzip\r\n", 1, 501 },
	{ TE "cow\r\n", 1, 501 },
	{ TE "xchunked\r\n", 1, 501 },
	{ TE "gzip, chunked\r\n", 1, 400 },
	{ TE "chunked, gzip\r\n", 1, 400 },
	{ TE "chunked, chunked\r\n", 1, 400 },
	{ TE "chunked,\r\n", 1, 400 },
	{ TE ",chunked\r\n", 1, 400 },
	{ TE "chunked;\r\n", 1, 400 },
	{ TE "chunked;q=1\r\n", 1, 400 },
	{ TE "\"chunked\"\r\n", 1, 400 },
	{ TE "chunke\\d\r\n", 1, 400 },
	{ TE "chunked chunked\r\n", 1, 400 },
	{ TE "\r\n", 1, 400 },
	{ TE "\vchunked\r\n", 1, 400 },
	{ TE "chunked\f\r\n", 1, 400 },
	{ TE "chunked\r\n" TE "chunked\r\n", 1, 400 },
	{ TE "chunked\r\n" TE "identity\r\n", 1, 400 },
	{ TE "cow\r\n" TE "chunked\r\n", 1, 400 },
	{ "Host: h\r\n", 1, 400 },
	{ "Host: h\r\n", 0, 400 },
	{ "Expect: 200-maybe\r\n", 1, 417 },
	{ "Expect: 100-continue, x\r\n", 1, 417 },
	{ "Expect: 100-continue\r\nExpect: 100-continue\r\n", 1, 417 },
	{ "Expect:\r\n", 1, 417 },
};

static struct sl_str request(char mem[static 512], int minor, const char *fields)
{
	int len = snprintf(mem, 512, "POST / HTTP/1.%d\r\nHost: h\r\n%s\r\n", minor, fields);

	return (struct sl_str){ mem, (size_t)len };
}

static void test_requests(void)
{
	char mem[512];

	for (size_t i = 0; i < LEN(good); i++) {
		ok(parse_request(request(mem, good[i].minor, good[i].fields)) > 0, "good %zu", i);
		is_int(head.body, good[i].body, "its body");
		is_int((int64_t)head.body_len, (int64_t)good[i].len, "its length");
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		snprintf(mem, sizeof(mem), "framing case %zu", i);
		refuses_request(request((char[512]){ 0 }, bad[i].minor, bad[i].fields),
				bad[i].status, mem);
		ok(!head.keep_alive, "and the connection does not stay");
	}
}

static void test_host(void)
{
	static const char *const hosts[] = { "",      "a/b",   "a,b",  "[::1",	  "a:99999",
					     "a:abc", "a%00b", "a\\b", "a:80:80", "http://a/",
					     "u@a",   "a b",   "a:" };
	char mem[512];

	for (size_t i = 0; i < LEN(hosts); i++) {
		int len =
			snprintf(mem, sizeof(mem), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);

		refuses_request((struct sl_str){ mem, (size_t)len }, 400, hosts[i]);
	}
	refuses_request(SL_S("GET / HTTP/1.1\r\n\r\n"), 400, "no Host");
	refuses_request(SL_S("GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"), 400, "a bad Host in HTTP/1.0");
}

static void test_expect(void)
{
	char mem[512];

	ok(parse_request(request(mem, 1, "Expect: 100-Continue\r\n" CL "1\r\n")) > 0, "Expect");
	ok(head.expect_continue, "is noticed");
	ok(parse_request(request(mem, 0, "Expect: 100-continue\r\n" CL "1\r\n")) > 0,
	   "Expect in HTTP/1.0");
	ok(!head.expect_continue, "is ignored");
}

static const struct {
	const char *text;
	enum sl_method method;
	enum sl_body_kind body;
	uint64_t len;
	bool keep_alive;
} responses[] = {
	{ "HTTP/1.1 200 OK\r\n" CL "5\r\n\r\n", SL_METHOD_GET, SL_BODY_LENGTH, 5, true },
	{ "HTTP/1.1 200 OK\r\n" CL "0\r\n\r\n", SL_METHOD_GET, SL_BODY_NONE, 0, true },
	{ "HTTP/1.1 200 OK\r\n" TE "chunked\r\n\r\n", SL_METHOD_GET, SL_BODY_CHUNKED, 0, true },
	{ "HTTP/1.1 200 OK\r\n\r\n", SL_METHOD_GET, SL_BODY_UNTIL_CLOSE, 0, false },
	{ "HTTP/1.0 200 OK\r\n\r\n", SL_METHOD_GET, SL_BODY_UNTIL_CLOSE, 0, false },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", SL_METHOD_GET, SL_BODY_UNTIL_CLOSE,
	  0, false },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CL "1\r\n\r\n", SL_METHOD_GET,
	  SL_BODY_LENGTH, 1, true },
	{ "HTTP/1.1 200 OK\r\nConnection: close\r\n" CL "1\r\n\r\n", SL_METHOD_GET, SL_BODY_LENGTH,
	  1, false },
	{ "HTTP/1.1 200 OK\r\n" CL "5\r\n\r\n", SL_METHOD_HEAD, SL_BODY_NONE, 0, true },
	{ "HTTP/1.1 200 OK\r\n" TE "chunked\r\n\r\n", SL_METHOD_HEAD, SL_BODY_NONE, 0, true },
	{ "HTTP/1.1 200 OK\r\n\r\n", SL_METHOD_HEAD, SL_BODY_NONE, 0, true },
	{ "HTTP/1.1 304 Not Modified\r\n" CL "5\r\n\r\n", SL_METHOD_GET, SL_BODY_NONE, 0, true },
	{ "HTTP/1.1 204 No Content\r\n\r\n", SL_METHOD_GET, SL_BODY_NONE, 0, true },
	{ "HTTP/1.1 204 No Content\r\n" CL "0\r\n\r\n", SL_METHOD_GET, SL_BODY_NONE, 0, true },
	{ "HTTP/1.1 204 No Content\r\n" CL "5\r\n\r\n", SL_METHOD_GET, SL_BODY_NONE, 0, false },
	{ "HTTP/1.1 204 No Content\r\n" TE "chunked\r\n\r\n", SL_METHOD_GET, SL_BODY_NONE, 0,
	  false },
	{ "HTTP/1.1 100 Continue\r\n\r\n", SL_METHOD_POST, SL_BODY_NONE, 0, true },
	{ "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", SL_METHOD_GET,
	  SL_BODY_NONE, 0, true },
};

static const char *const bad_responses[] = {
	"HTTP/1.1 200 OK\r\n" CL "5\r\n" CL "5\r\n\r\n",
	"HTTP/1.1 200 OK\r\n" CL "5\r\n" TE "chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\n" TE "gzip, chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\n" TE "gzip\r\n\r\n",
	"HTTP/1.0 200 OK\r\n" TE "chunked\r\n\r\n",
	"HTTP/1.1 204 OK\r\n" CL "x\r\n\r\n",
};

static void test_responses(void)
{
	for (size_t i = 0; i < LEN(responses); i++) {
		ok(parse_response(sl_str_of(responses[i].text), responses[i].method) > 0,
		   "response %zu", i);
		is_int(head.body, responses[i].body, "its body");
		is_int((int64_t)head.body_len, (int64_t)responses[i].len, "its length");
		is_int(head.keep_alive, responses[i].keep_alive, "whether the connection stays");
	}
	is_str(head.upgrade, "websocket", "a 101 tells to what");
	for (size_t i = 0; i < LEN(bad_responses); i++) {
		is_int(parse_response(sl_str_of(bad_responses[i]), SL_METHOD_GET), -EBADMSG,
		       "bad response %zu", i);
		is_int(head.error_status, 502, "is a bad gateway");
	}
	parse_response(SL_S("HTTP/1.1 204 x\r\n" CL "5\r\n\r\n"), SL_METHOD_GET);
	ok(is_hop("Content-Length"), "the length of a 204 goes no further");
	parse_response(SL_S("HTTP/1.1 304 x\r\n" CL "5\r\n\r\n"), SL_METHOD_GET);
	ok(!is_hop("Content-Length"), "that of a 304 does");
}

int main(void)
{
	test_requests();
	test_host();
	test_expect();
	test_responses();
	return done_testing();
}

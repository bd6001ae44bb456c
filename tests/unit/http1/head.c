// SPDX-License-Identifier: Apache-2.0
// Start lines, prefixes, limits and the search for a head's end.

#include "http1/head.h"

#include "heads.h"

static const struct {
	const char *name, *text, *target, *host, *authority;
	enum sl_target_form form;
} good[] = {
	{ "origin-form", "GET /a?b HTTP/1.1\r\nHost: h:1\r\n\r\n", "/a?b", "h", "h:1",
	  SL_TARGET_ORIGIN },
	{ "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "/", "", "", SL_TARGET_ORIGIN },
	{ "HTTP/1.0 with Host", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "/", "h", "h",
	  SL_TARGET_ORIGIN },
	{ "one CRLF in front", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "/", "h", "h",
	  SL_TARGET_ORIGIN },
	{ "an unknown method", "M-SEARCH / HTTP/1.1\r\nHost: h\r\n\r\n", "/", "h", "h",
	  SL_TARGET_ORIGIN },
	{ "a lower-case method", "get / HTTP/1.1\r\nHost: h\r\n\r\n", "/", "h", "h",
	  SL_TARGET_ORIGIN },
	{ "bytes above ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", "/\xc3\xa9", "h", "h",
	  SL_TARGET_ORIGIN },
	{ "asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "*", "h", "h",
	  SL_TARGET_ASTERISK },
	{ "absolute-form", "GET http://a:81/b?c HTTP/1.1\r\nHost: h\r\n\r\n", "/b?c", "a", "a:81",
	  SL_TARGET_ABSOLUTE },
	{ "https", "GET https://a/b HTTP/1.1\r\nHost: h\r\n\r\n", "/b", "a", "a",
	  SL_TARGET_ABSOLUTE },
	{ "a scheme in upper case", "GET HTTP://a/ HTTP/1.1\r\nHost: h\r\n\r\n", "/", "a", "a",
	  SL_TARGET_ABSOLUTE },
	{ "absolute-form without a path", "GET http://[::1]:8 HTTP/1.1\r\nHost: h\r\n\r\n", "/",
	  "[::1]", "[::1]:8", SL_TARGET_ABSOLUTE },
	{ "absolute-form, query only", "GET http://a?b/c HTTP/1.1\r\nHost: h\r\n\r\n", "?b/c", "a",
	  "a", SL_TARGET_ABSOLUTE },
	{ "absolute-form in HTTP/1.0", "GET http://a/ HTTP/1.0\r\n\r\n", "/", "a", "a",
	  SL_TARGET_ABSOLUTE },
};

#define HOST "Host: h\r\n\r\n"

static const struct {
	const char *name;
	struct sl_str text;
	int status;
} bad[] = {
	{ "no method", SL_STR(" / HTTP/1.1\r\n" HOST), 400 },
	{ "a colon in the method", SL_STR("GET: / HTTP/1.1\r\n" HOST), 400 },
	{ "a control character in the method", SL_STR("G\1T / HTTP/1.1\r\n" HOST), 400 },
	{ "a tab behind the method", SL_STR("GET\t/ HTTP/1.1\r\n" HOST), 400 },
	{ "no target", SL_STR("GET  HTTP/1.1\r\n" HOST), 400 },
	{ "two spaces", SL_STR("GET  / HTTP/1.1\r\n" HOST), 400 },
	{ "a space in the target", SL_STR("GET /a b HTTP/1.1\r\n" HOST), 400 },
	{ "a tab behind the target", SL_STR("GET /\tHTTP/1.1\r\n" HOST), 400 },
	{ "a NUL in the target", SL_STR("GET /\0 HTTP/1.1\r\n" HOST), 400 },
	{ "DEL in the target", SL_STR("GET /\x7f HTTP/1.1\r\n" HOST), 400 },
	{ "no version", SL_STR("GET /\r\n" HOST), 400 },
	{ "a version in lower case", SL_STR("GET / http/1.1\r\n" HOST), 400 },
	{ "a version with a tail", SL_STR("GET / HTTP/1.1x\r\n" HOST), 400 },
	{ "a version of two digits", SL_STR("GET / HTTP/1.10\r\n" HOST), 400 },
	{ "a space behind the version", SL_STR("GET / HTTP/1.1 \r\n" HOST), 400 },
	{ "a bare LF", SL_STR("GET / HTTP/1.1\nHost: h\n\n"), 400 },
	{ "a bare CR", SL_STR("GET / HTTP/1.1\rHost: h\r\r"), 400 },
	{ "CR CR LF", SL_STR("GET / HTTP/1.1\r\r\n" HOST), 400 },
	{ "two CRLFs in front", SL_STR("\r\n\r\nGET / HTTP/1.1\r\n" HOST), 400 },
	{ "an LF in front", SL_STR("\nGET / HTTP/1.1\r\n" HOST), 400 },
	{ "a CR in front", SL_STR("\rGET / HTTP/1.1\r\n" HOST), 400 },
	{ "HTTP/1.2", SL_STR("GET / HTTP/1.2\r\n" HOST), 505 },
	{ "HTTP/0.9", SL_STR("GET / HTTP/0.9\r\n" HOST), 505 },
	{ "HTTP/9.9", SL_STR("GET / HTTP/9.9\r\n" HOST), 505 },
	{ "the preface of HTTP/2", SL_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505 },
	{ "CONNECT", SL_STR("CONNECT h:1 HTTP/1.1\r\n" HOST), 501 },
	{ "CONNECT with a path", SL_STR("CONNECT / HTTP/1.1\r\n" HOST), 501 },
	{ "GET *", SL_STR("GET * HTTP/1.1\r\n" HOST), 400 },
	{ "a target without a slash", SL_STR("GET a/b HTTP/1.1\r\n" HOST), 400 },
	{ "authority-form", SL_STR("GET a:80 HTTP/1.1\r\n" HOST), 400 },
	{ "ftp", SL_STR("GET ftp://a/ HTTP/1.1\r\n" HOST), 400 },
	{ "http:/ with one slash", SL_STR("GET http:/a HTTP/1.1\r\n" HOST), 400 },
	{ "an absolute target without a host", SL_STR("GET http:///a HTTP/1.1\r\n" HOST), 400 },
	{ "userinfo", SL_STR("GET http://u@a/ HTTP/1.1\r\n" HOST), 400 },
	{ "a fragment behind the host", SL_STR("GET http://a#b HTTP/1.1\r\n" HOST), 400 },
	{ "a bad port", SL_STR("GET http://a:65536/ HTTP/1.1\r\n" HOST), 400 },
	{ "bad Host under a good target", SL_STR("GET http://a/ HTTP/1.1\r\nHost: b/\r\n\r\n"),
	  400 },
	{ "no Host under a good target", SL_STR("GET http://a/ HTTP/1.1\r\n\r\n"), 400 },
	{ "bytes that are no text", SL_STR("\0\1\2\3\xff\xfe\r\n\r\n"), 400 },
};

/* Every proper prefix asks for more: none is taken, none is refused, nothing behind it is read. */
static void is_asking_for_more(struct sl_str text)
{
	size_t n = 0;

	while (n < text.len && parse_request((struct sl_str){ text.ptr, n }) == -EAGAIN)
		n++;
	is_int((int64_t)n, (int64_t)text.len, "every proper prefix asks for more");
}

static void test_good(void)
{
	for (size_t i = 0; i < LEN(good); i++) {
		struct sl_str text = sl_str_of(good[i].text);

		is_int(parse_request(text), (int64_t)text.len, "%s", good[i].name);
		is_str(head.target, good[i].target, "its target");
		is_str(head.host, good[i].host, "its host");
		is_str(head.authority, good[i].authority, "its authority");
		is_int(head.form, good[i].form, "its form");
		is_asking_for_more(text);
	}
}

static void test_ordinary(void)
{
	static const char text[] = "POST /v1/orders?dry=1 HTTP/1.1\r\n"
				   "Host: api.example.com:8443\r\n"
				   "User-Agent: curl/8.5.0\r\n"
				   "Accept:*/*\r\n"
				   "x_odd_name: \t  spaced out\t \r\n"
				   "X-Empty:\r\n"
				   "X-Bytes: \xe2\x82\xac\r\n"
				   "Content-Type: application/json\r\n"
				   "Content-Length: 17\r\n"
				   "\r\n";
	struct sl_str whole = { text, sizeof(text) - 1 };

	is_int(parse_request(whole), (int64_t)whole.len, "an ordinary request");
	is_int(head.method_id, SL_METHOD_POST, "its method");
	is_str(head.method, "POST", "its method as text");
	is_int(head.fields_nr, 8, "its fields");
	is_int(head.fields[0].id, SL_FIELD_HOST, "the first is Host");
	is_str(sl_field_value(&head.fields[2]), "*/*", "no white space before a value");
	is_str(sl_field_value(&head.fields[3]), "spaced out", "white space about a value");
	is_str(sl_field_value(&head.fields[4]), "", "an empty value");
	is_str(sl_field_value(sl_head_find(&head, SL_FIELD_CONTENT_TYPE)), "application/json",
	       "a field found by its number");
	ok(!sl_head_find(&head, SL_FIELD_VIA), "a field that is not there");
	is_int(head.body_len, 17, "its length");
	is_asking_for_more(whole);
}

static void test_limits(void)
{
	static const char text[] = "\r\nGET /abc HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
	int len = sizeof(text) - 1;
	struct sl_head_limits l = { .line_bytes = 17, .head_bytes = (uint32_t)len, .fields = 2 };

	is_int(sl_h1_request_parse(&head, text, (size_t)len, &l), len, "all limits just kept");
	l.line_bytes = 16;
	is_int(sl_h1_request_parse(&head, text, (size_t)len, &l), -EBADMSG, "a longer line");
	is_int(head.error_status, 414, "is 414");
	is_int(sl_h1_request_parse(&head, text, 19, &l), -EAGAIN, "while it may still end in time");
	is_int(sl_h1_request_parse(&head, text, 20, &l), -EBADMSG, "not later");
	l = (struct sl_head_limits){ .line_bytes = 17, .head_bytes = (uint32_t)len, .fields = 1 };
	is_int(sl_h1_request_parse(&head, text, (size_t)len, &l), -EBADMSG, "a field more");
	is_int(head.error_status, 431, "is 431");
	l = (struct sl_head_limits){ .line_bytes = 17,
				     .head_bytes = (uint32_t)len - 1,
				     .fields = 2 };
	is_int(sl_h1_request_parse(&head, text, (size_t)len, &l), -EBADMSG, "a longer head");
	is_int(head.error_status, 431, "is 431");
	is_int(sl_h1_request_parse(&head, text, (size_t)len - 2, &l), -EAGAIN, "one byte to go");
	is_int(sl_h1_request_parse(&head, text, (size_t)len - 1, &l), -EBADMSG, "none to go");
	l = (struct sl_head_limits){ .line_bytes = 4000, .head_bytes = 10, .fields = 2 };
	is_int(sl_h1_request_parse(&head, text, 10, &l), -EBADMSG,
	       "the head ends in its first line");
	is_int(head.error_status, 414, "is 414");
	l = (struct sl_head_limits){ UINT32_MAX, UINT32_MAX, UINT16_MAX };
	is_int(sl_h1_request_parse(&head, text, (size_t)len, &l), len, "limits without limit");
}

static const struct {
	const char *text;
	int status; /* 0: refused */
	const char *reason;
} status_lines[] = {
	{ "HTTP/1.1 200 OK\r\n\r\n", 200, "OK" },
	{ "HTTP/1.0 404 Not Found\r\n\r\n", 404, "Not Found" },
	{ "HTTP/1.1 200 \r\n\r\n", 200, "" },
	{ "HTTP/1.1 200\r\n\r\n", 200, "" },
	{ "HTTP/1.1 200  two\twords\x80\r\n\r\n", 200, " two\twords\x80" },
	{ "HTTP/1.1 100 Continue\r\n\r\n", 100, "Continue" },
	{ "HTTP/1.1 599 x\r\n\r\n", 599, "x" },
	{ "HTTP/1.1 099 x\r\n\r\n", 0, "" },
	{ "HTTP/1.1 600 x\r\n\r\n", 0, "" },
	{ "HTTP/1.1 20 OK\r\n\r\n", 0, "" },
	{ "HTTP/1.1 2000 OK\r\n\r\n", 0, "" },
	{ "HTTP/1.1 200OK\r\n\r\n", 0, "" },
	{ "HTTP/1.1 200\tOK\r\n\r\n", 0, "" },
	{ "HTTP/1.1  200 OK\r\n\r\n", 0, "" },
	{ "HTTP/1.1 +20 OK\r\n\r\n", 0, "" },
	{ "HTTP/1.1 200 OK\n\n", 0, "" },
	{ "HTTP/1.1 200 O\rK\r\n\r\n", 0, "" },
	{ "HTTP/1.1 200 O\1K\r\n\r\n", 0, "" },
	{ "HTTP/1.1 200 OK\r\nA: b\n\r\n", 0, "" },
	{ "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", 0, "" },
	{ "HTTP/1.2 200 OK\r\n\r\n", 0, "" },
	{ "HTTP/2.0 200 OK\r\n\r\n", 0, "" },
	{ "http/1.1 200 OK\r\n\r\n", 0, "" },
	{ "\r\nHTTP/1.1 200 OK\r\n\r\n", 0, "" },
	{ "ICY 200 OK\r\n\r\n", 0, "" },
	{ "<html>", 0, "" },
};

static void test_responses(void)
{
	for (size_t i = 0; i < LEN(status_lines); i++) {
		struct sl_str text = sl_str_of(status_lines[i].text);
		int ret = parse_response(text, SL_METHOD_GET);
		size_t n = 0;

		if (status_lines[i].status == 0) {
			is_int(ret, -EBADMSG, "refused: response %zu", i);
			is_int(head.error_status, 502, "as a bad gateway");
			continue;
		}
		is_int(ret, (int64_t)text.len, "response %zu", i);
		is_int(head.status, status_lines[i].status, "its status");
		is_str(head.reason, status_lines[i].reason, "its reason");
		while (n < text.len &&
		       parse_response((struct sl_str){ text.ptr, n }, SL_METHOD_GET) == -EAGAIN)
			n++;
		is_int((int64_t)n, (int64_t)text.len, "every proper prefix asks for more");
	}
}

static void test_head_end(void)
{
	static const struct {
		const char *text;
		size_t from, end;
	} ends[] = {
		{ "", 0, 0 },
		{ "\r\n\r\n", 0, 4 },
		{ "\n\n", 0, 2 },
		{ "a\r\nb\r\n\r\nc", 0, 8 },
		{ "a\r\nb\r\n\r", 0, 0 },
		{ "a\nb\n\nc", 0, 5 },
		{ "a\r\nb\r\n\r\nc", 5, 8 },
		{ "a\r\nb\r\n\r\nc", 6, 0 },
		{ "a\r\n\r\nb\r\n\r\n", 3, 10 },
		{ "a\r\n\r\n", 5, 0 },
		{ "a\n\r\r\n", 0, 0 },
		{ "a\r\n\r\n", 99, 0 },
	};

	for (size_t i = 0; i < LEN(ends); i++) {
		size_t len = strlen(ends[i].text);

		is_int((int64_t)sl_h1_head_end(guarded(ends[i].text, len), len, ends[i].from),
		       (int64_t)ends[i].end, "the end of head %zu", i);
	}
}

int main(void)
{
	test_good();
	test_ordinary();
	for (size_t i = 0; i < LEN(bad); i++)
		refuses_request(bad[i].text, bad[i].status, bad[i].name);
	test_limits();
	test_responses();
	test_head_end();
	return done_testing();
}

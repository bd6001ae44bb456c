// SPDX-License-Identifier: Apache-2.0
// Persistence, fields that end at this hop, and upgrades.

#include <stdio.h>

#include "heads.h"

static int parse(int minor, const char *fields)
{
	char text[2048];
	int len =
		snprintf(text, sizeof(text), "GET / HTTP/1.%d\r\nHost: h\r\n%s\r\n", minor, fields);

	return parse_request((struct sl_str){ text, (size_t)len });
}

static void test_keep_alive(void)
{
	static const struct {
		int minor;
		const char *fields;
		bool keep_alive;
	} cases[] = {
		{ 1, "", true },
		{ 1, "Connection: close\r\n", false },
		{ 1, "Connection: CLOSE\r\n", false },
		{ 1, "Connection: a, ,close ,\r\n", false },
		{ 1, "Connection: a\r\nConnection: close\r\n", false },
		{ 1, "Connection: keep-alive, close\r\n", false },
		{ 1, "Connection: closed\r\n", true },
		{ 1, "Connection:\r\n", true },
		{ 1, "Proxy-Connection: close\r\n", true },
		{ 0, "", false },
		{ 0, "Connection: Keep-Alive\r\n", true },
		{ 0, "Connection: keep-alive, close\r\n", false },
		{ 0, "Proxy-Connection: keep-alive\r\n", false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		ok(parse(cases[i].minor, cases[i].fields) > 0, "accepted: case %zu", i);
		is_int(head.keep_alive, cases[i].keep_alive, "whether it stays open");
	}
}

static void test_hop(void)
{
	static const char *const hop[] = {
		"Connection", "Keep-Alive",	     "Proxy-Connection",   "TE",
		"Upgrade",    "Proxy-Authorization", "Proxy-Authenticate", "HTTP2-Settings"
	};
	static const char *const kept[] = {
		"Host",	     "Content-Length",	"Authorization",	"Cookie",
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Anything", "X-Real-IP",
		"Via",	     "X-Request-Id",	"Content-Type",		"Date"
	};
	char fields[256];

	for (size_t i = 0; i < LEN(hop); i++) {
		snprintf(fields, sizeof(fields), "%s: x\r\n", hop[i]);
		ok(parse(1, fields) > 0 && is_hop(hop[i]), "%s ends here", hop[i]);
	}
	ok(parse(1, "Trailer: x\r\n") > 0 && !is_hop("Trailer"), "Trailer does not");
	ok(parse(1, "Connection: x-a, Trailer\r\nX-A: 1\r\nTrailer: x\r\nX-AB: 2\r\n") > 0,
	   "named");
	ok(is_hop("X-A") && is_hop("Trailer") && !is_hop("X-AB"), "what is named ends here");
	ok(parse(1, "X-A: 1\r\nX-A: 2\r\nConnection: x-a\r\n") > 0, "named afterwards, and twice");
	ok(head.fields[1].is_hop && head.fields[2].is_hop, "all of that name end here");
	for (size_t i = 1; i < LEN(kept); i++) {
		snprintf(fields, sizeof(fields), "%s: 1\r\nConnection: %s\r\n", kept[i], kept[i]);
		ok(parse(1, fields) > 0 && !is_hop(kept[i]), "%s cannot be stripped", kept[i]);
	}
	ok(parse(1, "Connection: host\r\n") > 0 && !is_hop("Host"), "neither can Host");
}

static void test_malformed(void)
{
	char many[1024];
	size_t len = (size_t)snprintf(many, sizeof(many), "Connection: a");

	is_int(parse(1, "Connection: a b\r\n"), -EBADMSG, "a space in an option");
	is_int(head.error_status, 400, "is 400");
	is_int(parse(1, "Connection: a;b\r\n"), -EBADMSG, "a parameter");
	is_int(parse(1, "Connection: \"close\"\r\n"), -EBADMSG, "a quoted string");
	is_int(parse(1, "Connection: a, b, \x80\r\n"), -EBADMSG, "a byte above ASCII");
	ok(parse(1, "Connection: ,, ,\t,\r\n") > 0, "empty elements do not count");
	for (int i = 1; i < 32; i++)
		len += (size_t)snprintf(many + len, sizeof(many) - len, ",a");
	snprintf(many + len, sizeof(many) - len, "\r\n");
	ok(parse(1, many) > 0, "32 options");
	snprintf(many + len, sizeof(many) - len, ",a\r\n");
	is_int(parse(1, many), -EBADMSG, "33 options");
}

static void test_upgrade(void)
{
	ok(parse(1, "Connection: Upgrade\r\nUpgrade: websocket\r\n") > 0, "an upgrade");
	ok(head.is_upgrade, "is one");
	is_str(head.upgrade, "websocket", "to this");
	ok(parse(1, "Connection: keep-alive, upgrade\r\nUpgrade: a/1, b\r\n") > 0, "to a choice");
	is_str(head.upgrade, "a/1, b", "of these");
	ok(parse(0, "Connection: Upgrade\r\nUpgrade: websocket\r\n") > 0 && !head.is_upgrade,
	   "none in HTTP/1.0");
	ok(parse(1, "Upgrade: websocket\r\n") > 0 && !head.is_upgrade, "none without Connection");
	ok(parse(1, "Connection: Upgrade\r\n") > 0 && !head.is_upgrade, "none without Upgrade");
	ok(parse(1, "Connection: Upgrade\r\nUpgrade:\r\n") > 0 && !head.is_upgrade,
	   "none to nothing");
	ok(parse(1, "Connection: Upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n") > 0 && !head.is_upgrade,
	   "none by two fields");
	is_str(head.upgrade, "", "nothing is told of it");
}

int main(void)
{
	test_keep_alive();
	test_hop();
	test_malformed();
	test_upgrade();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Authorities: what names a host, and what only looks like one.

#include "http/uri.h"

#include "tap.h"

static const struct {
	const char *text, *host, *port;
} good[] = {
	{ "a", "a", "" },
	{ "example.com", "example.com", "" },
	{ "example.com.", "example.com.", "" },
	{ "Ex_A-mple.COM:8080", "Ex_A-mple.COM", "8080" },
	{ "127.0.0.1:80", "127.0.0.1", "80" },
	{ "a:0", "a", "0" },
	{ "a:65535", "a", "65535" },
	{ "a:00080", "a", "00080" },
	{ "[::1]", "[::1]", "" },
	{ "[::1]:443", "[::1]", "443" },
	{ "[2001:DB8::1]:1", "[2001:DB8::1]", "1" },
	{ "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", "" },
};

static const char *const bad[] = {
	"",
	":",
	":80",
	"a:",
	"a:65536",
	"a:99999",
	"a:000080",
	"a:abc",
	"a:80:80",
	"a:+80",
	"a: 80",
	"a:8 ",
	"a/b",
	"a,b",
	"a b",
	"a\\b",
	"a%00b",
	"a%41",
	"u@a",
	"u:p@a",
	"http://a/",
	"a?b",
	"a#b",
	".",
	"..",
	".a",
	"a..b",
	"a..",
	"[",
	"[]",
	"[::1",
	"::1",
	"[::1]x",
	"[::1]]",
	"[::1]80",
	"[::1]:",
	"[1.2.3.4]",
	"[fe80::1%25eth0]",
	"[v1.x]",
	"[:::1]",
	"[12345::]",
	"a\x80",
	"\xc3\xa9.de",
	"a\tb",
};

static void test_lengths(void)
{
	char name[257];
	struct sl_str host, port;

	memset(name, 'a', sizeof(name));
	ok(sl_authority_split((struct sl_str){ name, 255 }, &host, &port), "255 characters");
	ok(!sl_authority_split((struct sl_str){ name, 256 }, &host, &port), "256 characters");
	memcpy(name, "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", 56);
	ok(!sl_authority_split((struct sl_str){ name, 56 }, &host, &port), "a long address");
	ok(!sl_authority_split((struct sl_str){ "a\0b", 3 }, &host, &port), "a NUL");
	ok(!sl_authority_split((struct sl_str){ "[::1\0]", 6 }, &host, &port), "a NUL in brackets");
}

int main(void)
{
	struct sl_str host, port;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t len = strlen(good[i].text);
		struct sl_str s = { guarded(good[i].text, len), len };

		ok(sl_authority_split(s, &host, &port), "'%s' is valid", good[i].text);
		is_str(host, good[i].host, "its host");
		is_str(port, good[i].port, "its port");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t len = strlen(bad[i]);
		struct sl_str s = { guarded(bad[i], len), len };

		ok(!sl_authority_split(s, &host, &port), "'%s' is not", bad[i]);
	}
	test_lengths();
	return done_testing();
}

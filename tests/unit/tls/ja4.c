// SPDX-License-Identifier: Apache-2.0
// JA4 of hellos whose fingerprints are published, and of odd ones.
#include "tls/ja4.h"

#include <stdio.h>

#include "tap.h"

#define BYTES(text)                                                                                \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

/* As Chrome sends them, with its greases (0a0a, 5a5a...), in an order that it changes each time. */
#define CHROME_CIPHERS                                                                             \
	"\x0a\x0a\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8"         \
	"\xc0\x13\xc0\x14\x00\x9c\x00\x9d\x00\x2f\x00\x35"
#define CHROME_SIGNATURES "\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01"
#define TYPE(number) number "\0\0"

static const struct sl_str chrome_types[2] = {
	BYTES(TYPE("\x1a\x1a") TYPE("\x00\x2d") TYPE("\x00\x33") TYPE("\x00\x10") TYPE("\xfe\x0d")
		      TYPE("\x00\x17") TYPE("\x44\xcd") TYPE("\x00\x00") TYPE("\x00\x0b")
			      TYPE("\x00\x0a") TYPE("\x00\x2b") TYPE("\xff\x01") TYPE("\x00\x23")
				      TYPE("\x00\x12") TYPE("\x00\x05") TYPE("\x00\x0d")
					      TYPE("\x00\x1b") TYPE("\xea\xea")),
	BYTES(TYPE("\xaa\xaa") TYPE("\x00\x00") TYPE("\x00\x17") TYPE("\xff\x01") TYPE("\x00\x0a")
		      TYPE("\x00\x0b") TYPE("\x00\x23") TYPE("\x00\x10") TYPE("\x00\x05")
			      TYPE("\x00\x0d") TYPE("\x00\x12") TYPE("\x00\x33") TYPE("\x00\x2d")
				      TYPE("\x00\x2b") TYPE("\x00\x1b") TYPE("\x44\x69")
					      TYPE("\x3a\x3a") TYPE("\x00\x15")),
};

static struct sl_tls_hello chrome(unsigned which)
{
	return (struct sl_tls_hello){
		.version = 0x0303,
		.ciphers = BYTES(CHROME_CIPHERS),
		.types = chrome_types[which],
		.name = BYTES("www.example.org"),
		.protocols = BYTES("\x02h2\x08http/1.1"),
		.versions = BYTES("\x7a\x7a\x03\x04\x03\x03"),
		.signatures = BYTES(CHROME_SIGNATURES),
	};
}

static void is_ja4(struct sl_tls_hello h, const char *want, const char *what)
{
	char ja4[SL_JA4_LEN + 1];

	ok(sl_ja4_print(&h, ja4), "%s: there is one", what);
	is_str(sl_str_of(ja4), want, "%s: and which", what);
	ok(sl_ja4_is_valid(sl_str_of(ja4)), "%s: it looks like one", what);
}

static void published(void)
{
	is_ja4(chrome(0), "t13d1516h2_8daaf6152771_d8a2da3f94cd", "Chrome 143");
	is_ja4(chrome(1), "t13d1516h2_8daaf6152771_e5627efa2ab1", "Chrome 111");
}

static const struct {
	const char *what;
	struct sl_str protocols, versions, name, types;
	const char *want; /* before the hash of its one cipher */
} oddities[] = {
	{ "no extension", { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, "t12i010000" },
	{ "a name", { NULL, 0 }, { NULL, 0 }, BYTES("a"), BYTES("\0\0\0\0"), "t12d010100" },
	{ "one letter", BYTES("\x01h"), { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, "t12i0100hh" },
	{ "no letter", BYTES("\x01\xab"), { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, "t12i0100ab" },
	{ "a digit, and none",
	  BYTES("\x02\x30\xab"),
	  { NULL, 0 },
	  { NULL, 0 },
	  { NULL, 0 },
	  "t12i01003b" },
	{ "the first protocol",
	  BYTES("\x03spd\x02h2"),
	  { NULL, 0 },
	  { NULL, 0 },
	  { NULL, 0 },
	  "t12i0100sd" },
	{ "a version of old",
	  { NULL, 0 },
	  BYTES("\x03\x01\x03\x00"),
	  { NULL, 0 },
	  { NULL, 0 },
	  "t10i010000" },
	{ "no version but a grease",
	  { NULL, 0 },
	  BYTES("\x2a\x2a"),
	  { NULL, 0 },
	  { NULL, 0 },
	  "t00i010000" },
};

static void odd(void)
{
	for (unsigned i = 0; i < sizeof(oddities) / sizeof(*oddities); i++) {
		struct sl_tls_hello h = {
			.version = 0x0303,
			.ciphers = BYTES("\x13\x01"),
			.protocols = oddities[i].protocols,
			.versions = oddities[i].versions,
			.name = oddities[i].name,
			.types = oddities[i].types,
		};
		char want[SL_JA4_LEN + 1];

		snprintf(want, sizeof(want), "%s_0f2cb44170f4_000000000000", oddities[i].want);
		is_ja4(h, want, oddities[i].what);
	}
}

static void many(void)
{
	char list[2 * (SL_JA4_LIST_MAX + 1)], ja4[SL_JA4_LEN + 1];
	struct sl_tls_hello h = { .version = 0x0303 };

	for (unsigned i = 0; i < sizeof(list); i++)
		list[i] = i % 2 ? (char)(i / 2) : 1;
	list[sizeof(list) - 2] = 2;
	h.ciphers = (struct sl_str){ list, sizeof(list) - 2 };
	ok(sl_ja4_print(&h, ja4) && strncmp(ja4, "t12i990000_", 11) == 0,
	   "of many ciphers 99 are counted");
	h.ciphers.len += 2;
	ok(!sl_ja4_print(&h, ja4) && ja4[0] == '\0', "of too many none is made");
}

static void looks(void)
{
	static const char *const others[] = {
		"",
		"t13d1516h2_8daaf6152771_b186095e22b",
		"t13d1516h2_8daaf6152771_b186095e22b66",
		"T13d1516h2_8daaf6152771_b186095e22b6",
		"t13d1516h2-8daaf6152771_b186095e22b6",
		"t13d1516h2_8daaf6152771-b186095e22b6",
		"t13d1516h2_8DAAF6152771_b186095e22b6",
		"t13d1516h2_8daaf615277g_b186095e22b6",
		"t13d1516 2_8daaf6152771_b186095e22b6",
	};

	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		ok(!sl_ja4_is_valid(sl_str_of(others[i])), "'%s' is none", others[i]);
}

int main(void)
{
	published();
	odd();
	many();
	looks();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Which certificate a name gets: exact before wildcard, first before later, one for each kind.
#include "tls/names.h"

#include <stdio.h>

#include "tap.h"

struct entry {
	const char *host;
	unsigned pair;
	enum sl_tls_key_kind kind;
};

/* Written down in the order in which they are chosen for. */
struct made {
	struct sl_tls_choice choice[16];
	int nr;
};

static int choose(void *arg, const struct sl_tls_choice *choice)
{
	struct made *m = arg;

	m->choice[m->nr] = *choice;
	return m->nr++;
}

static const struct entry entries[] = {
	{ "a.example", 0, SL_TLS_ECDSA },
	{ "A.example", 1, SL_TLS_RSA },
	{ "a.example", 2, SL_TLS_RSA },
	{ "*.example", 3, SL_TLS_ECDSA },
	{ "*.a.example", 4, SL_TLS_ECDSA },
	{ "*.a.example", 5, SL_TLS_EDDSA },
	{ "x.a.example", 6, SL_TLS_ECDSA },
	{ "not a host", 7, SL_TLS_ECDSA },
	{ "", 7, SL_TLS_ECDSA },
	{ "*", 7, SL_TLS_ECDSA },
	{ "*.", 7, SL_TLS_ECDSA },
	{ "b.*.example", 7, SL_TLS_ECDSA },
	{ "w*.example", 7, SL_TLS_ECDSA },
	{ ".example", 7, SL_TLS_ECDSA },
	{ "b..example", 7, SL_TLS_ECDSA },
};

enum { NO = SL_TLS_NO_PAIR };

static const struct {
	const char *host;
	struct sl_tls_choice want; /* RSA, ECDSA, EdDSA */
} finds[] = {
	{ "a.example", { { 1, 0, NO } } },     { "A.EXAMPLE", { { 1, 0, NO } } },
	{ "b.example", { { NO, 3, NO } } },    { "b.a.example", { { NO, 4, 5 } } },
	{ "x.a.example", { { NO, 6, NO } } },  { "X.A.Example", { { NO, 6, NO } } },
	{ "example", { { NO, NO, NO } } },     { "b.x.a.example", { { NO, NO, NO } } },
	{ "b.b.example", { { NO, NO, NO } } }, { "*.example", { { NO, NO, NO } } },
	{ ".example", { { NO, NO, NO } } },    { ".a.example", { { NO, NO, NO } } },
	{ "a.example.", { { NO, NO, NO } } },  { "a.exampl", { { NO, NO, NO } } },
	{ "a.examplee", { { NO, NO, NO } } },  { "", { { NO, NO, NO } } },
};

static bool is_same(const struct sl_tls_choice *a, const struct sl_tls_choice *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void test_table(void)
{
	struct sl_tls_names t = { .nr = 0 };
	struct made made = { .nr = 0 };
	const struct sl_tls_choice none = { { NO, NO, NO } };

	for (unsigned i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		sl_tls_names_add(&t, sl_str_of(entries[i].host), entries[i].pair, entries[i].kind);
	is_int(t.nr, 7, "what is no host is left out");
	is_int(sl_tls_names_settle(&t, choose, &made), 0, "settled");
	is_int(made.nr, 4, "once for each name");
	for (unsigned i = 0; i < sizeof(finds) / sizeof(*finds); i++) {
		size_t len = strlen(finds[i].host);
		int found =
			sl_tls_names_find(&t, (struct sl_str){ guarded(finds[i].host, len), len });

		ok(is_same(found < 0 ? &none : &made.choice[found], &finds[i].want), "'%s'",
		   finds[i].host);
	}
	sl_tls_names_fini(&t);
}

static void test_lengths(void)
{
	char host[300];
	struct sl_tls_names t = { .nr = 0 };
	struct made made = { .nr = 0 };

	for (unsigned i = 0; i < sizeof(host); i++)
		host[i] = i % 64 == 63 ? '.' : 'a';
	sl_tls_names_add(&t, (struct sl_str){ host, 253 }, 0, SL_TLS_RSA);
	is_int(t.nr, 1, "253 bytes are a host");
	sl_tls_names_add(&t, (struct sl_str){ host, 254 }, 0, SL_TLS_RSA);
	is_int(t.nr, 1, "254 are none");
	host[63] = 'a';
	sl_tls_names_add(&t, (struct sl_str){ host, 64 }, 0, SL_TLS_RSA);
	is_int(t.nr, 1, "nor is a label of 64");
	host[63] = '.';
	sl_tls_names_settle(&t, choose, &made);
	is_int(sl_tls_names_find(&t, (struct sl_str){ host, 253 }), 0, "the long one is found");
	is_int(sl_tls_names_find(&t, (struct sl_str){ host, 300 }), -1, "a longer one is not");
	sl_tls_names_fini(&t);
	is_int(sl_tls_names_find(&t, SL_S("a.example")), -1, "nothing is found in nothing");
}

static int refuse(void *arg, const struct sl_tls_choice *choice)
{
	return -12;
}

int main(void)
{
	struct sl_tls_names t = { .nr = 0 };

	test_table();
	test_lengths();
	sl_tls_names_add(&t, SL_S("a"), 0, SL_TLS_RSA);
	is_int(sl_tls_names_settle(&t, refuse, NULL), -12, "a choice that fails is told of");
	sl_tls_names_fini(&t);
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Secrets in queries: which values are hidden, however their names are written, and which are not.
#include "observe/redact.h"

#include "tap.h"

static struct sl_str names[] = { SL_STR("token"), SL_STR("api_key"), SL_STR("X-Sig") };

static const struct {
	const char *query, *want;
} cases[] = {
	{ "", "" },
	{ "a=1", "a=1" },
	{ "token", "token" },
	{ "token=", "token=REDACTED" },
	{ "token=abc", "token=REDACTED" },
	{ "a=1&token=abc&b=2", "a=1&token=REDACTED&b=2" },
	{ "token=a&token=b", "token=REDACTED&token=REDACTED" },
	{ "TOKEN=abc", "TOKEN=REDACTED" },
	{ "x-sig=abc&api_key=d", "x-sig=REDACTED&api_key=REDACTED" },
	{ "tok%65n=abc", "tok%65n=REDACTED" },
	{ "%74oken=abc", "%74oken=REDACTED" },
	{ "%54OKEN=abc", "%54OKEN=REDACTED" },
	{ "tokens=abc", "tokens=abc" },
	{ "mytoken=abc", "mytoken=abc" },
	{ "a=token=abc", "a=token=abc" },
	{ "a=1;token=abc;d&e=1", "a=1;token=REDACTED&e=1" },
	{ "token=a=b", "token=REDACTED" },
	{ "&&token=a&", "&&token=REDACTED&" },
	{ "=a&token=b", "=a&token=REDACTED" },
	{ "tok%6=abc", "tok%6=abc" },
	{ "%", "%" },
};

static struct sl_str printed(const struct sl_redact *r, struct sl_str query, char mem[200])
{
	struct sl_out o;

	sl_out_init(&o, mem, 200);
	sl_redact_print(r, &o, query, sl_out_str);
	return sl_out_done(&o);
}

/* A name one longer than the longest that can be looked for must not match its beginning. */
static void long_names(void)
{
	static char query[SL_REDACT_NAME_MAX + 8], mem[200];
	struct sl_str longest = { query, SL_REDACT_NAME_MAX };
	struct sl_redact r = { .names = &longest, .names_nr = 1 };
	struct sl_out o;

	memset(query, 'n', sizeof(query));
	sl_redact_index(&r);
	memcpy(query + SL_REDACT_NAME_MAX, "=v", 3);
	sl_out_init(&o, mem, sizeof(mem));
	sl_redact_print(&r, &o, sl_str_of(query), sl_out_str);
	ok(memcmp(o.pos - 9, "=REDACTED", 9) == 0, "the longest name is found");
	memcpy(query + SL_REDACT_NAME_MAX, "n=v", 4);
	is_str(printed(&r, sl_str_of(query), mem), query, "one byte more is another name");
}

int main(void)
{
	struct sl_redact r = { .names = names, .names_nr = 3 }, none = { .names_nr = 0 };
	char mem[200];
	struct sl_out o;

	sl_redact_index(&r);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_str(printed(&r, sl_str_of(cases[i].query), mem), cases[i].want, "%s",
		       cases[i].query);
	is_str(printed(&none, SL_S("token=abc"), mem), "token=abc", "no names hide nothing");
	sl_out_init(&o, mem, sizeof(mem));
	sl_redact_print_uri(&r, &o, SL_S("https://a/token=x?token=y&b"), sl_out_str);
	is_str(sl_out_done(&o), "https://a/token=x?token=REDACTED&b", "of a URI only the query");
	sl_out_init(&o, mem, sizeof(mem));
	sl_redact_print_uri(&r, &o, SL_S("https://a/"), sl_out_str);
	is_str(sl_out_done(&o), "https://a/", "a URI without one stays as it is");
	long_names();
	return done_testing();
}

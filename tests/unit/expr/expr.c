// SPDX-License-Identifier: Apache-2.0
// Conditions: what holds of one request, what never does, and what is no condition.
#include "expr/expr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "expr/claims.h"
#include "tap.h"

static struct sl_arena arena;
static struct sl_ip client;

/* ---- the request ---- */

static struct sl_str find_param(const void *arg, struct sl_str name)
{
	static const struct {
		struct sl_str name, value;
	} params[] = { { SL_STR("user"), SL_STR("alice") },
		       { SL_STR("mail"), SL_STR("a%40b%2ec") },
		       { SL_STR("broken"), SL_STR("50%") },
		       { SL_STR("team-id"), SL_STR("ops") } };

	for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++)
		if (sl_str_eq(params[i].name, name))
			return params[i].value;
	return (struct sl_str){ NULL, 0 };
}

static struct sl_str find_field(const void *arg, struct sl_str name)
{
	return sl_str_ieq(name, SL_S("x-tenant")) ? SL_S("Acme") : (struct sl_str){ NULL, 0 };
}

/* In the order in which the expression names them. */
static struct sl_str pack(const struct sl_expr_claims *claims, char *mem, size_t size)
{
	static const struct {
		struct sl_str path, text;
		bool is_list;
	} known[] = {
		{ SL_STR("sub"), SL_STR("alice"), false },
		{ SL_STR("mail"), SL_STR("a@b.c"), false },
		{ SL_STR("level"), SL_STR("3"), false },
		{ SL_STR("verified"), SL_STR("true"), false },
		{ SL_STR("empty"), SL_STR(""), false },
		{ SL_STR("realm\x1f"
			 "roles"),
		  SL_STR("ops,dev ops"), true },
		{ SL_STR("none"), SL_STR(""), true },
		{ SL_STR("https://a/b c"), SL_STR("x"), false },
	};
	struct sl_out o;

	sl_out_init(&o, mem, size);
	for (unsigned i = 0; i < claims->nr; i++) {
		size_t k = 0, begin;

		while (k < sizeof(known) / sizeof(*known) &&
		       !sl_str_eq(known[k].path, claims->paths[i]))
			k++;
		if (k == sizeof(known) / sizeof(*known)) {
			sl_claim_end(&o, sl_claim_begin(&o, SL_CLAIM_MISSING));
			continue;
		}
		begin = sl_claim_begin(&o, known[k].is_list ? SL_CLAIM_LIST : SL_CLAIM_TEXT);
		if (known[k].is_list && known[k].text.len) {
			sl_claim_put_item(&o, SL_S("ops"));
			sl_claim_put_item(&o, SL_S("dev ops"));
		} else {
			sl_out_str(&o, known[k].text);
		}
		sl_claim_end(&o, begin);
	}
	return sl_out_done(&o);
}

static bool holds(const struct sl_expr *e, const struct sl_expr_claims *claims)
{
	static const struct sl_str groups[] = { SL_STR("gold"), SL_STR("eu") };
	char mem[4096];
	const struct sl_expr_request r = {
		.method = SL_STR("GET"),
		.path = SL_STR("/users/alice/a%20b"),
		.host = SL_STR("API.example"),
		.client = &client,
		.consumer = SL_STR("acme"),
		.groups = groups,
		.groups_nr = 2,
		.token_groups = SL_STR("ops admin"),
		.scopes = SL_STR("read write:all"),
		.claims = pack(claims, mem, sizeof(mem)),
		.find_param = find_param,
		.find_field = find_field,
	};

	return sl_expr_holds(e, &r);
}

/* ---- tables ---- */

static const char *const true_ones[] = {
	"method == 'GET'",
	"method in ['GET', \"HEAD\"]",
	"method not in ['POST']",
	"method != 'POST'",
	"path starts_with '/users/'",
	"path ends_with 'a b'",
	"path == '/users/alice/a b'",
	"path.user == 'alice'",
	"path.user == claims.sub",
	"claims.sub == path.user",
	"claims.mail == path.mail",
	"path.mail == claims.mail && path.mail == 'a@b.c'",
	"path.mail starts_with 'a@' && path.mail ends_with '@b.c'",
	"path.broken == '50%'",
	"path.team-id == 'ops'",
	"path.team-id in groups",
	"host == 'api.example' && host == 'Api.Example'",
	"host ends_with '.EXAMPLE'",
	"consumer == 'acme'",
	"groups has 'gold' && groups has 'admin'",
	"'eu' in groups",
	"scopes has 'write:all'",
	"exists(scopes) && exists(groups) && exists(client) && exists(claims.sub)",
	"client in ['192.0.2.0/24', '2001:db8::/32']",
	"client == '192.0.2.7'",
	"client != '192.0.2.8'",
	"client not in ['10.0.0.0/8']",
	"claims.level == 3 && claims.level == '3' && claims.level in [2, 3]",
	"claims.verified == true",
	"claims.empty == ''",
	"exists(claims.empty)",
	"exists(claims.none)",
	"claims.realm.roles has 'dev ops'",
	"'ops' in claims.realm.roles",
	"path.team-id in claims.realm.roles",
	"claims.sub has 'alice'",
	"claims['https://a/b c'] == 'x'",
	"claims['realm'].roles has 'ops'",
	"header('X-Tenant') == 'Acme'",
	"exists(header('x-tenant'))",
	"!(claims.nobody == 'x') || method == 'GET'",
	"!(claims.nobody == 'x' && method == 'POST')",
	"!(method == 'POST' && claims.nobody == 'x')",
	"!exists(claims.nobody) || claims.nobody != true",
	"!exists(claims.nobody)",
	"!!(method == 'GET')",
	"!(method == 'GET' && consumer == 'x') || method == 'x'",
	"method == 'x' || consumer == 'acme' && groups has 'eu'",
	"(method == 'x' || consumer == 'acme') && groups has 'eu'",
	"consumer == 'x' && consumer == 'y' || method == 'GET'",
	"!(method == 'x' || consumer == 'x' || groups has 'x')",
	"'alice' == claims.sub",
};

static const char *const false_ones[] = {
	"method == 'get'",
	"method == 'GE'",
	"method == 'GETS'",
	"method starts_with 'GETS'",
	"method ends_with 'XGET'",
	"method not in ['GET']",
	"path == '/users/alice/a%20b'",
	"path.user == 'Alice'",
	"path.nobody == ''",
	"path.nobody != 'alice'",
	"claims.nobody == ''",
	"claims.nobody != 'x'",
	"claims.nobody not in ['x']",
	"claims.nobody in ['']",
	"claims.nobody == path.nobody",
	"claims.nobody != path.user",
	"claims.sub != claims.nobody",
	"claims.nobody starts_with ''",
	"consumer starts_with ''",
	"path starts_with claims.empty",
	"path ends_with claims.empty",
	"claims.nobody ends_with ''",
	"claims.nobody has ''",
	"claims.sub != path.user",
	"claims.realm.roles == 'ops'",
	"claims.realm.roles != 'ops'",
	"claims.realm.roles in ['ops']",
	"claims.realm.roles not in ['x']",
	"claims.realm.roles starts_with 'ops'",
	"claims.realm.roles has 'dev'",
	"claims.realm.roles has 'OPS'",
	"claims.realm.roles has claims.realm.roles",
	"claims.realm == 'x'",
	"claims.none has ''",
	"claims.sub has 'ali'",
	"groups has 'gol'",
	"groups has ''",
	"groups has 'ops admin'",
	"scopes has 'write'",
	"scopes has 'read write:all'",
	"client in ['192.0.3.0/24']",
	"client == '192.0.2.8'",
	"client != '192.0.2.7'",
	"client not in ['192.0.2.0/24']",
	"client == '::192.0.2.7'",
	"header('x-other') == ''",
	"header('x-other') != 'a'",
	"header('x-tenant') == 'acme'",
	"!(method == 'GET')",
	"!(claims.nobody == 'x')",
	"!(claims.nobody != 'x')",
	"!!(claims.nobody == 'x')",
	"!(claims.nobody has 'x')",
	"!(groups has claims.nobody)",
	"!(claims.nobody in ['x'])",
	"!(claims.nobody starts_with 'x')",
	"!(claims.realm.roles == 'ops')",
	"!(path.nobody == 'x')",
	"!(header('x-other') == 'a')",
	"!(claims.nobody == 'x' || method == 'POST')",
	"!(method == 'POST' || claims.nobody == 'x')",
	"!(claims.nobody == 'x' && method == 'GET')",
	"!(!(claims.nobody == 'x') && method == 'GET')",
	"!exists(consumer)",
	"method == 'GET' && consumer == 'x'",
	"(method == 'GET' || consumer == 'acme') && groups has 'x'",
	"!(consumer == 'x' && method == 'GET') && consumer == 'x'",
};

static const struct {
	const char *text, *why;
	size_t at;
} faults[] = {
	{ "", "a name, a string or a number is expected, and it ends", 0 },
	{ "   ", "is expected, and it ends", 3 },
	{ "method", "'==', '!=', 'in'", 6 },
	{ "method = 'x'", "no word begins so", 7 },
	{ "method == x", "'x' is unknown: method, path, path.NAME, host", 10 },
	{ "method == 'x", "this string has no end", 10 },
	{ "method == 'x\n'", "control character", 10 },
	{ "method == 'a' 'b'", "'&&', '||' or the end is expected", 14 },
	{ "method == 'a' &&", "and it ends", 16 },
	{ "method == 'a' & method == 'b'", "no word begins so", 14 },
	{ "(method == 'a'", "')' is expected, and it ends", 14 },
	{ "method == 'a')", "'&&', '||' or the end", 13 },
	{ "method in []", "a string or a number is expected", 11 },
	{ "method in ['a' 'b']", "']' is expected", 15 },
	{ "method in ['a',]", "a string or a number is expected", 15 },
	{ "method in 'a'", "'has' asks groups, scopes or a claim", 0 },
	{ "method not 'a'", "'==', '!=', 'in'", 11 },
	{ "method not in groups", "a list in brackets is expected", 14 },
	{ "method has 'a'", "'has' asks groups, scopes or a claim", 0 },
	{ "groups == 'a'", "'groups' is a list: ask it with 'has'", 0 },
	{ "scopes in ['a']", "'scopes' is a list", 0 },
	{ "method == groups", "a list stands behind 'in'", 0 },
	{ "'a' == 'a'", "this is always the same", 0 },
	{ "true == false", "this is always the same", 0 },
	{ "client == 'x'", "'client' is compared with addresses", 0 },
	{ "client in ['10.0.0.1/8']", "'client' is compared with addresses", 0 },
	{ "client == claims.ip", "'client' goes with '=='", 0 },
	{ "claims.ip == client", "'client' stands before", 0 },
	{ "client starts_with '10.'", "'client' goes with '=='", 0 },
	{ "claims == 'a'", "'.' and the name of a claim", 7 },
	{ "claims. == 'a'", "the name of a claim is expected", 8 },
	{ "claims['a' == 'a'", "']' is expected", 11 },
	{ "path. == 'a'", "the name of a parameter", 6 },
	{ "header == 'a'", "'(' is expected", 7 },
	{ "header(x) == 'a'", "the name of a field, in quotes, is expected", 7 },
	{ "exists(method", "')' is expected", 13 },
	{ "exists method", "'(' is expected", 7 },
	{ "exists('a')", "this is always the same", 0 },
	{ "1a == method", "this is no number", 0 },
	{ "- == method", "this is no number", 0 },
	{ "method == 'a' || !", "and it ends", 18 },
	{ "this_name_is_longer_than_thirty_two_bytes == 'a'",
	  "'this_name_is_longer_than_thirty_' is unknown", 0 },
};

static void judge(const char *text, bool want)
{
	struct sl_expr_claims claims = { .nr = 0 };
	const struct sl_expr *e = NULL;
	struct sl_expr_fault fault;

	if (!ok(sl_expr_compile(&arena, sl_str_of(text), &claims, &e, &fault) == 0, "%s", text))
		printf("# %zu: %s\n", fault.at, fault.why);
	else
		is_int(holds(e, &claims), want, "is %s", want ? "true" : "false");
}

static void refuse(const char *text, const char *why, size_t at)
{
	struct sl_expr_claims claims = { .nr = 0 };
	struct sl_expr_fault fault = { 0 };
	const struct sl_expr *e;

	is_int(sl_expr_compile(&arena, sl_str_of(text), &claims, &e, &fault), -EINVAL,
	       "refused: %.60s", text);
	ok(strstr(fault.why, why) != NULL, "for its reason: %s", fault.why);
	is_int((long)fault.at, (long)at, "at its place");
}

/* `unit` so many times, with `between` them. */
static const char *repeat(const char *unit, const char *between, unsigned nr)
{
	static char mem[8192];
	size_t len = 0;

	for (unsigned i = 0; i < nr && len < sizeof(mem) - 64; i++)
		len += (size_t)snprintf(mem + len, sizeof(mem) - len, "%s%s", i ? between : "",
					unit);
	return mem;
}

static void limits(void)
{
	char text[4096];

	judge(repeat("method == 'GET'", " && ", 64), true);
	judge(repeat("method == 'x'", " || ", 64), false);
	refuse(repeat("method == 'GET'", " && ", 65), "more than 64 comparisons", 1216);
	snprintf(text, sizeof(text), "%.16smethod == 'GET'%.16s", "((((((((((((((((",
		 "))))))))))))))))");
	judge(text, true);
	snprintf(text, sizeof(text), "%.17smethod == 'GET'", "(((((((((((((((((");
	refuse(text, "more than 16 brackets", 17);
	snprintf(text, sizeof(text), "%s(method == 'GET')", repeat("!", "", 1000));
	judge(text, true);
	snprintf(text, sizeof(text), "method in [%s]", repeat("'a'", ",", 65));
	refuse(text, "more than 64 items", 11 + 64 * 4);
	snprintf(text, sizeof(text), "method == '%02100d'", 0);
	refuse(text, "longer than 2048 bytes", 2048);
}

static void many_claims(void)
{
	struct sl_expr_claims claims = { .nr = 0 };
	struct sl_expr_fault fault;
	const struct sl_expr *e;
	char text[64];
	int ret = 0;

	for (unsigned i = 0; i < SL_EXPR_CLAIMS_MAX; i++) {
		char *mem = sl_arena_alloc(&arena, sizeof(text));

		snprintf(mem, sizeof(text), "claims.a%u == claims.a0", i);
		ret |= sl_expr_compile(&arena, sl_str_of(mem), &claims, &e, &fault);
	}
	is_int(ret, 0, "as many claims as there may be");
	is_int(claims.nr, SL_EXPR_CLAIMS_MAX, "each once");
	is_int(sl_expr_compile(&arena, SL_S("claims.b == 'x'"), &claims, &e, &fault), -EINVAL,
	       "one more");
	ok(strstr(fault.why, "more than 32 different claims") != NULL, "is too many: %s",
	   fault.why);
}

static void needs(void)
{
	static const struct {
		const char *text;
		unsigned mask;
	} cases[] = {
		{ "method == 'a' && client in ['10.0.0.0/8'] && header('a') == path.b", 0 },
		{ "method == 'a' || consumer == 'a'", SL_EXPR_OF_WHO },
		{ "path.a in groups", SL_EXPR_OF_WHO },
		{ "scopes has 'a'", SL_EXPR_OF_WHO | SL_EXPR_OF_TOKEN },
		{ "path.a == claims.a", SL_EXPR_OF_WHO | SL_EXPR_OF_TOKEN },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sl_expr_claims claims = { .nr = 0 };
		struct sl_expr_fault fault;
		const struct sl_expr *e;

		if (ok(sl_expr_compile(&arena, sl_str_of(cases[i].text), &claims, &e, &fault) == 0,
		       "%s", cases[i].text))
			is_int(sl_expr_needs(e), cases[i].mask, "needs what it says");
	}
}

int main(void)
{
	sl_arena_init(&arena, NULL, 0, 64 << 20);
	sl_ip_parse(SL_S("192.0.2.7"), &client);
	for (size_t i = 0; i < sizeof(true_ones) / sizeof(*true_ones); i++)
		judge(true_ones[i], true);
	for (size_t i = 0; i < sizeof(false_ones) / sizeof(*false_ones); i++)
		judge(false_ones[i], false);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		refuse(faults[i].text, faults[i].why, faults[i].at);
	limits();
	many_claims();
	needs();
	sl_arena_fini(&arena);
	return done_testing();
}

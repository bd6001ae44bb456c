// SPDX-License-Identifier: Apache-2.0
// Routes that share host and path: told apart by headers and query, in the order of precedence.
#include "route/conditions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "route/leaf.h"
#include "routes.h"
#include "tap.h"

#define M(name) (1u << SL_METHOD_##name)
#define NR(array) (sizeof(array) / sizeof((array)[0]))

enum { GET = SL_METHOD_GET, HEAD = SL_METHOD_HEAD, PUT = SL_METHOD_PUT };
enum { DELETE = SL_METHOD_DELETE, ROUTES_MAX = 32 };

struct rule {
	const char *name, *host, *path; /* "~" begins an expression */
	uint32_t methods;
	const char *conditions;
};

struct fact {
	const char *host, *path, *query;
	unsigned method;
	const char *fields;
	const char *route; /* "404", "405" */
	const char *says;
};

struct world {
	struct sl_route routes[ROUTES_MAX];
	struct routes_memory mem[ROUTES_MAX];
	struct sl_route_table *table;
	unsigned a, b;
	const char *why;
};

static int world_init(struct world *w, const struct rule *rules, unsigned nr)
{
	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < nr; i++) {
		struct sl_route *r = &w->routes[i];

		*r = (struct sl_route){ .name = rules[i].name, .methods = rules[i].methods };
		if (rules[i].path[0] == '~')
			r->path_regex = sl_str_of(rules[i].path + 1);
		else
			r->path = sl_str_of(rules[i].path);
		routes_set_conditions(r, &w->mem[i], rules[i].conditions);
		if (!rules[i].host)
			continue;
		w->mem[i].hosts[0] = sl_str_of(rules[i].host);
		r->hosts = w->mem[i].hosts;
		r->hosts_nr = 1;
	}
	return sl_route_table_new(&w->table, w->routes, nr, &w->a, &w->b, &w->why);
}

static const char *const verdicts[] = {
	[SL_ROUTE_NONE] = "404",
	[SL_ROUTE_METHOD] = "405",
	[SL_ROUTE_GAVE_UP] = "gave up",
};

static bool is_seen(const void *context, const struct sl_field *f)
{
	return !f->is_hop;
}

static struct sl_regex_scratch *scratch;

static void check_fact(const struct world *w, const struct fact *f)
{
	struct sl_field fields[ROUTES_FIELDS_MAX];
	struct sl_route_request req = {
		.host = sl_str_of(f->host),
		.path = sl_str_of(f->path),
		.method = (enum sl_method)f->method,
		.fields = fields,
		.fields_nr = routes_fields(f->fields, fields),
		.is_seen = is_seen,
		.scratch = scratch,
	};
	struct sl_route_match m;
	enum sl_route_result result;
	size_t len = strlen(f->query);

	req.query = (struct sl_str){ guarded(f->query, len), len };
	for (unsigned i = 0; i < req.fields_nr; i++)
		fields[i].is_hop = fields[i].id == SL_FIELD_TE;
	result = sl_route_find(w->table, &req, &m);
	is_str(sl_str_of(m.route ? m.route->name : verdicts[result]), f->route, "%s", f->says);
}

static void check(const struct rule *rules, unsigned rules_nr, const struct fact *facts,
		  unsigned facts_nr)
{
	struct world w;

	is_int(world_init(&w, rules, rules_nr), 0, "the table is built");
	for (unsigned i = 0; w.table && i < facts_nr; i++)
		check_fact(&w, &facts[i]);
	sl_route_table_free(w.table);
}

/* clang-format off */
/* Each line of precedence, its weaker side first in the file: only precedence can turn it round. */
static const struct rule precedence_rules[] = {
	{ "any-host",      NULL,        "/p",        0,      "h:a=1 h:b=1 h:c=1" },
	{ "wild",          "*.org",     "/p",        0,      "h:a=1 h:b=1" },
	{ "wild-long",     "*.x.org",   "/p",        0,      "h:a=1" },
	{ "exact-host",    "h.x.org",   "/p",        0,      "" },
	{ "prefix",        "path",      "/a/*",      M(GET), "h:a=1 h:b=1 h:c=1" },
	{ "prefix-long",   "path",      "/a/b/*",    M(GET), "h:a=1 h:b=1" },
	{ "param",         "path",      "/a/b/{x}",  M(GET), "h:a=1" },
	{ "exact",         "path",      "/a/b/c",    0,      "" },
	{ "all-methods",   "method",    "/m",        0,      "h:a=1 h:b=1 q:a=1" },
	{ "get",           "method",    "/m",        M(GET), "" },
	{ "head",          "method",    "/m",        M(HEAD), "h:a=1" },
	{ "plain",         "count",     "/c",        0,      "" },
	{ "query-1",       "count",     "/c",        0,      "q:a=1" },
	{ "query-2",       "count",     "/c",        0,      "q:a=1 q:b=1" },
	{ "header-1",      "count",     "/c",        0,      "h:a=1" },
	{ "header-1q",     "count",     "/c",        0,      "h:a=1 q:c=1" },
	{ "header-2",      "count",     "/c",        0,      "h:a=1 h:b=1" },
	{ "first",         "order",     "/o",        0,      "h:a=1" },
	{ "second",        "order",     "/o",        0,      "h:b=1" },
};

static const struct fact precedence_facts[] = {
	{ "h.x.org", "/p", "", GET, "a: 1\nb: 1\nc: 1", "exact-host", "an exact host before all" },
	{ "i.x.org", "/p", "", GET, "a: 1\nb: 1\nc: 1", "wild-long", "the longer wildcard" },
	{ "i.y.org", "/p", "", GET, "a: 1\nb: 1\nc: 1", "wild", "the shorter one" },
	{ "i.x.org", "/p", "", GET, "a: 2\nb: 1\nc: 1", "404", "no condition holds anywhere" },
	{ "other", "/p", "", GET, "a: 1\nb: 1\nc: 1", "any-host", "any host" },
	{ "path", "/a/b/c", "", GET, "a: 1\nb: 1\nc: 1", "exact", "an exact path before all" },
	{ "path", "/a/b/d", "", GET, "a: 1\nb: 1\nc: 1", "param", "a parameter before prefixes" },
	{ "path", "/a/b/d", "", GET, "a: 1\nb: 1", "param", "however few its conditions" },
	{ "path", "/a/b/d/e", "", GET, "a: 1\nb: 1\nc: 1", "prefix-long", "the longer prefix" },
	{ "path", "/a/z", "", GET, "a: 1\nb: 1\nc: 1", "prefix", "the shorter prefix" },
	{ "path", "/a/b/d/e", "", GET, "a: 1\nb: 2\nc: 1", "404", "prefixes whose headers fail" },
	{ "method", "/m", "a=1", GET, "a: 1\nb: 1", "get", "a named method before conditions" },
	{ "method", "/m", "a=1", HEAD, "a: 1\nb: 1", "head", "HEAD before GET's HEAD" },
	{ "method", "/m", "a=1", HEAD, "a: 2\nb: 1", "get", "GET's HEAD when its header fails" },
	{ "method", "/m", "a=1", PUT, "a: 1\nb: 1", "all-methods", "all methods otherwise" },
	{ "method", "/m", "", PUT, "a: 1\nb: 1", "405", "else the plain one refuses the method" },
	{ "count", "/c", "a=1&b=1&c=1", GET, "a: 1\nb: 1", "header-2", "most headers" },
	{ "count", "/c", "a=1&b=1&c=1", GET, "a: 1", "header-1q", "then most parameters" },
	{ "count", "/c", "a=1&b=1", GET, "a: 1", "header-1", "a header before two parameters" },
	{ "count", "/c", "a=1&b=1", GET, "", "query-2", "two parameters before one" },
	{ "count", "/c", "a=1&b=2", GET, "", "query-1", "one before none" },
	{ "count", "/c", "b=1", GET, "b: 1", "plain", "none" },
	{ "order", "/o", "", GET, "a: 1\nb: 1", "first", "of equals the first in the file" },
	{ "order", "/o", "", GET, "b: 1", "second", "unless it fails" },
};

static const struct rule value_rules[] = {
	{ "version",  NULL, "/h", 0, "h:X-Version=2" },
	{ "debug",    NULL, "/h", 0, "h:x-debug" },
	{ "no-token", NULL, "/h", 0, "h:!x-token h:x-open=yes" },
	{ "te",       NULL, "/h", 0, "h:te" },
	{ "q-a",      NULL, "/q", 0, "q:a=1" },
	{ "q-space",  NULL, "/q", 0, "q:sp=x" },
	{ "q-slash",  NULL, "/q", 0, "q:p=/&" },
	{ "q-empty",  NULL, "/q", 0, "q:e=" },
	{ "q-flag",   NULL, "/q", 0, "q:flag" },
	{ "q-not",    NULL, "/q", 0, "q:!no q:yes" },
	{ "less",     NULL, "/h/*", M(PUT), "" },
};

static const struct fact value_facts[] = {
	{ "", "/h", "", GET, "x-version: 2", "version", "a field's name in any case" },
	{ "", "/h", "", GET, "x-version: 22", "405", "a value is compared whole" },
	{ "", "/h", "", GET, "x-version: ", "405", "an empty one is another" },
	{ "", "/h", "", GET, "x-version2: 2", "405", "a name is compared whole" },
	{ "", "/h", "", GET, "x-version: 2\nX-VERSION: 2", "405", "twice is no value at all" },
	{ "", "/h", "", GET, "x-version: 2\nX-VERSION: 1", "405", "whichever one would read" },
	{ "", "/h", "", GET, "x-debug: ", "debug", "present is enough, if empty" },
	{ "", "/h", "", GET, "x-debug: 1\nx-debug: 2", "debug", "or twice" },
	{ "", "/h", "", GET, "x-open: yes", "no-token", "one field there, another not" },
	{ "", "/h", "", GET, "x-open: yes\nx-token: ", "405", "it may not be there at all" },
	{ "", "/h", "", GET, "te: trailers", "405", "what upstreams do not get is not there" },
	{ "", "/h", "", PUT, "", "less", "conditions fail: the less specific path" },
	{ "", "/h", "", PUT, "x-version: 2", "version", "they hold: the more specific one" },
	{ "", "/q", "a=1", GET, "", "q-a", "a parameter" },
	{ "", "/q", "b=2&a=1&c", GET, "", "q-a", "between others" },
	{ "", "/q", "%61=%31", GET, "", "q-a", "escaped, as upstreams will read it" },
	{ "", "/q", "a=1&a=1", GET, "", "404", "twice is no value at all" },
	{ "", "/q", "a=1&%61=2", GET, "", "404", "in whatever writing" },
	{ "", "/q", "A=1", GET, "", "404", "parameters are case-sensitive" },
	{ "", "/q", "a=12", GET, "", "404", "a longer value" },
	{ "", "/q", "a=", GET, "", "404", "an empty value" },
	{ "", "/q", "aa=1", GET, "", "404", "a longer name" },
	{ "", "/q", "=1", GET, "", "404", "no name" },
	{ "", "/q", "", GET, "", "404", "no query" },
	{ "", "/q", "&&&", GET, "", "404", "nothing but separators" },
	{ "", "/q", "a=1%", GET, "", "404", "a broken escape stands for itself" },
	{ "", "/q", "a=1%3", GET, "", "404", "cut short too" },
	{ "", "/q", "p=%2f%26", GET, "", "q-slash", "an escape in either case" },
	{ "", "/q", "p=/%26", GET, "", "q-slash", "or none where none is needed" },
	{ "", "/q", "e=", GET, "", "q-empty", "an empty value may be asked for" },
	{ "", "/q", "e", GET, "", "q-empty", "a parameter without '=' has it" },
	{ "", "/q", "flag", GET, "", "q-flag", "present without a value" },
	{ "", "/q", "flag=1&flag=2", GET, "", "q-flag", "or with several" },
	{ "", "/q", "yes", GET, "", "q-not", "one there, another not" },
	{ "", "/q", "yes&no", GET, "", "404", "both" },
};

static const struct rule regex_rules[] = {
	{ "hidden",   "h.org",   "~/a/.*",                        0,      "" },
	{ "prefix",   "h.org",   "/a/*",                          0,      "" },
	{ "first",    "h.org",   "~/(?<a>[a-z]+)/(?<b>[0-9]+)",   M(GET), "" },
	{ "second",   "h.org",   "~/([a-z]+)/.*",                 M(GET) | M(PUT), "" },
	{ "agent",    "h.org",   "~/(?<a>[a-z]+)/(?<b>[0-9]+)",   M(GET), "h:user-agent~curl/.*" },
	{ "query",    "h.org",   "~/q",                           0,      "q:id~[0-9]+(\\sx)?" },
	{ "slow",     "h.org",   "~/slow/(a+)+b",                 0,      "" },
	{ "wild",     "*.org",   "/b/*",                          0,      "" },
	{ "any",      NULL,      "~/.*",                          M(GET), "" },
	{ "exact",    NULL,      "/e",                            M(PUT), "" },
};

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct fact regex_facts[] = {
	{ "h.org", "/a/1", "", GET, "", "prefix", "a prefix before an expression" },
	{ "h.org", "/b/1", "", GET, "", "first", "of expressions the first in the file" },
	{ "h.org", "/b/1", "", GET, "user-agent: curl/7", "agent", "of the same one conditions" },
	{ "h.org", "/b/1", "", GET, "user-agent: xcurl/7", "first", "taken whole too" },
	{ "h.org", "/b/1x", "", GET, "", "second", "a whole path, not its front" },
	{ "h.org", "/b/1", "", PUT, "", "second", "a method that the first one does not take" },
	{ "h.org", "/b/1", "", DELETE, "", "405", "one that none takes" },
	{ "h.org", "/B/1", "", GET, "", "any", "with case; then a less specific host" },
	{ "x.org", "/b/1", "", GET, "", "wild", "a closer host's path" },
	{ "x.org", "/c/1", "", GET, "", "any", "any host's expression" },
	{ "x.org", "/c/1", "", DELETE, "", "405", "with its method" },
	{ "x.org", "/e", "", GET, "", "any", "an expression where the path's method fails" },
	{ "x.org", "/e", "", DELETE, "", "405", "neither takes it" },
	{ "h.org", "/q", "id=12+%78", GET, "", "query", "a parameter is decoded first" },
	{ "h.org", "/q", "id=12+", GET, "", "any", "and taken whole" },
	{ "h.org", "/q", "id=", GET, "", "any", "an empty one is no number" },
	{ "h.org", "/slow/aab", "", GET, "", "second", "an expression that could be slow" },
	{ "h.org", "/slow/" A32 A32 A32 "!b", "", PUT, "", "second", "where another comes first" },
	{ "h.org", "/slow/" A32 A32 A32 "!b", "", DELETE, "", "gave up", "is given up in time" },
};

static const struct conflict {
	const char *says, *a, *b;
	uint32_t methods_a, methods_b;
	int ret;
} conflicts[] = {
	{ "the same conditions", "h:a=1 q:b", "h:a=1 q:b", 0, 0, -EEXIST },
	{ "in another order and case", "h:a=1 h:b=1", "h:B=1 h:a=1", 0, 0, -EEXIST },
	{ "of one method in common", "h:a=1", "h:a=1", M(GET) | M(PUT), M(PUT), -EEXIST },
	{ "of other methods", "h:a=1", "h:a=1", M(GET), M(PUT), 0 },
	{ "of one method and all", "h:a=1", "h:a=1", M(GET), 0, 0 },
	{ "another value", "h:a=1", "h:a=2", 0, 0, 0 },
	{ "a value and presence", "h:a=1", "h:a", 0, 0, 0 },
	{ "present and absent", "h:a", "h:!a", 0, 0, 0 },
	{ "a header and a parameter", "h:a=1", "q:a=1", 0, 0, 0 },
	{ "the same expression", "h:a~x+", "h:A~x+", 0, 0, -EEXIST },
	{ "a value and an expression", "h:a~x", "h:a=x", 0, 0, 0 },
	{ "a broken expression", "h:b=1", "h:a~(", 0, 0, -EINVAL },
	{ "parameters in another case", "q:a=1", "q:A=1", 0, 0, 0 },
	{ "more of them", "h:a=1", "h:a=1 h:b=1", 0, 0, 0 },
	{ "none", "h:a=1", "", 0, 0, 0 },
};
/* clang-format on */

static void check_conflicts(void)
{
	for (unsigned i = 0; i < NR(conflicts); i++) {
		const struct conflict *c = &conflicts[i];
		const struct rule rules[] = {
			{ "first", NULL, "/first", 0, "" },
			{ "a", NULL, "/x", c->methods_a, c->a },
			{ "b", NULL, "/x", c->methods_b, c->b },
		};
		struct world w;

		is_int(world_init(&w, rules, 3), c->ret, "%s: %s", c->says, strerror(-c->ret));
		if (c->ret == -EEXIST)
			ok(w.a == 1 && w.b == 2, "... with the indices of both");
		sl_route_table_free(w.table);
	}
}

static void check_allowed(void)
{
	static const struct rule rules[] = {
		{ "v2", NULL, "/x", M(GET), "h:v=2" },
		{ "v3", NULL, "/x", M(PUT), "h:v=3" },
	};
	struct sl_field fields[ROUTES_FIELDS_MAX];
	struct sl_route_request req = { .path = SL_S("/x"), .method = SL_METHOD_DELETE };
	struct sl_route_match m;
	struct world w;

	if (world_init(&w, rules, 2) < 0)
		abort();
	req.fields = fields;
	is_int(sl_route_find(w.table, &req, &m), SL_ROUTE_NONE,
	       "only routes whose headers fail: as if the path was not there");
	req.fields_nr = routes_fields("v: 2", fields);
	is_int(sl_route_find(w.table, &req, &m), SL_ROUTE_METHOD, "headers hold, the method fails");
	is_int(m.allowed, M(GET) | M(HEAD), "and only that route's methods are allowed");
	sl_route_table_free(w.table);
}

static void check_limit(void)
{
	enum { NR_MAX = SL_LEAF_CANDIDATES_MAX + 1 };
	static struct sl_route routes[NR_MAX];
	static struct routes_memory mem[NR_MAX];
	struct sl_route_table *table = NULL;
	const char *why = "";
	unsigned a = 0, b = 0;
	char words[32];

	for (unsigned i = 0; i < NR_MAX; i++) {
		snprintf(words, sizeof(words), "h:tenant=%u", i);
		routes[i] = (struct sl_route){ .name = "r", .path = SL_STR("/x") };
		routes_set_conditions(&routes[i], &mem[i], words);
	}
	is_int(sl_route_table_new(&table, routes, NR_MAX, &a, &b, &why), -EINVAL,
	       "257 routes of one path with conditions: %s", why);
	is_int(a, NR_MAX - 1, "... the last of them is one too many");
	is_int(sl_route_table_new(&table, routes, NR_MAX - 1, &a, &b, &why), 0, "256 are not");
	sl_route_table_free(table);
}

static void check_groups(void)
{
	static const struct rule rules[] = {
		{ "a", NULL, "~/(?<x>[a-z]+)/(?<y>.*)", 0, "h:v~(?<z>.)" },
		{ "b", NULL, "~/(?<one>.*)", 0, "" },
	};
	struct sl_field fields[ROUTES_FIELDS_MAX];
	struct sl_route_request req = { .path = SL_S("/abc/d/e"), .fields = fields };
	struct sl_route_match m;
	struct world w;

	if (world_init(&w, rules, 2) < 0)
		abort();
	req.scratch = scratch;
	req.fields_nr = routes_fields("v: 1", fields);
	sl_route_find(w.table, &req, &m);
	is_int(m.params_nr, 2, "the path's groups are parameters, those of conditions are not");
	is_str(m.params[0].name, "x", "by name");
	is_str(m.params[0].value, "abc", "with its value");
	is_str(m.params[1].value, "d/e", "several segments, if it says so");
	req.fields_nr = routes_fields("v: 12", fields);
	sl_route_find(w.table, &req, &m);
	is_int(m.params_nr, 1, "none is left of a route that was passed over");
	is_str(m.params[0].value, "abc/d/e", "the next one's");
	sl_route_table_free(w.table);
}

static void check_hidden(void)
{
	static const struct rule rules[] = {
		{ "regex", "a.org", "~/x", 0, "" },
		{ "all", "a.org", "/*", 0, "" },
		{ "get", "a.org", "/*", M(GET), "" },
	};
	struct world w;

	is_int(world_init(&w, rules, 2), -EINVAL, "an expression behind \"/*\" is never reached");
	is_int(w.a, 0, "... which one");
	is_str(sl_str_of(w.why),
	       "takes no request: paths go before path_regex, and a route of the same host takes "
	       "\"/*\"",
	       "... and why");
	memset(&w, 0, sizeof(w));
	is_int(world_init(&w, (const struct rule[]){ rules[0], rules[2] }, 2), 0,
	       "behind one of a method it is");
	sl_route_table_free(w.table);
}

int main(void)
{
	scratch = sl_regex_scratch_new();
	if (!scratch)
		return 1;
	check(precedence_rules, NR(precedence_rules), precedence_facts, NR(precedence_facts));
	check(value_rules, NR(value_rules), value_facts, NR(value_facts));
	check(regex_rules, NR(regex_rules), regex_facts, NR(regex_facts));
	check_conflicts();
	check_allowed();
	check_limit();
	check_groups();
	check_hidden();
	sl_regex_scratch_free(scratch);
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Which route a request gets: hosts, paths, methods and their precedence.
#include "route/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/out.h"
#include "tap.h"

#define REQ(h, p, m) (&(const struct sl_route_request){ .host = (h), .path = (p), .method = (m) })
#define M(name) (1u << SL_METHOD_##name)

enum { HOSTS_MAX = 3 };

/* Short, for the tables. */
enum { GET = SL_METHOD_GET, HEAD = SL_METHOD_HEAD, POST = SL_METHOD_POST, PUT = SL_METHOD_PUT };
enum { DELETE = SL_METHOD_DELETE, PATCH = SL_METHOD_PATCH, OPTIONS = SL_METHOD_OPTIONS };
enum { OTHER = SL_METHOD_OTHER };

struct rule {
	const char *name;
	const char *hosts[HOSTS_MAX];
	const char *path;
	uint32_t methods;
};

struct fact {
	const char *host, *path;
	unsigned method;
	const char *route;  /* or NULL for 404, "405" for a refused method */
	const char *params; /* "name=value," each */
	const char *says;
};

/* Routes and the memory that they point into. */
struct world {
	struct sl_route *routes;
	struct sl_str (*hosts)[HOSTS_MAX];
	unsigned nr;
	struct sl_route_table *table;
	unsigned a, b;
	const char *why;
};

static int world_init(struct world *w, const struct rule *rules, unsigned nr)
{
	*w = (struct world){ .nr = nr };
	w->routes = calloc(nr + 1, sizeof(*w->routes));
	w->hosts = calloc(nr + 1, sizeof(*w->hosts));
	if (!w->routes || !w->hosts)
		abort();
	for (unsigned i = 0; i < nr; i++) {
		struct sl_route *r = &w->routes[i];

		r->name = rules[i].name;
		r->path = sl_str_of(rules[i].path);
		r->methods = rules[i].methods;
		r->hosts = w->hosts[i];
		while (r->hosts_nr < HOSTS_MAX && rules[i].hosts[r->hosts_nr]) {
			r->hosts[r->hosts_nr] = sl_str_of(rules[i].hosts[r->hosts_nr]);
			r->hosts_nr++;
		}
	}
	return sl_route_table_new(&w->table, w->routes, nr, &w->a, &w->b, &w->why);
}

static void world_fini(struct world *w)
{
	sl_route_table_free(w->table);
	free(w->routes);
	free(w->hosts);
}

static struct sl_str print_params(struct sl_out *o, const struct sl_route_match *m)
{
	for (unsigned i = 0; i < m->params_nr; i++) {
		sl_out_str(o, m->params[i].name);
		sl_out_char(o, '=');
		sl_out_str(o, m->params[i].value);
		sl_out_char(o, ',');
	}
	return sl_out_done(o);
}

static const char *verdict(enum sl_route_result result, const struct sl_route_match *m)
{
	if (result == SL_ROUTE_METHOD)
		return "405";
	return result == SL_ROUTE_FOUND ? m->route->name : "404";
}

static void check_fact(const struct world *w, const struct fact *f)
{
	size_t len = strlen(f->path);
	struct sl_str path = { guarded(f->path, len), len };
	struct sl_route_match m;
	enum sl_route_result result;
	struct sl_out o;
	char mem[256];

	result = sl_route_find(w->table, REQ(sl_str_of(f->host), path, (enum sl_method)f->method),
			       &m);
	is_str(sl_str_of(verdict(result, &m)), f->route ? f->route : "404", "%s", f->says);
	if (!f->params)
		return;
	sl_out_init(&o, mem, sizeof(mem));
	is_str(print_params(&o, &m), f->params, "... with its parameters");
}

static void check_facts(const struct rule *rules, unsigned rules_nr, const struct fact *facts,
			unsigned facts_nr)
{
	struct world w;

	is_int(world_init(&w, rules, rules_nr), 0, "the table is built");
	for (unsigned i = 0; w.table && i < facts_nr; i++)
		check_fact(&w, &facts[i]);
	world_fini(&w);
}

#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define CHECK(rules, facts) check_facts(rules, NR(rules), facts, NR(facts))

/* clang-format off */
static const struct rule path_rules[] = {
	{ "all",        { 0 }, "/*",                     0 },
	{ "root",       { 0 }, "/",                      0 },
	{ "orders",     { 0 }, "/v1/orders/*",           0 },
	{ "order",      { 0 }, "/v1/orders/{id}",        0 },
	{ "new",        { 0 }, "/v1/orders/new",         0 },
	{ "lines",      { 0 }, "/v1/orders/{id}/lines",  0 },
	{ "newest",     { 0 }, "/v1/orders/newest",      0 },
	{ "shop",       { 0 }, "/{shop}/cart/*",         0 },
	{ "v1",         { 0 }, "/v1/*",                  0 },
	{ "slash",      { 0 }, "/v1/orders/new/",        0 },
	{ "deep",       { 0 }, "/x/{a}/y/{b}",           0 },
	{ "deep-lit",   { 0 }, "/x/1/y/2",               0 },
	{ "deep-left",  { 0 }, "/x/1/{b}/3",             0 },
	{ "deep-right", { 0 }, "/x/{a}/y/3",             0 },
};

static const struct fact path_facts[] = {
	{ "h", "/", GET, "root", "", "the root" },
	{ "h", "/zzz", GET, "all", "", "anything" },
	{ "h", "/v1/orders/new", GET, "new", "", "an exact path" },
	{ "h", "/v1/orders/newest", GET, "newest", "", "an exact path that another one starts" },
	{ "h", "/v1/orders/newe", GET, "order", "id=newe,", "between the two it is a parameter" },
	{ "h", "/v1/orders/ne", GET, "order", "id=ne,", "short of both it is a parameter" },
	{ "h", "/v1/orders/newest2", GET, "order", "id=newest2,", "beyond both it is a parameter" },
	{ "h", "/v1/orders/new/", GET, "slash", "", "a trailing slash is another path" },
	{ "h", "/v1/orders/7/lines", GET, "lines", "id=7,", "a parameter in the middle" },
	{ "h", "/v1/orders/new/lines", GET, "lines", "id=new,", "it may read as a literal" },
	{ "h", "/v1/orders/", GET, "orders", "", "a parameter is not empty" },
	{ "h", "/v1/orders", GET, "orders", "", "a prefix takes its own path" },
	{ "h", "/v1/orders/7/8/9", GET, "orders", "", "a prefix takes what is below" },
	{ "h", "/v1/ordersx", GET, "v1", "", "a prefix ends on a segment" },
	{ "h", "/v1/order", GET, "v1", "", "the shorter prefix" },
	{ "h", "/v1", GET, "v1", "", "the shorter prefix itself" },
	{ "h", "/v", GET, "all", "", "one byte less is another segment" },
	{ "h", "/v1/cart/7", GET, "shop", "shop=v1,", "the longer prefix wins, parameter or not" },
	{ "h", "/s/cart", GET, "shop", "shop=s,", "a prefix below a parameter takes its path" },
	{ "h", "/x/8/y/9", GET, "deep", "a=8,b=9,", "two parameters" },
	{ "h", "/x/1/y/2", GET, "deep-lit", "", "all literal" },
	{ "h", "/x/1/y/3", GET, "deep-left", "b=y,", "the literal on the left wins" },
	{ "h", "/x/1/y/4", GET, "deep", "a=1,b=4,", "back out of a literal that leads nowhere" },
	{ "h", "/x/5/y/3", GET, "deep-right", "a=5,", "the literal on the right otherwise" },
	{ "h", "/V1/ORDERS/new", GET, "all", "", "paths are case-sensitive" },
	{ "h", "*", OPTIONS, NULL, "", "OPTIONS * is no path" },
	{ "h", "/v1/orders/new", OTHER, "new", "", "an unknown method where all are taken" },
};

static const struct rule host_rules[] = {
	{ "exact",   { "api.example.com", "www.example.com" }, "/a/*", 0 },
	{ "wild",    { "*.example.com" },                      "/a/*", 0 },
	{ "longer",  { "*.eu.example.com" },                   "/a/*", 0 },
	{ "wild-b",  { "*.example.com" },                      "/b",   0 },
	{ "any-c",   { 0 },                                    "/c",   0 },
	{ "any-get", { 0 },                                    "/get", M(GET) },
	{ "put",     { "api.example.com" },                    "/get", M(PUT) },
	{ "apex",    { "apex.org" },                           "/a",   0 },
	{ "v6",      { "[2001:db8::1]" },                      "/a",   0 },
	{ "com",     { "*.com" },                              "/d",   0 },
	{ "twice",   { "twice.org", "twice.org" },             "/a",   0 },
};

static const struct fact host_facts[] = {
	{ "api.example.com", "/a/1", GET, "exact", "", "an exact host" },
	{ "www.example.com", "/a/1", GET, "exact", "", "its second name" },
	{ "API.Example.COM", "/a/1", GET, "exact", "", "in any case" },
	{ "api.example.com.", "/a/1", GET, "exact", "", "with the dot of an absolute name" },
	{ "x.example.com", "/a/1", GET, "wild", "", "one label in front of a wildcard" },
	{ "y.x.example.com", "/a/1", GET, "wild", "", "two labels in front of a wildcard" },
	{ "X.EXAMPLE.com", "/a/1", GET, "wild", "", "a wildcard in any case" },
	{ "x.eu.example.com", "/a/1", GET, "longer", "", "the longer wildcard" },
	{ "eu.example.com", "/a/1", GET, "wild", "", "the longer one's apex is the shorter's" },
	{ "example.com", "/a/1", GET, NULL, "", "a wildcard is not for its apex" },
	{ ".example.com", "/a/1", GET, NULL, "", "a wildcard wants a label, not a dot" },
	{ "badexample.com", "/a/1", GET, NULL, "", "a wildcard starts at a label" },
	{ "api.example.com", "/b", GET, "wild-b", "", "no path of the exact host: the wildcard" },
	{ "x.eu.example.com", "/b", GET, "wild-b", "", "no path of the longer wildcard: the next" },
	{ "x.eu.example.com", "/d", GET, "com", "", "and the next after that" },
	{ "api.example.com", "/c", GET, "any-c", "", "no path of any of them: any host" },
	{ "api.example.com", "/get", GET, "405", "", "a refused method does not fall through" },
	{ "other.org", "/get", GET, "any-get", "", "another host does not see that route" },
	{ "", "/c", GET, "any-c", "", "no host: any host" },
	{ ".", "/c", GET, "any-c", "", "a lone dot: any host" },
	{ "[2001:DB8::1]", "/a", GET, "v6", "", "an address in brackets" },
	{ "twice.org", "/a", GET, "twice", "", "a host named twice in a route" },
	{ "apex.org", "/b", GET, NULL, "", "nothing" },
};

static const struct rule method_rules[] = {
	{ "get",      { 0 }, "/items/{id}",  M(GET) },
	{ "post",     { 0 }, "/items/{key}", M(POST) | M(PUT) },
	{ "rest",     { 0 }, "/all",         0 },
	{ "rest-get", { 0 }, "/all",         M(GET) },
	{ "head",     { 0 }, "/head",        M(HEAD) },
	{ "head-get", { 0 }, "/head",        M(GET) },
	{ "patch",    { 0 }, "/items/*",     M(PATCH) },
	{ "other",    { 0 }, "/other",       M(OTHER) },
};

static const struct fact method_facts[] = {
	{ "h", "/items/1", GET, "get", "id=1,", "GET" },
	{ "h", "/items/1", HEAD, "get", "id=1,", "HEAD is taken where GET is" },
	{ "h", "/items/1", POST, "post", "key=1,", "POST, with its own parameter's name" },
	{ "h", "/items/1", PUT, "post", "key=1,", "PUT of the same route" },
	{ "h", "/items/1", PATCH, "patch", "", "a method that only the prefix takes" },
	{ "h", "/items/1", DELETE, "405", "", "a method that nobody takes" },
	{ "h", "/items/1", OTHER, "405", "", "a method without a number" },
	{ "h", "/items", GET, "405", "", "a prefix without that method" },
	{ "h", "/all", GET, "rest-get", "", "a route with methods goes first" },
	{ "h", "/all", HEAD, "rest-get", "", "its GET includes HEAD" },
	{ "h", "/all", POST, "rest", "", "a route for all takes the others" },
	{ "h", "/head", HEAD, "head", "", "a HEAD of its own goes first" },
	{ "h", "/head", GET, "head-get", "", "GET beside it" },
	{ "h", "/other", OTHER, "other", "", "a route for methods without a number" },
	{ "h", "/nothing", GET, NULL, "", "no such path" },
};

static const struct conflict {
	const char *says;
	struct rule a, b;
	int ret;
} conflicts[] = {
	{ "same path, all methods", { "a", { 0 }, "/x", 0 }, { "b", { 0 }, "/x", 0 }, -EEXIST },
	{ "same path, one method",
	  { "a", { 0 }, "/x", M(GET) | M(PUT) }, { "b", { 0 }, "/x", M(PUT) }, -EEXIST },
	{ "same path, other methods",
	  { "a", { 0 }, "/x", M(GET) }, { "b", { 0 }, "/x", M(PUT) }, 0 },
	{ "HEAD beside GET", { "a", { 0 }, "/x", M(GET) }, { "b", { 0 }, "/x", M(HEAD) }, 0 },
	{ "one method and all", { "a", { 0 }, "/x", M(GET) }, { "b", { 0 }, "/x", 0 }, 0 },
	{ "a parameter by another name",
	  { "a", { 0 }, "/{x}", 0 }, { "b", { 0 }, "/{y}", 0 }, -EEXIST },
	{ "a parameter and a literal", { "a", { 0 }, "/{x}", 0 }, { "b", { 0 }, "/x", 0 }, 0 },
	{ "a path and its prefix", { "a", { 0 }, "/x", 0 }, { "b", { 0 }, "/x/*", 0 }, 0 },
	{ "the same prefix", { "a", { 0 }, "/x/*", 0 }, { "b", { 0 }, "/x/*", 0 }, -EEXIST },
	{ "other hosts", { "a", { "a.org" }, "/x", 0 }, { "b", { "b.org" }, "/x", 0 }, 0 },
	{ "one host in common",
	  { "a", { "a.org", "b.org" }, "/x", 0 }, { "b", { "b.org" }, "/x", 0 }, -EEXIST },
	{ "a host and any host", { "a", { "a.org" }, "/x", 0 }, { "b", { 0 }, "/x", 0 }, 0 },
	{ "a host and its wildcard",
	  { "a", { "a.org" }, "/x", 0 }, { "b", { "*.a.org" }, "/x", 0 }, 0 },
	{ "the same wildcard",
	  { "a", { "*.a.org" }, "/x", 0 }, { "b", { "*.a.org" }, "/x", 0 }, -EEXIST },
	{ "a bad path", { "a", { 0 }, "/x", 0 }, { "b", { 0 }, "y", 0 }, -EINVAL },
	{ "a host in upper case", { "a", { 0 }, "/x", 0 }, { "b", { "A.org" }, "/y", 0 }, -EINVAL },
	{ "an empty host", { "a", { 0 }, "/x", 0 }, { "b", { "" }, "/y", 0 }, -EINVAL },
	{ "a star within a host",
	  { "a", { 0 }, "/x", 0 }, { "b", { "a.*.org" }, "/y", 0 }, -EINVAL },
	{ "a lone star as host", { "a", { 0 }, "/x", 0 }, { "b", { "*" }, "/y", 0 }, -EINVAL },
	{ "a host that ends in a dot",
	  { "a", { 0 }, "/x", 0 }, { "b", { "a.org." }, "/y", 0 }, -EINVAL },
};
/* clang-format on */

static void check_conflicts(void)
{
	for (unsigned i = 0; i < NR(conflicts); i++) {
		const struct conflict *c = &conflicts[i];
		const struct rule rules[] = { { "first", { 0 }, "/first", 0 }, c->a, c->b };
		struct world w;

		is_int(world_init(&w, rules, 3), c->ret, "%s: %s", c->says, strerror(-c->ret));
		if (c->ret == -EEXIST)
			ok(w.a == 1 && w.b == 2, "... with the indices of both");
		if (c->ret == -EINVAL)
			ok(w.a == 2 && w.why, "... with the index and a reason: %s",
			   w.why ? w.why : "");
		world_fini(&w);
	}
}

static void check_allowed(void)
{
	struct sl_route_match m;
	struct world w;

	if (world_init(&w, method_rules, NR(method_rules)) < 0)
		abort();
	sl_route_find(w.table, REQ(SL_S("h"), SL_S("/items/1"), SL_METHOD_DELETE), &m);
	is_int(m.allowed, M(GET) | M(HEAD) | M(POST) | M(PUT) | M(PATCH),
	       "all routes of a path say what they allow, HEAD with GET");
	ok(!m.route, "a refused method has no route");
	sl_route_find(w.table, REQ(SL_S("h"), SL_S("/items"), SL_METHOD_DELETE), &m);
	is_int(m.allowed, M(PATCH), "only the routes of that path");
	sl_route_find(w.table, REQ(SL_S("h"), SL_S("/none"), SL_METHOD_DELETE), &m);
	is_int(m.allowed, 0, "nothing is allowed where there is no route");
	world_fini(&w);
}

static void check_long_host(void)
{
	const struct rule rules[] = {
		{ "wild", { "*.org" }, "/*", 0 },
		{ "any", { 0 }, "/*", 0 },
	};
	struct sl_route_match m;
	struct sl_str name;
	char host[300];
	struct world w;

	if (world_init(&w, rules, 2) < 0)
		abort();
	memset(host, 'a', sizeof(host));
	memcpy(host + 251, ".org", 4);
	name = (struct sl_str){ guarded(host, 255), 255 };
	sl_route_find(w.table, REQ(name, SL_S("/"), SL_METHOD_GET), &m);
	is_str(sl_str_of(m.route->name), "wild", "a host of 255 bytes is looked up");
	memcpy(host + 252, ".org", 4);
	name = (struct sl_str){ guarded(host, 256), 256 };
	sl_route_find(w.table, REQ(name, SL_S("/"), SL_METHOD_GET), &m);
	is_str(sl_str_of(m.route->name), "any", "one of 256 bytes is any host");
	world_fini(&w);
	is_int(world_init(&w, rules, 0), 0, "a table without routes");
	is_int(sl_route_find(w.table, REQ(SL_S("h"), SL_S("/"), SL_METHOD_GET), &m), SL_ROUTE_NONE,
	       "... finds none");
	world_fini(&w);
	sl_route_table_free(NULL);
}

/* Shapes of generated routes; each path is told from all others by its number. */
static void generate_path(char *mem, size_t size, unsigned i, bool is_request)
{
	const char *param = is_request ? "some-value" : "{id}";

	switch (i % 4) {
	case 0:
		snprintf(mem, size, "/api/v%u/service-%u/list", i % 7, i);
		return;
	case 1:
		snprintf(mem, size, "/api/v%u/%s/thing-%u", i % 7, param, i);
		return;
	case 2:
		snprintf(mem, size, "/api/v%u/service-%u/%s", i % 7, i, is_request ? "a/b" : "*");
		return;
	default:
		snprintf(mem, size, "/%u/%s/x", i, param);
	}
}

static uint64_t find_all(const struct world *w, char (*requests)[64], unsigned nr,
			 unsigned *ret_hit)
{
	uint64_t start = sl_now_ns();
	unsigned hit = 0;

	for (unsigned i = 0; i < nr; i++) {
		struct sl_route_match m;

		sl_route_find(w->table,
			      REQ(SL_S("api.example.com"), sl_str_of(requests[i]), SL_METHOD_GET),
			      &m);
		hit += m.route == &w->routes[i];
	}
	*ret_hit = hit;
	return sl_now_ns() - start;
}

static void check_many(unsigned nr)
{
	struct rule *rules = calloc(nr, sizeof(*rules));
	char(*paths)[64] = calloc(nr, sizeof(*paths));
	char(*requests)[64] = calloc(nr, sizeof(*requests));
	struct world w;
	unsigned hit = 0;
	uint64_t ns = 0;

	if (!rules || !paths || !requests)
		abort();
	for (unsigned i = 0; i < nr; i++) {
		generate_path(paths[i], sizeof(paths[i]), i, false);
		generate_path(requests[i], sizeof(requests[i]), i, true);
		rules[i] = (struct rule){ "generated", { "api.example.com" }, paths[i], 0 };
	}
	is_int(world_init(&w, rules, nr), 0, "%u routes are compiled", nr);
	for (unsigned round = 0; w.table && round < 10; round++)
		ns = find_all(&w, requests, nr, &hit);
	is_int(hit, nr, "each of %u routes is found", nr);
	printf("# %u routes: %" PRIu64 " ns a match\n", nr, ns / nr);
	world_fini(&w);
	free(rules);
	free(paths);
	free(requests);
}

/* Every pattern of ten segments that are each "a" or a parameter: 1013 of them have at most 8
 * parameters, and the worst path goes through all of them. */
static void check_backtracking(void)
{
	enum { DEPTH = 10, ALL = 1 << DEPTH };
	static char paths[ALL][64];
	static struct rule rules[ALL];
	struct sl_route_match m;
	unsigned nr = 0;
	struct world w;
	uint64_t start;

	for (unsigned bits = 0; bits < ALL; bits++) {
		size_t n = 0;

		if (__builtin_popcount(bits) > SL_ROUTE_PARAMS_MAX)
			continue;
		for (unsigned i = 0; i < DEPTH; i++)
			n += (size_t)snprintf(paths[nr] + n, sizeof(paths[nr]) - n,
					      bits & 1u << i ? "/{p%u}" : "/a", i);
		rules[nr] = (struct rule){ "combined", { 0 }, paths[nr], 0 };
		nr++;
	}
	is_int(world_init(&w, rules, nr), 0, "%u patterns that all overlap", nr);
	start = sl_now_ns();
	is_int(sl_route_find(w.table, REQ(SL_S("h"), SL_S("/a/a/a/a/a/a/a/a/a/a/a"), SL_METHOD_GET),
			     &m),
	       SL_ROUTE_NONE, "a path that tries them all is refused");
	printf("# after %" PRIu64 " ns\n", sl_now_ns() - start);
	sl_route_find(w.table, REQ(SL_S("h"), SL_S("/a/a/b/a/a/a/a/a/a/b"), SL_METHOD_GET), &m);
	is_str(m.route ? m.route->path : SL_S(""), "/a/a/{p2}/a/a/a/a/a/a/{p9}",
	       "and one that backs out twice is found");
	world_fini(&w);
}

int main(void)
{
	CHECK(path_rules, path_facts);
	CHECK(host_rules, host_facts);
	CHECK(method_rules, method_facts);
	check_conflicts();
	check_allowed();
	check_long_host();
	check_many(10);
	check_many(10000);
	check_backtracking();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// The table against a plain reading of the rules: each route tried in turn, on made-up ones.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "route/explain.h"
#include "route/pattern.h"
#include "route/regex.h"
#include "route/table.h"
#include "routes.h"
#include "tap.h"

enum { ROUTES_MAX = 24, ROUNDS = 2000, REQUESTS = 40, SEGMENTS_MAX = 4, TEXT_MAX = 64 };

/* xorshift64: the same routes in every run. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static unsigned pick(uint64_t *state, unsigned nr)
{
	return (unsigned)(draw(state) >> 33) % nr;
}

/* Few words that start alike: nodes are split and patterns overlap. */
static const char *const words[] = { "a", "ab", "abc", "b", "ac", "" };

static void make_text(char *mem, uint64_t *state, bool is_pattern)
{
	unsigned segments = pick(state, SEGMENTS_MAX + 1);
	size_t n = 0;

	for (unsigned i = 0; i < segments; i++) {
		/* the empty word is only good at the end: "/a/" */
		unsigned word = pick(state, i + 1 == segments ? 6 : 5);

		if (is_pattern && !pick(state, 3))
			n += (size_t)snprintf(mem + n, TEXT_MAX - n, "/{p%u}", i);
		else
			n += (size_t)snprintf(mem + n, TEXT_MAX - n, "/%s", words[word]);
	}
	mem[n] = '\0';
	if (n == 0 || (is_pattern && mem[n - 1] != '/' && !pick(state, 3)))
		strcpy(mem + n, is_pattern && pick(state, 2) ? "/*" : "/");
}

struct view {
	struct sl_str rest;
	bool is_over;
};

static struct sl_str cut(struct view *v)
{
	const char *slash = memchr(v->rest.ptr + 1, '/', v->rest.len - 1);
	size_t n = slash ? (size_t)(slash - v->rest.ptr) : v->rest.len;
	struct sl_str segment = { v->rest.ptr + 1, n - 1 };

	v->rest.ptr += n;
	v->rest.len -= n;
	v->is_over = v->rest.len == 0;
	return segment;
}

/* How well a pattern takes a path: -1 not at all, else the better the larger: exact, then length,
 * then for each segment from the left whether it is literal. */
static long rank(struct sl_str pattern, struct sl_str path)
{
	bool is_prefix;
	struct view p = { sl_pattern_base(pattern, &is_prefix), false }, s = { path, false };
	long depth = 0, literal = 0;

	p.is_over = p.rest.len == 0;
	while (!p.is_over) {
		struct sl_str want, have;

		if (s.is_over)
			return -1;
		want = cut(&p);
		have = cut(&s);
		if (want.len && want.ptr[0] == '{' ? !have.len : !sl_str_eq(want, have))
			return -1;
		depth++;
		literal = 2 * literal + !(want.len && want.ptr[0] == '{');
	}
	if (!is_prefix && !s.is_over)
		return -1;
	return (is_prefix ? 0 : 1L << 32) + (depth << 16) + literal;
}

/* ---- a plain reading of the rules ---- */

static struct sl_regex_scratch *scratch;

static bool is_whole_match(struct sl_str regex, struct sl_str text)
{
	static struct {
		struct sl_str text;
		struct sl_regex *compiled;
	} known[16];
	struct sl_regex_error error;
	unsigned i = 0;

	while (known[i].compiled && !sl_str_eq(known[i].text, regex))
		i++;
	if (!known[i].compiled) {
		known[i].text = (struct sl_str){ strndup(regex.ptr, regex.len), regex.len };
		if (sl_regex_new(&known[i].compiled, known[i].text, &error) < 0)
			abort();
	}
	sl_regex_begin(scratch);
	return sl_regex_match(known[i].compiled, text, scratch);
}

static long one_host_rank(struct sl_str h, struct sl_str host)
{
	if (sl_str_eq(h, host))
		return 1000;
	if (h.ptr[0] == '*' && host.len > h.len - 1 &&
	    memcmp(host.ptr + host.len - (h.len - 1), h.ptr + 1, h.len - 1) == 0)
		return (long)h.len;
	return 0;
}

/* Whether a host of the route has this rank: any host 1, wildcards their length, an exact one 1000.
 */
static bool has_host_rank(const struct sl_route *r, struct sl_str host, long rank)
{
	for (unsigned i = 0; i < r->hosts_nr; i++)
		if (one_host_rank(r->hosts[i], host) == rank)
			return true;
	return !r->hosts_nr && rank == 1;
}

/* Of the path_regex of a host the first in the file is the best; all are below any path. */
static long path_rank(const struct sl_route *routes, const struct sl_route *r,
		      const struct sl_route_request *req, long host)
{
	long first = 0;

	if (!r->path_regex.len)
		return rank(r->path, req->path);
	if (!is_whole_match(r->path_regex, req->path))
		return -1;
	while (!sl_str_eq(routes[first].path_regex, r->path_regex) ||
	       !has_host_rank(&routes[first], req->host, host))
		first++;
	return -1000 - first;
}

static bool takes(const struct sl_route *r, enum sl_method method)
{
	return !r->methods || r->methods & 1u << method ||
	       (method == SL_METHOD_HEAD && r->methods & 1u << SL_METHOD_GET);
}

/* On one pattern: a route that names the method, then a GET that includes it, then one for all. */
static long method_rank(const struct sl_route *r, enum sl_method method)
{
	return !r->methods ? 0 : r->methods & 1u << method ? 2 : 1;
}

static bool value_holds(const struct sl_condition *c, struct sl_str value, unsigned nr)
{
	switch (c->kind) {
	case SL_CONDITION_PRESENT:
		return (nr > 0) == c->present;
	case SL_CONDITION_EXACT:
		return nr == 1 && sl_str_eq(value, c->value);
	case SL_CONDITION_REGEX:
		return nr == 1 && is_whole_match(c->value, value);
	}
	abort();
}

/* The requests here have only names and values of one byte: "a=1&b=2", nothing escaped. */
static bool conditions_hold(const struct sl_route *r, const struct sl_route_request *req)
{
	for (unsigned i = 0; i < r->headers_nr; i++) {
		struct sl_str value = { NULL, 0 };
		unsigned nr = 0;

		for (unsigned k = 0; k < req->fields_nr; k++) {
			if (sl_lower(req->fields[k].name[0]) != r->headers[i].name.ptr[0])
				continue;
			value = sl_field_value(&req->fields[k]);
			nr++;
		}
		if (!value_holds(&r->headers[i], value, nr))
			return false;
	}
	for (unsigned i = 0; i < r->queries_nr; i++) {
		struct sl_str value = { NULL, 0 };
		unsigned nr = 0;

		for (size_t k = 0; k + 3 <= req->query.len; k += 4) {
			if (req->query.ptr[k] != r->queries[i].name.ptr[0])
				continue;
			value = (struct sl_str){ req->query.ptr + k + 2, 1 };
			nr++;
		}
		if (!value_holds(&r->queries[i], value, nr))
			return false;
	}
	return true;
}

static bool is_better(const long a[4], const long b[4])
{
	for (unsigned i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] > b[i];
	return false; /* the order of the file */
}

/* The best of the routes of one rank of host. */
static const struct sl_route *plain_find_in(const struct sl_route *routes, unsigned nr,
					    const struct sl_route_request *req, long host,
					    bool *ret_refused)
{
	const struct sl_route *best = NULL;
	long best_by[4];

	for (unsigned i = 0; i < nr; i++) {
		const struct sl_route *r = &routes[i];
		const long by[4] = { has_host_rank(r, req->host, host)
					     ? path_rank(routes, r, req, host)
					     : -1,
				     method_rank(r, req->method), r->headers_nr, r->queries_nr };

		if (by[0] == -1 || !conditions_hold(r, req))
			continue;
		if (!takes(r, req->method)) {
			*ret_refused = true;
			continue;
		}
		if (best && !is_better(by, best_by))
			continue;
		best = r;
		memcpy(best_by, by, sizeof(by));
	}
	return best;
}

static const struct sl_route *plain_find(const struct sl_route *routes, unsigned nr,
					 const struct sl_route_request *req, bool *ret_refused)
{
	const struct sl_route *best = NULL;

	*ret_refused = false;
	for (long host = 1000; host > 0 && !best && !*ret_refused; host--)
		best = plain_find_in(routes, nr, req, host, ret_refused);
	return best;
}

/* ---- made-up requests and routes ---- */

struct made_request {
	struct sl_route_request req;
	char path[TEXT_MAX], query[16], lines[64];
	struct sl_field fields[ROUTES_FIELDS_MAX];
};

static void make_request(struct made_request *m, uint64_t *state)
{
	static const enum sl_method methods[] = { SL_METHOD_GET, SL_METHOD_HEAD, SL_METHOD_PUT };
	static const char *const hosts[] = { "x.h.org", "h.org", "x.org", "" };
	size_t n = 0;

	make_text(m->path, state, false);
	m->query[0] = m->lines[0] = '\0';
	for (unsigned i = pick(state, 4); i > 0; i--)
		n += (size_t)snprintf(m->query + n, sizeof(m->query) - n, "%s%c=%u", n ? "&" : "",
				      "ab"[pick(state, 2)], pick(state, 3));
	n = 0;
	for (unsigned i = pick(state, 4); i > 0; i--)
		n += (size_t)snprintf(m->lines + n, sizeof(m->lines) - n, "%s%c: %u", n ? "\n" : "",
				      "abAB"[pick(state, 4)], pick(state, 3));
	m->req = (struct sl_route_request){
		.host = sl_str_of(hosts[pick(state, 4)]),
		.path = sl_str_of(m->path),
		.query = sl_str_of(m->query),
		.method = methods[pick(state, 3)],
		.fields = m->fields,
		.fields_nr = routes_fields(m->lines, m->fields),
		.scratch = scratch,
	};
}

struct made_route {
	char text[TEXT_MAX];
	struct routes_memory mem;
};

static void make_conditions(struct sl_route *r, struct made_route *m, uint64_t *state)
{
	static const char *const values[] = { "=0", "=1", "", "~[01]", "~1|2" };
	char text[64] = "";
	size_t n = 0;

	for (unsigned i = 0; i < 4; i++) {
		const char *value = values[pick(state, 5)];
		bool negated = !*value && pick(state, 2);

		if (pick(state, 4))
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%c:%s%c%s ", "hhqq"[i],
				      negated ? "!" : "", "abab"[i], value);
	}
	routes_set_conditions(r, &m->mem, text);
}

static void make_route(struct sl_route *r, struct made_route *m, uint64_t *state)
{
	static const uint32_t masks[] = { 0, 0, 1 << SL_METHOD_GET, 1 << SL_METHOD_PUT,
					  1 << SL_METHOD_HEAD };
	static const char *const hosts[] = { "x.h.org", "h.org", "*.h.org", "*.org" };
	static const char *const regexes[] = { "/a.*", "/[ab]+/.*", "/(a|ab)/?(.*)b", "/.+" };

	*r = (struct sl_route){ .name = "r", .methods = masks[pick(state, 5)] };
	make_text(m->text, state, true);
	if (pick(state, 5))
		r->path = sl_str_of(m->text);
	else
		r->path_regex = sl_str_of(regexes[pick(state, 4)]);
	r->hosts = m->mem.hosts;
	for (unsigned i = pick(state, 3); i > 0; i--)
		m->mem.hosts[r->hosts_nr++] = sl_str_of(hosts[pick(state, 4)]);
	make_conditions(r, m, state);
}

/* Routes that could never be told apart, or reached, are left out as the table refuses them. */
static struct sl_route_table *make_table(struct sl_route *routes, unsigned *nr)
{
	struct sl_route_table *table = NULL;
	unsigned a, b;
	const char *why = "";
	int ret;

	while ((ret = sl_route_table_new(&table, routes, *nr, &a, &b, &why)) < 0) {
		unsigned out = ret == -EEXIST ? b : a;

		if (ret != -EEXIST && strncmp(why, "takes no request", 16) != 0) {
			printf("# %s: %s\n", routes[a].path.ptr, why);
			return NULL;
		}
		memmove(&routes[out], &routes[out + 1], (*nr - out - 1) * sizeof(*routes));
		--*nr;
	}
	return table;
}

/* ---- the comparison ---- */

static const char *text_of(const struct sl_route *r)
{
	return !r ? "none" : r->path_regex.len ? r->path_regex.ptr : r->path.ptr;
}

/* What people are told is what is done. */
static bool is_explained(const struct sl_route *routes, unsigned nr,
			 const struct sl_route_request *req, const struct sl_route *want,
			 bool refused)
{
	const struct sl_route *taken = NULL;
	struct sl_explanation e;
	struct sl_arena arena;
	bool method = false;

	sl_arena_init(&arena, NULL, 0, SIZE_MAX);
	if (sl_route_explain(&arena, routes, nr, req, &e) < 0)
		abort();
	for (unsigned i = 0; i < e.nr; i++) {
		if (e.list[i].verdict == SL_VERDICT_TAKEN)
			taken = e.list[i].route;
		method |= e.list[i].verdict == SL_VERDICT_METHOD;
	}
	sl_arena_fini(&arena);
	return taken == want && (want || method == refused) &&
	       e.nr + e.other_hosts + e.other_paths == nr;
}

static bool agrees(const struct sl_route_table *table, const struct sl_route *routes, unsigned nr,
		   uint64_t *state)
{
	struct made_request made;
	const struct sl_route *want;
	enum sl_route_result got;
	struct sl_route_match m;
	bool refused;

	make_request(&made, state);
	want = plain_find(routes, nr, &made.req, &refused);
	got = sl_route_find(table, &made.req, &m);
	if (m.route == want && (got == SL_ROUTE_METHOD) == (refused && !want) &&
	    is_explained(routes, nr, &made.req, want, refused))
		return true;
	printf("# %s%s?%s: got %s, want %s\n", made.req.host.ptr, made.path, made.query,
	       text_of(m.route), text_of(want));
	return false;
}

int main(void)
{
	static struct made_route made[ROUTES_MAX];
	static struct sl_route routes[ROUTES_MAX];
	uint64_t state = 88172645463325252;
	unsigned bad = 0, checked = 0;

	scratch = sl_regex_scratch_new();
	if (!scratch)
		return 1;
	for (unsigned round = 0; round < ROUNDS && bad < 10; round++) {
		unsigned nr = 1 + pick(&state, ROUTES_MAX);
		struct sl_route_table *table;

		for (unsigned i = 0; i < nr; i++)
			make_route(&routes[i], &made[i], &state);
		table = make_table(routes, &nr);
		for (unsigned i = 0; table && i < REQUESTS; i++, checked++)
			bad += !agrees(table, routes, nr, &state);
		sl_route_table_free(table);
	}
	is_int(bad, 0, "%u searches in %d tables find what a plain reading finds, and explain it",
	       checked, ROUNDS);
	is_int(checked, (int64_t)ROUNDS * REQUESTS, "every table was built");
	sl_regex_scratch_free(scratch);
	return done_testing();
}

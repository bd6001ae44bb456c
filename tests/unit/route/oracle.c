// SPDX-License-Identifier: Apache-2.0
// The tree against a plain reading of the rules: each pattern tried in turn, on made-up routes.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "route/pattern.h"
#include "route/table.h"
#include "tap.h"

enum { ROUTES_MAX = 24, ROUNDS = 4000, PATHS = 40, SEGMENTS_MAX = 4, TEXT_MAX = 64 };

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

static bool takes(const struct sl_route *r, enum sl_method method, bool by_name)
{
	if (!r->methods)
		return !by_name;
	return r->methods & 1u << method ||
	       (!by_name && method == SL_METHOD_HEAD && r->methods & 1u << SL_METHOD_GET);
}

/* On one pattern: a route that names the method, then a GET that includes it, then one for all. */
static long method_rank(const struct sl_route *r, enum sl_method method)
{
	if (takes(r, method, true))
		return 2;
	return r->methods ? 1 : 0;
}

static const struct sl_route *plain_find(const struct sl_route *routes, unsigned nr,
					 struct sl_str path, enum sl_method method, bool *ret_any)
{
	const struct sl_route *best = NULL;
	long best_rank = -1;

	*ret_any = false;
	for (unsigned i = 0; i < nr; i++) {
		long r = rank(routes[i].path, path);

		if (r < 0)
			continue;
		*ret_any = true;
		if (!takes(&routes[i], method, false))
			continue;
		r = r * 4 + method_rank(&routes[i], method);
		if (r > best_rank) {
			best_rank = r;
			best = &routes[i];
		}
	}
	return best;
}

static bool agrees(const struct sl_route_table *table, const struct sl_route *routes, unsigned nr,
		   uint64_t *state)
{
	static const enum sl_method methods[] = { SL_METHOD_GET, SL_METHOD_HEAD, SL_METHOD_PUT };
	enum sl_method method = methods[pick(state, 3)];
	const struct sl_route *want;
	enum sl_route_result got;
	struct sl_route_match m;
	char path[TEXT_MAX];
	bool any;

	make_text(path, state, false);
	want = plain_find(routes, nr, sl_str_of(path), method, &any);
	got = sl_route_find(table,
			    &(struct sl_route_request){
				    .host = SL_S("h"), .path = sl_str_of(path), .method = method },
			    &m);
	if (m.route == want && (got == SL_ROUTE_METHOD) == (any && !want))
		return true;
	printf("# %s: got %s, want %s\n", path, m.route ? m.route->path.ptr : "none",
	       want ? want->path.ptr : "none");
	return false;
}

/* Routes that can never be told apart are left out as the table refuses them. */
static struct sl_route_table *make_table(struct sl_route *routes, unsigned *nr)
{
	struct sl_route_table *table = NULL;
	unsigned a, b;
	const char *why = "";
	int ret;

	while ((ret = sl_route_table_new(&table, routes, *nr, &a, &b, &why)) == -EEXIST) {
		memmove(&routes[b], &routes[b + 1], (*nr - b - 1) * sizeof(*routes));
		--*nr;
	}
	if (ret < 0)
		printf("# %s: %s\n", routes[a].path.ptr, why);
	return table;
}

int main(void)
{
	static const uint32_t masks[] = { 0, 0, 1 << SL_METHOD_GET, 1 << SL_METHOD_PUT,
					  1 << SL_METHOD_HEAD };
	uint64_t state = 88172645463325252;
	unsigned bad = 0, checked = 0;

	for (unsigned round = 0; round < ROUNDS && bad < 10; round++) {
		unsigned nr = 1 + pick(&state, ROUTES_MAX);
		struct sl_route routes[ROUTES_MAX];
		struct sl_route_table *table;
		char text[ROUTES_MAX][TEXT_MAX];

		for (unsigned i = 0; i < nr; i++) {
			make_text(text[i], &state, true);
			routes[i] = (struct sl_route){ .name = "r", .path = sl_str_of(text[i]) };
			routes[i].methods = masks[pick(&state, 5)];
		}
		table = make_table(routes, &nr);
		for (unsigned i = 0; table && i < PATHS; i++, checked++)
			bad += !agrees(table, routes, nr, &state);
		sl_route_table_free(table);
	}
	is_int(bad, 0, "%u searches in %d tables find what a plain reading finds", checked, ROUNDS);
	is_int(checked, ROUNDS * PATHS, "every table was built");
	return done_testing();
}

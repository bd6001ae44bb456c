// SPDX-License-Identifier: Apache-2.0
// The precedence of routes told plainly: every route is ranked, and the ranks are sorted.
#include "route/explain.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "route/conditions.h"
#include "route/pattern.h"

/* What decides, in this order; the larger goes first. */
struct rank {
	const struct sl_route *route;
	size_t host;		 /* bytes of the name; an exact one counts more than any wildcard */
	struct sl_str host_name; /* as the route has it; empty: any */
	enum { BY_REGEX, BY_PREFIX, BY_PATTERN } kind;
	size_t taken;			    /* of the path, by a prefix */
	uint64_t literals;		    /* a bit a segment, the leftmost highest */
	const struct sl_route *regex_first; /* the first of that host with the same path_regex */
	enum { ALL_METHODS, OTHER_METHODS, HEAD_BY_GET, NAMED_METHOD } method;
};

/* ---- host and path ---- */

static bool is_host(struct sl_str pattern, struct sl_str host, size_t *ret_rank)
{
	enum { EXACT = 1024 };
	struct sl_str tail;

	if (host.len && host.ptr[host.len - 1] == '.')
		host.len--;
	if (!sl_str_starts(pattern, SL_S("*."))) {
		*ret_rank = EXACT;
		return sl_str_ieq(pattern, host);
	}
	pattern = (struct sl_str){ pattern.ptr + 1, pattern.len - 1 };
	*ret_rank = pattern.len;
	if (host.len <= pattern.len)
		return false;
	tail = (struct sl_str){ host.ptr + host.len - pattern.len, pattern.len };
	return sl_str_ieq(pattern, tail);
}

static bool has_host(const struct sl_route *route, struct sl_str host, struct rank *rank)
{
	enum { HOST_BYTES_MAX = 255 };
	size_t n;

	for (unsigned i = 0; host.len <= HOST_BYTES_MAX && i < route->hosts_nr; i++) {
		if (!is_host(route->hosts[i], host, &n) || n <= rank->host)
			continue;
		rank->host = n;
		rank->host_name = route->hosts[i];
	}
	return rank->host || !route->hosts_nr;
}

static bool names_host(const struct sl_route *route, struct sl_str name)
{
	for (unsigned i = 0; i < route->hosts_nr; i++)
		if (sl_str_eq(route->hosts[i], name))
			return true;
	return !route->hosts_nr && !name.len;
}

static struct sl_str cut_segment(struct sl_str *path)
{
	const char *slash = memchr(path->ptr + 1, '/', path->len - 1);
	size_t n = slash ? (size_t)(slash - path->ptr) : path->len;
	struct sl_str segment = { path->ptr + 1, n - 1 };

	path->ptr += n;
	path->len -= n;
	return segment;
}

static bool has_path(const struct sl_route *route, struct sl_str path, struct rank *rank)
{
	bool is_prefix;
	struct sl_str base = sl_pattern_base(route->path, &is_prefix), rest = path;
	uint64_t bit = 1ull << 63;

	for (; base.len; bit >>= 1) {
		struct sl_str want = cut_segment(&base), have;

		if (!rest.len || rest.ptr[0] != '/')
			return false;
		have = cut_segment(&rest);
		if (want.len && want.ptr[0] == '{') {
			if (!have.len)
				return false;
			continue;
		}
		if (!sl_str_eq(want, have))
			return false;
		rank->literals |= bit;
	}
	rank->kind = is_prefix ? BY_PREFIX : BY_PATTERN;
	rank->taken = path.len - rest.len;
	return !rest.len || (is_prefix && rest.ptr[0] == '/');
}

static bool has_regex(const struct sl_route *route, const struct sl_route *routes,
		      const struct sl_route_request *req, struct rank *rank)
{
	struct sl_regex_error error;
	struct sl_regex *regex;
	bool matches;

	if (sl_regex_new(&regex, route->path_regex, &error) < 0)
		return false;
	sl_regex_begin(req->scratch); /* each route is judged for itself */
	matches = sl_regex_match(regex, req->path, req->scratch);
	sl_regex_free(regex);
	rank->kind = BY_REGEX;
	rank->regex_first = routes;
	while (!sl_str_eq(rank->regex_first->path_regex, route->path_regex) ||
	       !names_host(rank->regex_first, rank->host_name))
		rank->regex_first++;
	return matches;
}

/* ---- order ---- */

/* A route of other methods falls away before one of all methods is asked. */
static int method_rank(const struct sl_route *route, enum sl_method method)
{
	if (!route->methods)
		return ALL_METHODS;
	if (route->methods & 1u << method)
		return NAMED_METHOD;
	if (method == SL_METHOD_HEAD && route->methods & 1u << SL_METHOD_GET)
		return HEAD_BY_GET;
	return OTHER_METHODS;
}

/* Below 0 when a is more than b, and so goes first. */
#define MORE_FIRST(a, b) (((a) < (b)) - ((a) > (b)))

static int compare(const void *first, const void *second)
{
	const struct rank *a = first, *b = second;
	const int by[] = {
		MORE_FIRST(a->host, b->host),
		MORE_FIRST(a->kind, b->kind),
		a->kind == BY_PREFIX ? MORE_FIRST(a->taken, b->taken) : 0,
		MORE_FIRST(a->literals, b->literals),
		-MORE_FIRST(a->regex_first, b->regex_first),
		MORE_FIRST(a->method, b->method),
		-sl_conditions_compare(a->route, b->route),
	};

	for (unsigned i = 0; i < sizeof(by) / sizeof(*by); i++)
		if (by[i])
			return by[i];
	return -MORE_FIRST(a->route, b->route);
}

static struct rank *rank_all(struct sl_arena *arena, const struct sl_route *routes, unsigned nr,
			     const struct sl_route_request *req, struct sl_explanation *e)
{
	struct rank *ranks = sl_arena_alloc(arena, (nr + 1) * sizeof(*ranks));

	*e = (struct sl_explanation){ .nr = 0 };
	for (unsigned i = 0; ranks && i < nr; i++) {
		struct rank rank = { .route = &routes[i] };
		bool matches;

		if (!has_host(&routes[i], req->host, &rank)) {
			e->other_hosts++;
			continue;
		}
		matches = routes[i].path_regex.len ? has_regex(&routes[i], routes, req, &rank)
						   : has_path(&routes[i], req->path, &rank);
		if (!matches) {
			e->other_paths++;
			continue;
		}
		rank.method = method_rank(&routes[i], req->method);
		ranks[e->nr++] = rank;
	}
	if (ranks)
		qsort(ranks, e->nr, sizeof(*ranks), compare);
	return ranks;
}

/* ---- verdicts ---- */

static int judge_conditions(struct sl_arena *arena, const struct sl_route_request *req,
			    struct sl_explained *it)
{
	struct sl_regexes regexes = { NULL };
	struct sl_conditions *conditions;
	int ret;

	if (!sl_route_has_conditions(it->route))
		return 0;
	ret = sl_conditions_new(&conditions, arena, &regexes, it->route);
	if (ret == 0 && req->scratch)
		sl_regex_begin(req->scratch);
	if (ret == 0)
		it->condition = sl_conditions_failing(conditions, req);
	sl_regexes_fini(&regexes);
	return ret;
}

static bool is_header_of(const struct sl_route *route, const struct sl_condition *c)
{
	return c >= route->headers && c < route->headers + route->headers_nr;
}

static int judge(struct sl_arena *arena, const struct rank *rank,
		 const struct sl_route_request *req, struct sl_explained *it)
{
	int ret = judge_conditions(arena, req, it);

	if (it->condition)
		it->verdict = is_header_of(it->route, it->condition) ? SL_VERDICT_HEADER
								     : SL_VERDICT_QUERY;
	else
		it->verdict = rank->method == OTHER_METHODS ? SL_VERDICT_METHOD : SL_VERDICT_TAKEN;
	return ret;
}

int sl_route_explain(struct sl_arena *arena, const struct sl_route *routes, unsigned nr,
		     const struct sl_route_request *req, struct sl_explanation *ret_explanation)
{
	struct sl_explanation e;
	struct rank *ranks = rank_all(arena, routes, nr, req, &e);
	bool is_taken = false, is_refused = false;
	int ret = 0;

	e.list = sl_arena_alloc(arena, (e.nr + 1) * sizeof(*e.list));
	if (!ranks || !e.list)
		return -ENOMEM;
	for (unsigned i = 0; ret == 0 && i < e.nr; i++) {
		bool is_next_host = i > 0 && ranks[i].host != ranks[i - 1].host;

		e.list[i] = (struct sl_explained){ .route = ranks[i].route,
						   .verdict = SL_VERDICT_LATER };
		if (is_taken)
			continue;
		if (is_refused && (is_next_host || e.list[i - 1].verdict == SL_VERDICT_NOT_ASKED)) {
			e.list[i].verdict = SL_VERDICT_NOT_ASKED;
			continue;
		}
		ret = judge(arena, &ranks[i], req, &e.list[i]);
		is_taken = e.list[i].verdict == SL_VERDICT_TAKEN;
		is_refused |= e.list[i].verdict == SL_VERDICT_METHOD;
	}
	if (ret == 0)
		*ret_explanation = e;
	return ret;
}

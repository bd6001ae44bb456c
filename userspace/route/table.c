// SPDX-License-Identifier: Apache-2.0
// All routes, compiled for matching: from the host to its tree of paths.
#include "route/table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/siphash.h"
#include "route/conditions.h"
#include "route/leaf.h"
#include "route/pattern.h"
#include "route/regex.h"
#include "route/tree.h"

enum { HOST_BYTES_MAX = 255 };

/* The routes of one host with one path_regex. */
struct path_regex {
	struct sl_str text;
	const struct sl_regex *regex;
	struct sl_leaf leaf;
	struct path_regex *next;
};

struct host {
	struct sl_str name; /* of a wildcard: what follows "*." */
	bool is_wild;
	struct sl_route_node *tree; /* NULL: the slot is free */
	struct path_regex *regexes; /* in the order of the file */
};

struct sl_route_table {
	struct sl_arena arena;
	struct sl_sipkey
		key; /* clients choose what is looked up: they must not know where it lands */
	struct sl_regexes regexes;
	struct host any;
	struct host *slots; /* open addressing; at least half of them are free */
	size_t slots_mask;
	size_t wild_len_max; /* 0: there are no wildcards */
};

/* Why a build failed, for the caller's ret_ outputs. */
struct fault {
	const struct sl_route *a, *b;
	const char *why;
};

static struct host *find_slot(const struct sl_route_table *t, struct sl_str name, bool is_wild)
{
	size_t i = sl_siphash(t->key, name.ptr, name.len) & t->slots_mask;

	while (t->slots[i].tree &&
	       (t->slots[i].is_wild != is_wild || !sl_str_eq(t->slots[i].name, name)))
		i = (i + 1) & t->slots_mask;
	return &t->slots[i];
}

static int make_slots(struct sl_route_table *t, const struct sl_route *routes, unsigned nr)
{
	size_t names = 0, slots = 2;

	for (unsigned i = 0; i < nr; i++)
		names += routes[i].hosts_nr;
	while (slots < 2 * names)
		slots *= 2;
	t->slots = sl_arena_alloc(&t->arena, slots * sizeof(*t->slots));
	if (!t->slots)
		return -ENOMEM;
	memset(t->slots, 0, slots * sizeof(*t->slots));
	t->slots_mask = slots - 1;
	return 0;
}

static struct sl_str cut_wildcard(struct sl_str host, bool *ret_is_wild)
{
	*ret_is_wild = sl_str_starts(host, SL_S("*."));
	if (*ret_is_wild)
		host = (struct sl_str){ host.ptr + 2, host.len - 2 };
	return host;
}

static const char *check_host(struct sl_str host)
{
	bool is_wild;
	struct sl_str name = cut_wildcard(host, &is_wild);

	if (!name.len || name.len > HOST_BYTES_MAX)
		return "a host has 1 to 255 bytes";
	if (memchr(name.ptr, '*', name.len))
		return "'*' stands only for whole labels in front, as \"*.example.com\"";
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] != sl_lower(name.ptr[i]))
			return "a host is written in lower case";
	if (name.ptr[0] == '.' || name.ptr[name.len - 1] == '.')
		return "a host neither starts nor ends with '.'";
	return NULL;
}

static const char *check_route(const struct sl_route *route)
{
	const char *why = route->path_regex.len ? NULL : sl_pattern_check(route->path);

	for (unsigned i = 0; !why && i < route->hosts_nr; i++)
		why = check_host(route->hosts[i]);
	return why;
}

/* A host, made where it is missing; NULL when out of memory. */
static struct host *find_host(struct sl_route_table *t, struct sl_str host)
{
	bool is_wild;
	struct sl_str name = cut_wildcard(host, &is_wild);
	struct host *slot = find_slot(t, name, is_wild);

	if (slot->tree)
		return slot;
	*slot = (struct host){ .name = name,
			       .is_wild = is_wild,
			       .tree = sl_route_tree_new(&t->arena) };
	if (is_wild && name.len > t->wild_len_max)
		t->wild_len_max = name.len;
	return slot->tree ? slot : NULL;
}

static int add_regex(struct sl_route_table *t, struct host *host, const struct sl_route *route,
		     const struct sl_conditions *conditions, const struct sl_route **ret_other)
{
	struct path_regex **p = &host->regexes;
	unsigned nr = 0;
	int ret;

	while (*p && !sl_str_eq((*p)->text, route->path_regex)) {
		p = &(*p)->next;
		nr++;
	}
	if (!*p) {
		if (nr == SL_ROUTE_REGEXES_MAX)
			return -E2BIG;
		*p = sl_arena_alloc(&t->arena, sizeof(**p));
		if (!*p)
			return -ENOMEM;
		**p = (struct path_regex){ .text = route->path_regex };
		ret = sl_regexes_add(&t->regexes, route->path_regex, &(*p)->regex);
		if (ret < 0)
			return ret;
	}
	return sl_leaf_add(&t->arena, &(*p)->leaf, route, conditions, ret_other);
}

static int add_to_host(struct sl_route_table *t, struct host *host, const struct sl_route *route,
		       const struct sl_conditions *conditions, struct fault *fault)
{
	int ret;

	if (!host)
		return -ENOMEM;
	ret = route->path_regex.len
		      ? add_regex(t, host, route, conditions, &fault->b)
		      : sl_route_tree_add(&t->arena, host->tree, route, conditions, &fault->b);
	_Static_assert(SL_LEAF_CANDIDATES_MAX == 256 && SL_ROUTE_REGEXES_MAX == 256,
		       "the message names these limits");
	if (ret == -E2BIG)
		fault->why = "a host has at most 256 expressions, and at most 256 routes with "
			     "conditions on one path";
	if (ret == -EINVAL)
		fault->why = "the expression of path_regex is malformed";
	return ret == -E2BIG ? -EINVAL : ret;
}

static int add_route(struct sl_route_table *t, const struct sl_route *route, struct fault *fault)
{
	struct sl_conditions *conditions = NULL;
	int ret = 0;

	*fault = (struct fault){ .a = route, .why = check_route(route) };
	if (fault->why)
		return -EINVAL;
	if (sl_route_has_conditions(route))
		ret = sl_conditions_new(&conditions, &t->arena, &t->regexes, route);
	if (ret == -EINVAL)
		fault->why = "an expression of a condition is malformed";
	if (ret < 0)
		return ret;
	if (!route->hosts_nr)
		return add_to_host(t, &t->any, route, conditions, fault);
	for (unsigned i = 0; !ret && i < route->hosts_nr; i++)
		ret = add_to_host(t, find_host(t, route->hosts[i]), route, conditions, fault);
	return ret;
}

/* Paths go before expressions, so one path for everything hides them. */
static bool is_hidden(struct sl_route_table *t, const struct sl_route *route)
{
	if (!route->path_regex.len)
		return false;
	for (unsigned i = 0; i < route->hosts_nr; i++)
		if (!sl_route_tree_takes_all(find_host(t, route->hosts[i])->tree))
			return false;
	return route->hosts_nr || sl_route_tree_takes_all(t->any.tree);
}

static int check_hidden(struct sl_route_table *t, const struct sl_route *routes, unsigned nr,
			struct fault *fault)
{
	for (unsigned i = 0; i < nr; i++) {
		if (!is_hidden(t, &routes[i]))
			continue;
		fault->a = &routes[i];
		fault->why = "takes no request: paths go before path_regex, and a route of the "
			     "same host takes \"/*\"";
		return -EINVAL;
	}
	return 0;
}

static int table_init(struct sl_route_table *t, const struct sl_route *routes, unsigned nr,
		      struct fault *fault)
{
	int ret;

	sl_arena_init(&t->arena, NULL, 0, SIZE_MAX);
	if (getrandom(&t->key, sizeof(t->key), 0) != sizeof(t->key))
		return -errno;
	t->any.tree = sl_route_tree_new(&t->arena);
	ret = t->any.tree ? make_slots(t, routes, nr) : -ENOMEM;
	for (unsigned i = 0; !ret && i < nr; i++)
		ret = add_route(t, &routes[i], fault);
	return ret ? ret : check_hidden(t, routes, nr, fault);
}

int sl_route_table_new(struct sl_route_table **ret_table, const struct sl_route *routes,
		       unsigned nr, unsigned *ret_a, unsigned *ret_b, const char **ret_why)
{
	struct sl_route_table *t = calloc(1, sizeof(*t));
	struct fault fault = { 0 };
	int ret;

	if (!t)
		return -ENOMEM;
	ret = table_init(t, routes, nr, &fault);
	if (!ret) {
		*ret_table = t;
		return 0;
	}
	/* The earlier route comes first: a message then reads in the order of the file. */
	if (ret == -EEXIST) {
		*ret_a = (unsigned)(fault.b - routes);
		*ret_b = (unsigned)(fault.a - routes);
	} else if (ret == -EINVAL) {
		*ret_a = (unsigned)(fault.a - routes);
		*ret_why = fault.why;
	}
	sl_route_table_free(t);
	return ret;
}

void sl_route_table_free(struct sl_route_table *table)
{
	if (!table)
		return;
	sl_regexes_fini(&table->regexes);
	sl_arena_fini(&table->arena);
	free(table);
}

_Static_assert((int)SL_REGEX_GROUPS_MAX <= (int)SL_ROUTE_PARAMS_MAX,
	       "a match has room for all groups");

static void bind_groups(const struct path_regex *p, const struct sl_route_request *req,
			struct sl_route_match *m)
{
	m->params_nr = sl_regex_groups_nr(p->regex);
	for (unsigned i = 0; i < m->params_nr; i++)
		m->params[i] = (struct sl_route_param){
			.name = sl_regex_group_name(p->regex, i),
			.value = sl_regex_group(p->regex, i, req->path, req->scratch),
		};
}

static const struct sl_route *find_by_regex(const struct host *host,
					    const struct sl_route_request *req,
					    struct sl_route_match *m, uint32_t *allowed)
{
	const struct sl_route *route;

	for (const struct path_regex *p = host->regexes; p; p = p->next) {
		if (!sl_regex_match(p->regex, req->path, req->scratch)) {
			if (sl_regex_gave_up(req->scratch))
				break; /* the request is refused: no work for the others */
			continue;
		}
		bind_groups(p, req, m); /* conditions use the scratch too */
		route = sl_leaf_pick(&p->leaf, req, allowed);
		if (route)
			return route;
	}
	m->params_nr = 0;
	return NULL;
}

/* Looks at one host; a slot that is free has no routes. */
static enum sl_route_result find_in(const struct host *host, const struct sl_route_request *req,
				    struct sl_route_match *m)
{
	uint32_t allowed = 0;

	if (!host->tree)
		return SL_ROUTE_NONE;
	m->route = sl_route_tree_find(host->tree, req, &allowed);
	if (m->route) {
		sl_pattern_bind(m->route->path, req->path, m);
		return SL_ROUTE_FOUND;
	}
	if (host->regexes)
		m->route = find_by_regex(host, req, m, &allowed);
	if (m->route)
		return SL_ROUTE_FOUND;
	if (!allowed)
		return SL_ROUTE_NONE;
	if (allowed & 1u << SL_METHOD_GET)
		allowed |= 1u << SL_METHOD_HEAD;
	m->allowed = allowed;
	return SL_ROUTE_METHOD;
}

/* Label by label from the left, so that the longest wildcard comes first. */
static enum sl_route_result find_wild(const struct sl_route_table *t, struct sl_str host,
				      const struct sl_route_request *req, struct sl_route_match *m)
{
	enum sl_route_result result = SL_ROUTE_NONE;

	for (size_t i = 1; result == SL_ROUTE_NONE && i + 1 < host.len; i++) {
		struct sl_str name = { host.ptr + i + 1, host.len - i - 1 };

		if (host.ptr[i] == '.' && name.len <= t->wild_len_max)
			result = find_in(find_slot(t, name, true), req, m);
	}
	return result;
}

/* Lower case, and without the dot that marks a name as absolute: DNS takes both for the same. */
static struct sl_str fold_host(struct sl_str host, char mem[static HOST_BYTES_MAX])
{
	if (host.len && host.ptr[host.len - 1] == '.')
		host.len--;
	if (host.len > HOST_BYTES_MAX)
		return (struct sl_str){ mem, 0 };
	for (size_t i = 0; i < host.len; i++)
		mem[i] = sl_lower(host.ptr[i]);
	return (struct sl_str){ mem, host.len };
}

static enum sl_route_result find(const struct sl_route_table *table,
				 const struct sl_route_request *req,
				 struct sl_route_match *ret_match)
{
	enum sl_route_result result = SL_ROUTE_NONE;
	char mem[HOST_BYTES_MAX];
	struct sl_str name = fold_host(req->host, mem);

	ret_match->route = NULL;
	ret_match->params_nr = 0;
	ret_match->allowed = 0;
	if (name.len)
		result = find_in(find_slot(table, name, false), req, ret_match);
	if (result == SL_ROUTE_NONE && name.len && table->wild_len_max)
		result = find_wild(table, name, req, ret_match);
	if (result == SL_ROUTE_NONE)
		result = find_in(&table->any, req, ret_match);
	return result;
}

enum sl_route_result sl_route_find(const struct sl_route_table *table,
				   const struct sl_route_request *req,
				   struct sl_route_match *ret_match)
{
	enum sl_route_result result;

	if (!table->regexes.first)
		return find(table, req, ret_match);
	sl_regex_begin(req->scratch);
	result = find(table, req, ret_match);
	if (!sl_regex_gave_up(req->scratch))
		return result;
	/* Whatever was found after that is not known to be the best. */
	ret_match->route = NULL;
	ret_match->params_nr = 0;
	return SL_ROUTE_GAVE_UP;
}

// SPDX-License-Identifier: Apache-2.0
// The routes of one host and path, in the order in which they are asked.
#include "route/leaf.h"

#include <errno.h>

struct sl_leaf *sl_leaf_new(struct sl_arena *arena)
{
	struct sl_leaf *leaf = sl_arena_alloc(arena, sizeof(*leaf));

	if (leaf)
		*leaf = (struct sl_leaf){ 0 };
	return leaf;
}

static int add_plain(struct sl_leaf *leaf, const struct sl_route *route,
		     const struct sl_route **ret_other)
{
	if (!route->methods) {
		if (leaf->any && leaf->any != route) {
			*ret_other = leaf->any;
			return -EEXIST;
		}
		leaf->any = route;
		return 0;
	}
	for (unsigned m = 0; m < SL_METHODS_NR; m++) {
		if (!(route->methods & 1u << m))
			continue;
		if (leaf->by_method[m] && leaf->by_method[m] != route) {
			*ret_other = leaf->by_method[m];
			return -EEXIST;
		}
		leaf->by_method[m] = route;
	}
	leaf->methods |= route->methods;
	return 0;
}

static bool are_alike(const struct sl_route *a, const struct sl_route *b)
{
	bool overlap =
		a->methods && b->methods ? a->methods & b->methods : !a->methods && !b->methods;

	return overlap && sl_conditions_are_same(a, b);
}

static int add_candidate(struct sl_arena *arena, struct sl_leaf *leaf,
			 const struct sl_candidate *candidate, const struct sl_route **ret_other)
{
	struct sl_candidate **place = NULL, **c = &leaf->first, *copy;
	unsigned nr = 0;

	for (; *c; c = &(*c)->next, nr++) {
		if ((*c)->route == candidate->route)
			return 0;
		if (are_alike((*c)->route, candidate->route)) {
			*ret_other = (*c)->route;
			return -EEXIST;
		}
		/* Routes come in the order of the file: of equals the earlier one stays first. */
		if (!place && sl_conditions_compare(candidate->route, (*c)->route) > 0)
			place = c;
	}
	if (nr == SL_LEAF_CANDIDATES_MAX)
		return -E2BIG;
	copy = sl_arena_alloc(arena, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	place = place ? place : c;
	*copy = *candidate;
	copy->next = *place;
	*place = copy;
	return 0;
}

int sl_leaf_add(struct sl_arena *arena, struct sl_leaf *leaf, const struct sl_route *route,
		const struct sl_conditions *conditions, const struct sl_route **ret_other)
{
	if (!conditions)
		return add_plain(leaf, route, ret_other);
	return add_candidate(arena, leaf, &(struct sl_candidate){ route, conditions, NULL },
			     ret_other);
}

/* The best of the routes that name one of the methods; of those that name none for a mask of 0. */
static const struct sl_route *pick(const struct sl_leaf *leaf, const struct sl_route_request *req,
				   uint32_t mask, const struct sl_route *plain)
{
	for (const struct sl_candidate *c = leaf->first; c; c = c->next) {
		bool takes = mask ? c->route->methods & mask : !c->route->methods;

		if (takes && !sl_conditions_failing(c->conditions, req))
			return c->route;
	}
	return plain;
}

/* A route whose conditions fail is not there for this request, and allows nothing. */
static uint32_t allowed_methods(const struct sl_leaf *leaf, const struct sl_route_request *req)
{
	uint32_t methods = leaf->methods;

	for (const struct sl_candidate *c = leaf->first; c; c = c->next)
		if (!sl_conditions_failing(c->conditions, req))
			methods |= c->route->methods;
	return methods;
}

const struct sl_route *sl_leaf_pick_conditional(const struct sl_leaf *leaf,
						const struct sl_route_request *req,
						uint32_t *allowed)
{
	enum sl_method m = req->method;
	const struct sl_route *route = pick(leaf, req, 1u << m, leaf->by_method[m]);

	if (!route && m == SL_METHOD_HEAD)
		route = pick(leaf, req, 1u << SL_METHOD_GET, leaf->by_method[SL_METHOD_GET]);
	if (!route)
		route = pick(leaf, req, 0, leaf->any);
	if (!route)
		*allowed |= allowed_methods(leaf, req);
	return route;
}

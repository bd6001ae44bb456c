/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of one host and path: told apart by method, then by what they ask of the rest. */
#ifndef SL_ROUTE_LEAF_H
#define SL_ROUTE_LEAF_H

#include <stdint.h>

#include "base/arena.h"
#include "route/conditions.h"
#include "route/request.h"
#include "route/route.h"

enum { SL_LEAF_CANDIDATES_MAX = 256 }; /* a request may have to ask each of them */

/* A route with conditions, ready to be asked. */
struct sl_candidate {
	const struct sl_route *route;
	const struct sl_conditions *conditions;
	struct sl_candidate *next;
};

struct sl_leaf {
	/* Routes without conditions: one for each method, and one for all others. */
	const struct sl_route *by_method[SL_METHODS_NR];
	const struct sl_route *any;
	uint32_t methods;
	struct sl_candidate *first; /* in their precedence, but for methods; NULL: there are none */
};

/* NULL when out of memory. */
struct sl_leaf *sl_leaf_new(struct sl_arena *arena);

/* conditions are NULL for a route that has none.  0; -ENOMEM; -E2BIG with SL_LEAF_CANDIDATES_MAX
 * in it; -EEXIST with *ret_other a route that no request could tell from this one.  A second time
 * the same route is no conflict. */
int sl_leaf_add(struct sl_arena *arena, struct sl_leaf *leaf, const struct sl_route *route,
		const struct sl_conditions *conditions, const struct sl_route **ret_other);

/* The best route for a request whose host and path are the leaf's.  NULL when there is none: then
 * the methods that would have been taken are added to *allowed. */
const struct sl_route *sl_leaf_pick_conditional(const struct sl_leaf *leaf,
						const struct sl_route_request *req,
						uint32_t *allowed);

static inline const struct sl_route *sl_leaf_pick(const struct sl_leaf *leaf,
						  const struct sl_route_request *req,
						  uint32_t *allowed)
{
	const struct sl_route *route = leaf->by_method[req->method];

	if (leaf->first)
		return sl_leaf_pick_conditional(leaf, req, allowed);
	*allowed |= leaf->methods;
	/* What names the method goes before what takes all, and HEAD itself before GET's HEAD. */
	if (!route && req->method == SL_METHOD_HEAD)
		route = leaf->by_method[SL_METHOD_GET];
	return route ? route : leaf->any;
}

#endif

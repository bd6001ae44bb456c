/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of one host: a compressed radix tree, with a child for "{param}" where there is one. */
#ifndef SL_ROUTE_TREE_H
#define SL_ROUTE_TREE_H

#include "base/arena.h"
#include "base/str.h"
#include "route/conditions.h"
#include "route/request.h"
#include "route/route.h"

struct sl_route_node;

/* The tree lives in the arena and points into its routes' paths.  NULL when out of memory. */
struct sl_route_node *sl_route_tree_new(struct sl_arena *arena);

/* As sl_leaf_add().  The route's path is well-formed (sl_pattern_check). */
int sl_route_tree_add(struct sl_arena *arena, struct sl_route_node *root,
		      const struct sl_route *route, const struct sl_conditions *conditions,
		      const struct sl_route **ret_other);

/* Whether a route for every path, method and request is there: nothing gets past it. */
bool sl_route_tree_takes_all(const struct sl_route_node *root);

/* The best route, or NULL; then *ret_allowed are the methods of all routes that would take the
 * request but for its method: 0 when none would.  No node is looked at twice. */
const struct sl_route *sl_route_tree_find(const struct sl_route_node *root,
					  const struct sl_route_request *req,
					  uint32_t *ret_allowed);

#endif

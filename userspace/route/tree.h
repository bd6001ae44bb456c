/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of one host: a compressed radix tree, with a child for "{param}" where there is one. */
#ifndef SL_ROUTE_TREE_H
#define SL_ROUTE_TREE_H

#include "base/arena.h"
#include "base/str.h"
#include "http/method.h"
#include "route/route.h"

struct sl_route_node;

/* The tree lives in the arena and points into its routes' paths.  NULL when out of memory. */
struct sl_route_node *sl_route_tree_new(struct sl_arena *arena);

/* 0; -ENOMEM; -EEXIST with *ret_other the route that already has that path and method.  The route's
 * path is well-formed (sl_pattern_check).  A second time the same route is no conflict. */
int sl_route_tree_add(struct sl_arena *arena, struct sl_route_node *root,
		      const struct sl_route *route, const struct sl_route **ret_other);

/* The best route for path and method, or NULL with *ret_allowed the methods of all routes that
 * match the path: 0 when none does.  No node is looked at twice. */
const struct sl_route *sl_route_tree_find(const struct sl_route_node *root, struct sl_str path,
					  enum sl_method method, uint32_t *ret_allowed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a route asks of header fields and query parameters, beyond host, path and method. */
#ifndef SL_ROUTE_CONDITIONS_H
#define SL_ROUTE_CONDITIONS_H

#include <stdbool.h>

#include "base/arena.h"
#include "route/regex.h"
#include "route/request.h"
#include "route/route.h"

struct sl_conditions;

/* True for a route that asks for more than host, path and method. */
static inline bool sl_route_has_conditions(const struct sl_route *route)
{
	return route->headers_nr || route->queries_nr;
}

/* Lives in the arena, and points into the route and the list.  0; -ENOMEM; -EINVAL when an
 * expression is malformed. */
int sl_conditions_new(struct sl_conditions **ret_conditions, struct sl_arena *arena,
		      struct sl_regexes *regexes, const struct sl_route *route);

/* The first condition that does not hold, headers before query parameters; NULL: all hold. */
const struct sl_condition *sl_conditions_failing(const struct sl_conditions *conditions,
						 const struct sl_route_request *req);

/* Both ask for the same, in whatever order. */
bool sl_conditions_are_same(const struct sl_route *a, const struct sl_route *b);
/* More header conditions go first, then more query conditions: above 0 when a goes before b, 0
 * when their order in the file decides. */
int sl_conditions_compare(const struct sl_route *a, const struct sl_route *b);

#endif

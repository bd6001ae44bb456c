/* SPDX-License-Identifier: Apache-2.0 */
/* All routes, compiled for matching: hosts by hash, paths by radix tree. */
#ifndef SL_ROUTE_TABLE_H
#define SL_ROUTE_TABLE_H

#include "base/str.h"
#include "route/request.h"
#include "route/route.h"

enum { SL_ROUTE_PARAMS_MAX = 8, SL_ROUTE_REGEXES_MAX = 256 /* path_regex, of a host */ };

struct sl_route_param {
	struct sl_str name, value; /* name points into the route, value into the matched path */
};

struct sl_route_match {
	const struct sl_route *route; /* NULL unless SL_ROUTE_FOUND */
	struct sl_route_param params[SL_ROUTE_PARAMS_MAX];
	unsigned params_nr;
	uint32_t allowed; /* with SL_ROUTE_METHOD: mask of 1 << enum sl_method, for Allow */
};

enum sl_route_result {
	SL_ROUTE_FOUND,
	SL_ROUTE_NONE,	  /* 404 */
	SL_ROUTE_METHOD,  /* 405: host and path match a route, the method none of them */
	SL_ROUTE_GAVE_UP, /* an expression met its limits, so nobody knows which route it is */
};

struct sl_route_table;

/*
 * routes[] stays the caller's and must outlive the table.  0; -ENOMEM; -EEXIST when two routes can
 * never be told apart (same host, path and conditions, an overlapping method), with *ret_a and
 * *ret_b their indices; -EINVAL for a malformed pattern, host or expression, too many of them, or a
 * path_regex that is never reached, with *ret_a its index and *ret_why the reason.
 */
int sl_route_table_new(struct sl_route_table **ret_table, const struct sl_route *routes,
		       unsigned nr, unsigned *ret_a, unsigned *ret_b, const char **ret_why);
void sl_route_table_free(struct sl_route_table *table); /* NULL is fine */

/*
 * Precedence, as in the Kubernetes Gateway API: host (exact, then the longest wildcard, then any),
 * then path (exact, then "{param}" segments, then the longest prefix; literal segments before
 * parameters, from the left; path_regex last, in the order of routes[]), then method, then the
 * most header conditions, then the most query conditions, then the order of routes[].  A route
 * whose conditions fail is passed over as if it was not there.  A host none of whose routes would
 * take the request with another method falls through to the next kind of host.  Allocates nothing.
 */
enum sl_route_result sl_route_find(const struct sl_route_table *table,
				   const struct sl_route_request *req,
				   struct sl_route_match *ret_match);

#endif

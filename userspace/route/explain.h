/* SPDX-License-Identifier: Apache-2.0 */
/* Why a route takes a request and others do not: each is tried in turn, slowly, for people. */
#ifndef SL_ROUTE_EXPLAIN_H
#define SL_ROUTE_EXPLAIN_H

#include "base/arena.h"
#include "route/request.h"
#include "route/route.h"

enum sl_verdict {
	SL_VERDICT_TAKEN,
	SL_VERDICT_LATER,     /* another one goes before it, and takes the request */
	SL_VERDICT_HEADER,    /* a condition fails */
	SL_VERDICT_QUERY,     /* likewise */
	SL_VERDICT_METHOD,    /* all holds but the method */
	SL_VERDICT_NOT_ASKED, /* routes of a closer host take the path, with other methods: 405 */
};

/* A route whose host and path match. */
struct sl_explained {
	const struct sl_route *route;
	enum sl_verdict verdict;
	const struct sl_condition *condition; /* HEADER, QUERY: the first that fails */
};

struct sl_explanation {
	struct sl_explained *list; /* the best first */
	unsigned nr;
	unsigned other_hosts, other_paths; /* routes that are not in the list, and why */
};

/* The same rules as sl_route_find(), without its table.  The list lives in the arena.  0 or
 * -ENOMEM.  The routes are well-formed; req->scratch is there. */
int sl_route_explain(struct sl_arena *arena, const struct sl_route *routes, unsigned nr,
		     const struct sl_route_request *req, struct sl_explanation *ret_explanation);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's hold on one configuration: its rules, and the connections to its upstreams. */
#ifndef SL_GATE_VIEW_H
#define SL_GATE_VIEW_H

#include <stdint.h>

#include "gate/rules.h"
#include "upstream/pool.h"

struct sl_worker;

/*
 * A request ends under the view that it began with: each holds it, and so does the worker while it
 * is the current one.  When nobody does any more, and its idle connections are closed, it goes back
 * to the main thread, which made it, and which frees the rules with the last view of them.
 */
struct sl_view {
	const struct sl_rules *rules;
	struct sl_pool pool;
	struct sl_worker *worker;
	uint32_t users;
	struct sl_view *next; /* on its way back: in shared->retired */
};

/* On any thread; the worker's loop need not run yet.  One user: the caller.  NULL: out of memory.
 */
struct sl_view *sl_view_new(struct sl_worker *w, const struct sl_rules *rules);
void sl_view_free(struct sl_view *v); /* NULL is fine */

/* On the worker's thread. */
struct sl_view *sl_view_get(struct sl_view *v);
void sl_view_put(struct sl_view *v);

#endif

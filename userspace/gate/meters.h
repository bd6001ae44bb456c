/* SPDX-License-Identifier: Apache-2.0 */
/* Which cells of the metrics the routes and targets of one configuration count in. */
#ifndef SL_GATE_METERS_H
#define SL_GATE_METERS_H

#include "gate/rules.h"
#include "observe/metrics.h"

/* By index: the first cell of each, the same in every worker's block. */
struct sl_meters {
	uint32_t no_route; /* of requests that no route took */
	uint32_t *routes;  /* by their order in the rules */
	uint32_t *targets; /* of all upstreams, one after the other */
};

/* In the main thread; names that were there before keep their cells.  0 or -ENOMEM. */
int sl_meters_new(struct sl_meters **ret_meters, struct sl_metrics *metrics,
		  const struct sl_rules *rules);
void sl_meters_free(struct sl_meters *m); /* NULL is fine */

/* Which of the targets are in service, by rules->states, for their gauges; none of them when the
 * rules are not used any more.  In the main thread. */
void sl_meters_note_targets(struct sl_metrics *metrics, const struct sl_rules *rules,
			    uint64_t now_ns);
void sl_meters_forget_targets(struct sl_metrics *metrics, const struct sl_rules *rules);

#endif

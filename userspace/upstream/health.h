/* SPDX-License-Identifier: Apache-2.0 */
/* Active health checks: one worker asks each target from time to time, and tells all by the shared
 * cells. */
#ifndef SL_UPSTREAM_HEALTH_H
#define SL_UPSTREAM_HEALTH_H

#include "upstream/pool.h"

struct sl_checker;

/* For the targets of all upstreams of the pool that have a health check.  They count as healthy
 * until checks say otherwise.  0 with *ret_checker, NULL when there is nothing to check; or
 * -ENOMEM. */
int sl_checker_new(struct sl_checker **ret_checker, struct sl_pool *pool);
/* On the worker's thread: checks each target soon, then at each interval.  What is under way counts
 * in pool->peers_nr.  NULL is fine. */
void sl_checker_start(struct sl_checker *c);
/* No further check is begun, and those under way end without a result.  Again is harmless, and NULL
 * is fine. */
void sl_checker_stop(struct sl_checker *c);
/* Before it was started, or after it was stopped and pool->peers_nr came to 0.  NULL is fine. */
void sl_checker_free(struct sl_checker *c);

/* Takes in the result of one check, reason saying why it failed; *streak counts results against
 * what is known so far.  Logs a change.  For the checker, and tests of it. */
void sl_health_settle(const struct sl_upstream_conf *conf, const struct sl_target_conf *target,
		      struct sl_target_shared *shared, uint32_t *streak, bool has_passed,
		      const char *reason, uint64_t now_ns);

#endif

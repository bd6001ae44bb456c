/* SPDX-License-Identifier: Apache-2.0 */
/* Which target of an upstream a request goes to. */
#ifndef SL_UPSTREAM_BALANCE_H
#define SL_UPSTREAM_BALANCE_H

#include "upstream/pool.h"

/* What is known of a request. */
struct sl_pick {
	uint64_t tried;	  /* targets that failed it, a bit each: sl_target_bit() */
	uint64_t hash;	  /* of what conf->hash_on names */
	uint64_t session; /* the target that its session is bound to; 0: none */
	bool has_hash;	  /* false: it has nothing to hash, and goes by round robin */
	bool is_full;	  /* set by a pick in vain: targets in service had no connection left */
};

/*
 * The target that comes next, by conf->balance, of those in service: not tried, not down, not
 * unhealthy, not ejected, not drained or disabled by the operator.  A bound session goes to its own
 * target while that is in service, drained or not.  When no target is in service, or no more of
 * them than conf->panic_percent, all that were not tried and that the operator wants are taken for
 * good again: a wrong guess must not take a service down.  Targets without room for a connection
 * are passed over.  NULL when there is none.  tried knows the first 64: those beyond may come
 * again, the caller counts.
 */
struct sl_target *sl_upstream_pick(struct sl_upstream *u, struct sl_pick *pick, uint64_t now_ns);
uint64_t sl_target_bit(const struct sl_upstream *u, const struct sl_target *t);

#endif

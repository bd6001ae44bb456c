/* SPDX-License-Identifier: Apache-2.0 */
/* Policy rate_limit: how many requests a subject may make. */
#ifndef SL_POLICY_RATE_LIMIT_H
#define SL_POLICY_RATE_LIMIT_H

#include "kern/conf.h"
#include "policy/limit_headers.h"
#include "policy/policy.h"
#include "policy/subject.h"
#include "sluice/gcra.h"

struct sl_rate_limit {
	struct sl_subject_conf subject;
	struct sl_frequency rate;
	uint64_t burst; /* as many at once; 0 as written: what comes together in a second */
	uint64_t cost;	/* of one request; 1..burst */
	enum sl_limit_headers headers;
	/* Made of them. */
	struct sl_gcra_rate gcra;
	struct sl_str name; /* of the list or the route that it stands in: fields tell it */
	uint64_t id;	    /* the same after a reload, for as long as it stands where it does */
	uint64_t window_s;  /* in which the burst comes together */
};

#endif

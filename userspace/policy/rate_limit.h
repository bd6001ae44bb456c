/* SPDX-License-Identifier: Apache-2.0 */
/* Policy rate_limit: how many requests a subject may make. */
#ifndef SL_POLICY_RATE_LIMIT_H
#define SL_POLICY_RATE_LIMIT_H

#include "kern/conf.h"
#include "policy/limit_headers.h"
#include "policy/policy.h"
#include "policy/subject.h"
#include "sluice/gcra.h"

enum sl_rate_algorithm {
	SL_RATE_GCRA,
	SL_RATE_SLIDING_WINDOW, /* see policy/windows.h */
};

struct sl_rate_limit {
	struct sl_subject_conf subject;
	struct sl_frequency rate;
	enum sl_rate_algorithm algorithm;
	uint64_t burst; /* as many at once; 0 as written: what comes together in a second */
	uint64_t cost;	/* of one request; 1..burst */
	enum sl_limit_headers headers;
	/* Made of them. */
	struct sl_gcra_rate gcra;
	struct sl_window window;
	struct sl_str name; /* of the list or the route that it stands in: fields tell it */
	uint64_t id;	    /* the same after a reload, for as long as it stands where it does */
	uint64_t window_s;  /* in which the burst comes together, or the sliding one */
};

#endif

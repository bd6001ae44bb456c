/* SPDX-License-Identifier: Apache-2.0 */
/* Policy rate_limit: how many requests a subject may make. */
#ifndef SL_POLICY_RATE_LIMIT_H
#define SL_POLICY_RATE_LIMIT_H

#include "kern/conf.h"
#include "policy/policy.h"
#include "sluice/gcra.h"

enum { SL_SUBJECTS_MAX = 4 };

enum sl_subject {
	SL_SUBJECT_CLIENT,   /* the address; of IPv6 the /64 */
	SL_SUBJECT_CONSUMER, /* who is nobody counts by its address */
	SL_SUBJECT_KEY,	     /* the consumer's key; else as CONSUMER */
	SL_SUBJECT_ROUTE,
};

enum sl_limit_headers {
	SL_LIMIT_HEADERS_DRAFT, /* RateLimit-Policy, RateLimit and, refusing, Retry-After */
	SL_LIMIT_HEADERS_X,	/* X-RateLimit-Limit, -Remaining, -Reset and Retry-After */
	SL_LIMIT_HEADERS_RETRY, /* Retry-After alone */
	SL_LIMIT_HEADERS_OFF,
};

struct sl_rate_limit {
	uint32_t per; /* mask of 1 << enum sl_subject: what they are together is the subject */
	struct sl_str header; /* the value of this field is part of the subject; empty: none */
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

extern const struct sl_policy_kind sl_policy_rate_limit;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Policy quota: how many requests a subject may make in a minute, an hour, a day or a month. */
#ifndef SL_POLICY_QUOTA_H
#define SL_POLICY_QUOTA_H

#include "policy/limit_headers.h"
#include "policy/policy.h"
#include "policy/subject.h"

enum sl_quota_every {
	SL_QUOTA_MINUTE,
	SL_QUOTA_HOUR,
	SL_QUOTA_DAY,
	SL_QUOTA_MONTH, /* of the calendar, or 30 days */
};

enum sl_quota_window {
	SL_QUOTA_CALENDAR, /* begins with the minute, hour, day or month, in UTC */
	SL_QUOTA_ROLLING,  /* begins with a subject's first request */
};

struct sl_quota {
	struct sl_subject_conf subject;
	uint32_t limit; /* as many requests, or what they cost together; 1 and more */
	enum sl_quota_every every;
	enum sl_quota_window window;
	uint32_t cost; /* of one request; 1..limit */
	enum sl_limit_headers headers;
	/* Made of them. */
	struct sl_str name; /* of the list or the route that it stands in, and of `every` */
	uint64_t id;	    /* the same after a reload, for as long as it stands where it does */
};

/* When a window that has now_s in it, or begins then, is over: seconds since 1970. */
uint64_t sl_quota_end(enum sl_quota_every every, enum sl_quota_window window, uint64_t now_s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Policy concurrency_limit: how many requests of a subject are served at once. */
#ifndef SL_POLICY_CONCURRENCY_LIMIT_H
#define SL_POLICY_CONCURRENCY_LIMIT_H

#include "policy/policy.h"
#include "policy/subject.h"

struct sl_concurrency_limit {
	struct sl_subject_conf subject;
	uint32_t limit; /* 1..SL_SEATS_LIMIT_MAX */
	/* Made of them. */
	uint64_t id; /* the same after a reload, for as long as it stands where it does */
};

#endif

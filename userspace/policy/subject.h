/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a limit or a quota counts for. */
#ifndef SL_POLICY_SUBJECT_H
#define SL_POLICY_SUBJECT_H

#include "base/siphash.h"
#include "policy/policy.h"

enum { SL_SUBJECTS_MAX = 4 };

enum sl_subject {
	SL_SUBJECT_CLIENT,   /* the address; of IPv6 the /64 */
	SL_SUBJECT_CONSUMER, /* who is nobody counts by its address */
	SL_SUBJECT_KEY,	     /* the consumer's key; else as CONSUMER */
	SL_SUBJECT_ROUTE,
};

struct sl_subject_conf {
	uint32_t per; /* mask of 1 << enum sl_subject: what they are together is the subject */
	struct sl_str header; /* the value of this field is part of the subject; empty: none */
	struct sl_str claim;  /* likewise of the token's; who has none counts by its address */
	/* Made of them. */
	unsigned claim_index; /* among those that are picked out of tokens */
};

/* Of what a request is, and of the limit's own id; whoever does not know the secret cannot make two
 * subjects that have the same. */
uint64_t sl_subject_hash(const struct sl_subject_conf *conf, uint64_t id, struct sl_sipkey secret,
			 const struct sl_policy_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Policy cors: pages of which origins may read answers (the Fetch standard, "HTTP extensions"). */
#ifndef SL_POLICY_CORS_H
#define SL_POLICY_CORS_H

#include "policy/policy.h"

struct sl_cors {
	struct sl_str *origins; /* as sl_cors_matches() reads them */
	struct sl_str *headers, *expose;
	unsigned origins_nr, headers_nr, expose_nr;
	uint32_t methods; /* mask of 1 << enum sl_method */
	bool credentials;
	uint64_t max_age_ns;
	/* Made of them: lines of answers, each with its CRLF. */
	bool allows_all;
	struct sl_str preflight_fields, answer_fields;
};

/* "*" or an origin, its first label maybe a "*": whether it stands for this one. */
bool sl_cors_matches(struct sl_str pattern, struct sl_str origin);

#endif

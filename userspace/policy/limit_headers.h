/* SPDX-License-Identifier: Apache-2.0 */
/* What answers tell of limits and quotas. */
#ifndef SL_POLICY_LIMIT_HEADERS_H
#define SL_POLICY_LIMIT_HEADERS_H

#include <stdbool.h>

enum sl_limit_headers {
	SL_LIMIT_HEADERS_DRAFT, /* RateLimit-Policy, RateLimit and, refusing, Retry-After */
	SL_LIMIT_HEADERS_X,	/* X-RateLimit-Limit, -Remaining, -Reset and Retry-After */
	SL_LIMIT_HEADERS_RETRY, /* Retry-After alone */
	SL_LIMIT_HEADERS_OFF,
};

/* Is there anything to tell in this answer? */
static inline bool sl_limit_tells(enum sl_limit_headers headers, bool is_refused)
{
	return headers <= SL_LIMIT_HEADERS_X || (is_refused && headers == SL_LIMIT_HEADERS_RETRY);
}

#endif

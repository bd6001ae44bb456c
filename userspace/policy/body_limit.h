/* SPDX-License-Identifier: Apache-2.0 */
/* Policy body_limit: how large a request's body may be. */
#ifndef SL_POLICY_BODY_LIMIT_H
#define SL_POLICY_BODY_LIMIT_H

#include "policy/policy.h"

struct sl_body_limit {
	uint64_t bytes; /* 1 and more */
};

#endif

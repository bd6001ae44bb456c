/* SPDX-License-Identifier: Apache-2.0 */
/* Policy anonymous: who is nobody goes on as a certain consumer. */
#ifndef SL_POLICY_ANONYMOUS_H
#define SL_POLICY_ANONYMOUS_H

#include "policy/policy.h"

struct sl_anonymous {
	struct sl_str consumer; /* its name */
	const struct sl_consumer *who;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Policy any_of: one of several lists of policies has to let the request go on. */
#ifndef SL_POLICY_ANY_OF_H
#define SL_POLICY_ANY_OF_H

#include "policy/policy.h"

enum { SL_ALTERNATIVES_MAX = 8 };

struct sl_any_of {
	struct sl_str *names; /* of lists; tried in this order */
	unsigned names_nr;
	/* Made of them. */
	const struct sl_policy_list **lists;
};

#endif

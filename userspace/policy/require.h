/* SPDX-License-Identifier: Apache-2.0 */
/* Policy require: who may go on, of those that are known. */
#ifndef SL_POLICY_REQUIRE_H
#define SL_POLICY_REQUIRE_H

#include "policy/policy.h"

/* Each list that is not empty has to have one that fits. */
struct sl_require {
	struct sl_str *groups;	  /* of the consumer */
	struct sl_str *consumers; /* their names */
	unsigned groups_nr, consumers_nr;
};

#endif

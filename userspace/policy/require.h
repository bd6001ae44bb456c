/* SPDX-License-Identifier: Apache-2.0 */
/* Policy require: who may go on, of those that are known. */
#ifndef SL_POLICY_REQUIRE_H
#define SL_POLICY_REQUIRE_H

#include "policy/policy.h"

/* Each list that is not empty has to have one that fits; of scopes, all have to. */
struct sl_require {
	struct sl_str *groups;	  /* of the consumer, or its token */
	struct sl_str *consumers; /* their names */
	struct sl_str *scopes;	  /* of the token, all of them */
	unsigned groups_nr, consumers_nr, scopes_nr;
};

#endif

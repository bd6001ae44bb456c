/* SPDX-License-Identifier: Apache-2.0 */
/* Policy require: who may go on, of those that are known, and what has to hold. */
#ifndef SL_POLICY_REQUIRE_H
#define SL_POLICY_REQUIRE_H

#include "policy/policy.h"

struct sl_expr;

/* Each list that is not empty has to have one that fits; of scopes and conditions, all have to. */
struct sl_require {
	struct sl_str *groups;	  /* of the consumer, or its token */
	struct sl_str *consumers; /* their names */
	struct sl_str *scopes;	  /* of the token, all of them */
	struct sl_str *when;	  /* conditions, as they are written */
	unsigned groups_nr, consumers_nr, scopes_nr, when_nr;
	/* Made of them. */
	const struct sl_expr **conditions; /* when_nr of them */
	bool asks_who,
		asks_token; /* whether anything depends on who it is; on what its token says */
};

#endif

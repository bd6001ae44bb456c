// SPDX-License-Identifier: Apache-2.0
// Policy anonymous.
#include "policy/anonymous.h"

/* A consumer that is switched off is nobody, here too. */
static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_anonymous *conf = policy;

	if (call->consumer || !conf->who->enabled)
		return NULL;
	call->consumer = conf->who;
	call->is_anonymous = true;
	return NULL;
}

const struct sl_policy_kind sl_policy_anonymous = {
	.name = "anonymous",
	.identifies = true,
	.run = run,
};

// SPDX-License-Identifier: Apache-2.0
// Policy maintenance.
#include "policy/maintenance.h"

#include "base/clock.h"

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_maintenance *conf = policy;

	if (sl_nets_have(conf->allow, conf->allow_nr, call->client))
		return NULL;
	if (sl_policy_want_fields(call)) {
		sl_out_lit(&call->fields, "Retry-After: ");
		sl_out_u64(&call->fields, conf->retry_after_ns / SL_SEC);
		sl_out_lit(&call->fields, "\r\n");
	}
	return &conf->closed;
}

const struct sl_policy_kind sl_policy_maintenance = {
	.name = "maintenance",
	.run = run,
};

// SPDX-License-Identifier: Apache-2.0
// Policy ip_access.
#include "policy/ip_access.h"

static const struct sl_refusal not_here = {
	.status = 403,
	.error = "address_denied",
	.detail = "This address may not ask here: policy ip_access.",
	.offence = "forbidden",
};

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_ip_access *conf = policy;
	const struct sl_nets_entry *e = sl_nets_find(&conf->nets, call->client);

	return (e ? e->allows : conf->allows_others) ? NULL : &not_here;
}

const struct sl_policy_kind sl_policy_ip_access = {
	.name = "ip_access",
	.run = run,
};

// SPDX-License-Identifier: Apache-2.0
// Policy concurrency_limit.
#include "policy/concurrency_limit.h"

#include "policy/seats.h"

static const struct sl_refusal too_many = {
	.status = 429,
	.error = "concurrency_limited",
	.detail = "Too many requests at once: come back when others have ended.",
	.offence = "limited",
	.fields = SL_STR("Retry-After: 1\r\n"),
};

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_concurrency_limit *conf = policy;
	_Atomic uint64_t *seat;

	if (!sl_seats_take(call->seats,
			   sl_subject_hash(&conf->subject, conf->id, call->seats->secret, call),
			   conf->limit, &seat))
		return &too_many;
	if (seat)
		call->charges[call->charges_nr++] = (struct sl_charge){ .seat = seat };
	return NULL;
}

const struct sl_policy_kind sl_policy_concurrency_limit = {
	.name = "concurrency_limit",
	.run = run,
};

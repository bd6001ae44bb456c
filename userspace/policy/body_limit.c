// SPDX-License-Identifier: Apache-2.0
// Policy body_limit.
#include "policy/body_limit.h"

static const struct sl_refusal too_large = {
	.status = 413,
	.error = "body_too_large",
	.detail = "The request body is too large.",
};

/* One whose length is not known yet is counted as it passes. */
static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_body_limit *conf = policy;

	if (call->req->body == SL_BODY_LENGTH && call->req->body_len > conf->bytes)
		return &too_large;
	if (!call->body_limit || conf->bytes < call->body_limit)
		call->body_limit = conf->bytes;
	return NULL;
}

const struct sl_policy_kind sl_policy_body_limit = {
	.name = "body_limit",
	.run = run,
};

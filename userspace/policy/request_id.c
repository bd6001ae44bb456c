// SPDX-License-Identifier: Apache-2.0
// Policy request_id.
#include "policy/request_id.h"

/* It asks nothing: config/policy_headers.c makes the field one of those that the route sets. */
const struct sl_policy_kind sl_policy_request_id = {
	.name = "request_id",
};

// SPDX-License-Identifier: Apache-2.0
// Policy headers.
#include "policy/headers.h"

/* It asks nothing: config/policy_headers.c makes its changes part of the route's own, so that a
 * request costs the same, and no route has it among what it asks. */
const struct sl_policy_kind sl_policy_headers = {
	.name = "headers",
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Policy key_auth: the client shows a key that a consumer has been given. */
#ifndef SL_POLICY_KEY_AUTH_H
#define SL_POLICY_KEY_AUTH_H

#include "policy/policy.h"

/* Where a key is looked for, in this order; one that is empty is not looked at. */
struct sl_key_auth {
	struct sl_str header; /* a field's name; in Authorization, behind "Bearer" or "Key" */
	struct sl_str query;  /* a parameter's name, as it is written */
	struct sl_str cookie;
	bool optional; /* who shows none goes on as nobody; a wrong one is still refused */
};

#endif

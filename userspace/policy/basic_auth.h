/* SPDX-License-Identifier: Apache-2.0 */
/* Policy basic_auth: the client tells a name and a password (RFC 7617). */
#ifndef SL_POLICY_BASIC_AUTH_H
#define SL_POLICY_BASIC_AUTH_H

#include "policy/policy.h"

struct sl_basic_auth {
	bool optional;	   /* who tells none goes on as nobody; a wrong one is still refused */
	uint64_t cache_ns; /* for so long a password that was checked is known, and a wrong one */
};

#endif

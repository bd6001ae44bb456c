/* SPDX-License-Identifier: Apache-2.0 */
/* Policy redirect_https: who comes in the clear is sent to where it is not. */
#ifndef SL_POLICY_REDIRECT_HTTPS_H
#define SL_POLICY_REDIRECT_HTTPS_H

#include "policy/policy.h"

struct sl_redirect_https {
	uint16_t port;
	uint64_t hsts_max_age_ns; /* 0: nothing is told */
	bool hsts_subdomains, hsts_preload;
};

#endif

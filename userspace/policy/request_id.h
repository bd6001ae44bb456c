/* SPDX-License-Identifier: Apache-2.0 */
/* Policy request_id: clients are told what their request is called in logs. */
#ifndef SL_POLICY_REQUEST_ID_H
#define SL_POLICY_REQUEST_ID_H

#include "policy/policy.h"

struct sl_request_id {
	struct sl_str header; /* of the answer; what the upstream says in it goes no further */
};

#endif

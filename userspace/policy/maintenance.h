/* SPDX-License-Identifier: Apache-2.0 */
/* Policy maintenance: nobody is served but those who try whether all is well again. */
#ifndef SL_POLICY_MAINTENANCE_H
#define SL_POLICY_MAINTENANCE_H

#include "policy/policy.h"

struct sl_maintenance {
	struct sl_net *allow; /* who is served all the same */
	unsigned allow_nr;
	uint64_t retry_after_ns;
	struct sl_str detail; /* a sentence for the client */
	/* Made of them. */
	struct sl_refusal closed;
};

#endif

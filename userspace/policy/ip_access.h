/* SPDX-License-Identifier: Apache-2.0 */
/* Policy ip_access: which addresses may come. */
#ifndef SL_POLICY_IP_ACCESS_H
#define SL_POLICY_IP_ACCESS_H

#include "policy/nets.h"
#include "policy/policy.h"

struct sl_ip_access {
	struct sl_net *allow, *deny;
	struct sl_str *allow_files, *deny_files;
	unsigned allow_nr, deny_nr, allow_files_nr, deny_files_nr;
	/* Made of them. */
	struct sl_nets nets;
	bool allows_others; /* those that no prefix has */
};

#endif

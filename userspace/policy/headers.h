/* SPDX-License-Identifier: Apache-2.0 */
/* Policy headers: changes of header fields, for any number of routes. */
#ifndef SL_POLICY_HEADERS_H
#define SL_POLICY_HEADERS_H

#include "policy/policy.h"
#include "route/route.h"

/* Of what the upstream gets, and of what the client gets. */
struct sl_headers {
	struct sl_header_edit request, response;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Policy mtls: the client has shown a certificate in its handshake (RFC 8446 4.4.2), which the
 * listener's 'client_ca' has signed. */
#ifndef SL_POLICY_MTLS_H
#define SL_POLICY_MTLS_H

#include "policy/policy.h"

struct sl_mtls {
	bool optional;		/* without a certificate on as nobody */
	bool consumer_optional; /* a certificate of no consumer goes on, as nobody's */
};

extern const struct sl_policy_kind sl_policy_mtls;

#endif

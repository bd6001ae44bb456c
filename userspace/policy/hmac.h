/* SPDX-License-Identifier: Apache-2.0 */
/* Policy hmac: the client signs its request with a secret that it shares with us (RFC 9421). */
#ifndef SL_POLICY_HMAC_H
#define SL_POLICY_HMAC_H

#include "policy/policy.h"

struct sl_hmac {
	struct sl_str *components; /* that a signature has to cover, at the least */
	unsigned components_nr;
	struct sl_str tag;   /* of the signature that is looked at; empty: there is only one */
	uint64_t max_age_ns; /* from when it was made on */
	uint64_t leeway_ns;  /* by how much clocks may differ */
	bool require_nonce;
	bool allow_replays;
	bool optional;	       /* without a signature on as nobody; a wrong one is still refused */
	bool hide_credentials; /* upstreams do not see the signature */
};

/* What a client is told whose body is not the one that its signature tells of. */
extern const struct sl_refusal sl_hmac_wrong_body;

#endif

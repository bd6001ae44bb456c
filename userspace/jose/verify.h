/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a JSON Web Token (RFC 7519) is good: signed by a key of ours, for here and now. */
#ifndef SL_JOSE_VERIFY_H
#define SL_JOSE_VERIFY_H

#include <stdint.h>

#include "jose/jws.h"

#define SL_JWT_FOREVER UINT64_MAX

/* What is asked of a token beside its signature. */
struct sl_jwt_rules {
	unsigned algs;				  /* SL_JWT_BIT of those that are let in */
	struct sl_str type;			  /* its "typ", see jws.h; empty: any */
	const struct sl_str *issuers, *audiences; /* one of these; none: any, or none at all */
	const struct sl_str *required;		  /* claims that have to be there */
	unsigned issuers_nr, audiences_nr, required_nr;
	uint32_t leeway_s;  /* by which clocks may differ */
	uint32_t max_age_s; /* since "iat", which has to be there then; 0: any */
};

struct sl_jwt_token {
	struct sl_jws jws;
	json_t *claims;	  /* NULL unless the signature is good and they could be read */
	uint64_t until_s; /* since 1970, when it is valid: from then on it is not, by the rules */
};

/* At `now_s` since 1970.  SL_JWT_VALID, or the first thing that is wrong; `*ret_token` is to be
 * ended in any case.  Uses the heap: nothing for the path of every request. */
enum sl_jwt_why sl_jwt_verify(struct sl_str token, const struct sl_jwks *keys,
			      const struct sl_jwt_rules *rules, uint64_t now_s,
			      struct sl_jwt_token *ret_token);
void sl_jwt_token_fini(struct sl_jwt_token *jwt);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A signed text in its compact form (RFC 7515 section 7.1): three parts, a header, a key, a
 * signature. */
#ifndef SL_JOSE_JWS_H
#define SL_JOSE_JWS_H

#include "jose/json.h"
#include "jose/jwks.h"

enum { SL_JWT_BYTES_MAX = 16384 }; /* of a token */

struct sl_jws {
	json_t *header;		  /* NULL: it could not be read */
	const struct sl_jwk *key; /* of the set; NULL: it was not found */
	enum sl_jwt_alg alg;	  /* with a key */
	struct sl_str payload;	  /* its bytes */
	void *mem;
};

/* Whether a key of the set has signed it by one of these algorithms (SL_JWT_BIT).  The key comes
 * from the set alone: jku, jwk, x5u and x5c of the header are not looked at.  SL_JWT_VALID to
 * SL_JWT_BAD_SIGNATURE, or SL_JWT_NO_MEMORY; `*ret_jws` is to be ended in any case.
 * `type`: what "typ" has to be, in any case and with or without "application/"; empty: anything. */
enum sl_jwt_why sl_jws_verify(struct sl_str token, const struct sl_jwks *keys, unsigned algs,
			      struct sl_str type, struct sl_jws *ret_jws);
void sl_jws_fini(struct sl_jws *jws);

#endif

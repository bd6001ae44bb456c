/* SPDX-License-Identifier: Apache-2.0 */
/* The signature algorithms of RFC 7518 and RFC 8037 that we verify. */
#ifndef SL_JOSE_ALGORITHM_H
#define SL_JOSE_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* RSA's come first: a key of theirs may be good for each. */
enum sl_jwt_alg {
	SL_JWT_RS256,
	SL_JWT_RS384,
	SL_JWT_RS512,
	SL_JWT_PS256,
	SL_JWT_PS384,
	SL_JWT_PS512,
	SL_JWT_ES256,
	SL_JWT_ES384,
	SL_JWT_ES512,
	SL_JWT_EDDSA,
	SL_JWT_HS256,
	SL_JWT_HS384,
	SL_JWT_HS512,
	SL_JWT_ALGS,
	SL_JWT_RSA_ALGS = SL_JWT_ES256, /* how many are of RSA */
};

#define SL_JWT_BIT(alg) (1u << (alg))
#define SL_JWT_BITS_RSA (SL_JWT_BIT(SL_JWT_RSA_ALGS) - 1)
#define SL_JWT_BITS_HS                                                                             \
	(SL_JWT_BIT(SL_JWT_HS256) | SL_JWT_BIT(SL_JWT_HS384) | SL_JWT_BIT(SL_JWT_HS512))
/* Of these the verifier cannot sign: whoever can verify HS can also make tokens. */
#define SL_JWT_BITS_DEFAULT (SL_JWT_BIT(SL_JWT_HS256) - 1)

struct sl_jwt_algorithm {
	const char *name;
	const char *digest;  /* as OpenSSL calls it; NULL: EdDSA brings its own */
	unsigned hash_bytes; /* of that; 0 with EdDSA */
	unsigned half_bytes; /* of ES: r and s each; else 0 */
};

const struct sl_jwt_algorithm *sl_jwt_algorithm(enum sl_jwt_alg alg);
/* By its exact name: they are case-sensitive (RFC 7515 4.1.1).  False if it is none. */
bool sl_jwt_algorithm_find(struct sl_str name, enum sl_jwt_alg *ret_alg);

#endif

// SPDX-License-Identifier: Apache-2.0
// The table of algorithms.
#include "jose/algorithm.h"

/* clang-format off */
static const struct sl_jwt_algorithm algorithms[SL_JWT_ALGS] = {
	[SL_JWT_RS256] = { "RS256", "SHA256", 32, 0 },
	[SL_JWT_RS384] = { "RS384", "SHA384", 48, 0 },
	[SL_JWT_RS512] = { "RS512", "SHA512", 64, 0 },
	[SL_JWT_PS256] = { "PS256", "SHA256", 32, 0 },
	[SL_JWT_PS384] = { "PS384", "SHA384", 48, 0 },
	[SL_JWT_PS512] = { "PS512", "SHA512", 64, 0 },
	[SL_JWT_ES256] = { "ES256", "SHA256", 32, 32 },
	[SL_JWT_ES384] = { "ES384", "SHA384", 48, 48 },
	[SL_JWT_ES512] = { "ES512", "SHA512", 64, 66 },
	[SL_JWT_EDDSA] = { "EdDSA", NULL, 0, 0 },
	[SL_JWT_HS256] = { "HS256", "SHA256", 32, 0 },
	[SL_JWT_HS384] = { "HS384", "SHA384", 48, 0 },
	[SL_JWT_HS512] = { "HS512", "SHA512", 64, 0 },
};
/* clang-format on */

const struct sl_jwt_algorithm *sl_jwt_algorithm(enum sl_jwt_alg alg)
{
	return &algorithms[alg];
}

bool sl_jwt_algorithm_find(struct sl_str name, enum sl_jwt_alg *ret_alg)
{
	for (unsigned i = 0; i < SL_JWT_ALGS; i++) {
		if (!sl_str_eq(name, sl_str_of(algorithms[i].name)))
			continue;
		*ret_alg = (enum sl_jwt_alg)i;
		return true;
	}
	return false;
}

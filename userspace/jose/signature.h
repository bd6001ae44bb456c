/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a signature is that of a key (RFC 7518 section 3, RFC 8037 section 3.1). */
#ifndef SL_JOSE_SIGNATURE_H
#define SL_JOSE_SIGNATURE_H

#include "jose/key.h"
#include "jose/why.h"

/* `alg` is one of the key's.  SL_JWT_VALID, SL_JWT_BAD_SIGNATURE, or SL_JWT_NO_MEMORY. */
enum sl_jwt_why sl_signature_check(const struct sl_jwk *key, enum sl_jwt_alg alg,
				   struct sl_str text, struct sl_str signature);

#endif

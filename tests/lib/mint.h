/* SPDX-License-Identifier: Apache-2.0 */
/* Makes keys and tokens, good ones and others: nothing of it is judged. */
#ifndef TESTS_LIB_MINT_H
#define TESTS_LIB_MINT_H

#include <openssl/evp.h>

#include "jose/algorithm.h"

/* A new key: "RSA" of 2048 bits, "P-256", "P-384", "P-521", "ED25519" or "ED448". */
EVP_PKEY *mint_key(const char *kind);

/* Its public half as a JWK; `more` are further members, each with a comma in front.  To be freed,
 * as what the others return. */
char *mint_jwk(const EVP_PKEY *key, const char *more);

char *mint_base64url(const void *mem, size_t len);

/* Signs the two texts by an algorithm; the salt of PS has so many bytes, -1: as many as the hash.
 */
char *mint_token(const char *header, const char *claims, EVP_PKEY *key, enum sl_jwt_alg alg);
char *mint_token_salted(const char *header, const char *claims, EVP_PKEY *key, enum sl_jwt_alg alg,
			int salt_bytes);
char *mint_token_by_secret(const char *header, const char *claims, struct sl_str secret,
			   enum sl_jwt_alg alg);

#endif

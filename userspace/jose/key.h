/* SPDX-License-Identifier: Apache-2.0 */
/* One key of a set: a JSON Web Key (RFC 7517), ready to verify with. */
#ifndef SL_JOSE_KEY_H
#define SL_JOSE_KEY_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base/str.h"
#include "jose/algorithm.h"

enum {
	SL_JWK_KID_MAX = 256, /* bytes */
	SL_JWK_RSA_BITS_MIN = 2048,
	SL_JWK_RSA_BITS_MAX = 8192,
	SL_JWK_SECRET_MIN = 32, /* bytes: the hash of the smallest HS (RFC 7518 3.2) */
	SL_JWK_SECRET_MAX = 1024,
};

struct sl_jwk {
	struct sl_str kid; /* its own; ptr NULL: none */
	unsigned index;	   /* in the set as it was read, those left out too */
	unsigned algs;	   /* SL_JWT_BIT of those that it is good for */
	EVP_PKEY *key;	   /* NULL with a secret */
	unsigned char *secret;
	size_t secret_len;
};

enum sl_jwk_verdict {
	SL_JWK_GOOD,
	SL_JWK_PRIVATE,	 /* good; it has private members, which were not looked at */
	SL_JWK_NOT_OURS, /* for something else: RFC 7517 section 5 has such keys ignored */
	SL_JWK_FAULT,	 /* broken, or too weak */
	SL_JWK_NO_MEMORY,
};

/* Makes a key, zeroed before, of its JSON; unless it is good, `*ret_member` is the member at fault
 * ("" for none) and `*ret_what` what is wrong, both static.  To be ended in any case. */
enum sl_jwk_verdict sl_jwk_read(struct sl_jwk *k, const json_t *json, const char **ret_member,
				const char **ret_what);
/* Secrets are wiped. */
void sl_jwk_fini(struct sl_jwk *k);

#endif

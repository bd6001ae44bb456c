/* SPDX-License-Identifier: Apache-2.0 */
/* A set of keys (RFC 7517 section 5), and which of them a token means. */
#ifndef SL_JOSE_JWKS_H
#define SL_JOSE_JWKS_H

#include "base/str.h"
#include "jose/key.h"
#include "jose/why.h"

enum {
	SL_JWKS_BYTES_MAX = 1 << 20, /* of its text */
	SL_JWKS_KEYS_MAX = 256,	     /* those included that are left out */
};

/* Never changed once it is read: any number of threads may verify with it. */
struct sl_jwks {
	struct sl_jwk *keys; /* at least one */
	unsigned keys_nr;
};

/* What came of a text. */
struct sl_jwks_report {
	char why[160];	     /* -EBADMSG: what is wrong, and with which key */
	unsigned left_out;   /* keys for something else, which RFC 7517 has us ignore */
	unsigned private_nr; /* keys with private members, which have no business here */
};

/* Reads {"keys": [...]}, or one key alone.  0 with the set, the caller's to free; -EBADMSG: no
 * strict JSON, too long, too many, a key that is broken or weak, two that no token could tell apart
 * (the same kid, good for the same algorithm), or none to verify with; -ENOMEM.  */
int sl_jwks_read(struct sl_str text, struct sl_jwks **ret_set, struct sl_jwks_report *report);
void sl_jwks_free(struct sl_jwks *set); /* NULL is fine */

/* With a kid, the key that has it: a key without one is nobody's then.  Without (ptr NULL), the
 * only key that is good for the algorithm; if there are several, it is none, for trying one after
 * the other lets a stranger make us work.  SL_JWT_VALID, SL_JWT_UNKNOWN_KEY, or
 * SL_JWT_WRONG_ALGORITHM when it is not for this one. */
enum sl_jwt_why sl_jwks_find(const struct sl_jwks *set, struct sl_str kid, enum sl_jwt_alg alg,
			     const struct sl_jwk **ret_key);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a token: for logs, counters and operators.  Clients never see it, since it
 * tells an attacker how far he has come. */
#ifndef SL_JOSE_WHY_H
#define SL_JOSE_WHY_H

/* In the order in which a token is judged. */
enum sl_jwt_why {
	SL_JWT_VALID,
	SL_JWT_TOO_LONG,
	SL_JWT_MALFORMED, /* not three parts */
	SL_JWT_ENCRYPTED, /* five parts: a JWE */
	SL_JWT_BAD_BASE64,
	SL_JWT_BAD_HEADER,
	SL_JWT_ALGORITHM_NONE,
	SL_JWT_ALGORITHM_UNKNOWN,
	SL_JWT_ALGORITHM_REFUSED, /* a good one that the options do not let in */
	SL_JWT_UNENCODED,	  /* "b64": false, RFC 7797 */
	SL_JWT_CRITICAL,	  /* "crit": we understand none of what could be in it */
	SL_JWT_NESTED,		  /* a token within a token */
	SL_JWT_WRONG_TYPE,
	SL_JWT_UNKNOWN_KEY,
	SL_JWT_WRONG_ALGORITHM, /* of its key: the key is pinned to another one */
	SL_JWT_BAD_SIGNATURE,
	SL_JWT_BAD_CLAIMS, /* no JSON object, or a member of the wrong type */
	SL_JWT_MISSING_CLAIM,
	SL_JWT_EXPIRED,
	SL_JWT_NOT_YET_VALID,
	SL_JWT_ISSUED_LATER, /* "iat" is in the future */
	SL_JWT_TOO_OLD,
	SL_JWT_WRONG_ISSUER,
	SL_JWT_WRONG_AUDIENCE,
	SL_JWT_NO_MEMORY, /* nothing was found out: the world failed, not the token */
	SL_JWT_WHYS,
};

/* A word for programs, which never changes: "expired", "bad_signature". */
const char *sl_jwt_why_word(enum sl_jwt_why why);
/* A sentence for operators, without anything of the token in it. */
const char *sl_jwt_why_text(enum sl_jwt_why why);

#endif

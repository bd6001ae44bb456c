// SPDX-License-Identifier: Apache-2.0
// What is wrong with a token, as a word and as a sentence.
#include "jose/why.h"

/* clang-format off */
static const struct {
	const char *word, *text;
} whys[SL_JWT_WHYS] = {
	[SL_JWT_VALID]		   = { "valid", "signature and claims are good" },
	[SL_JWT_TOO_LONG]	   = { "too_long", "it is longer than tokens may be" },
	[SL_JWT_MALFORMED]	   = { "malformed", "it is not three parts with dots between" },
	[SL_JWT_ENCRYPTED]	   = { "encrypted", "it has the five parts of a JWE" },
	[SL_JWT_BAD_BASE64]	   = { "bad_base64", "a part is not base64url without padding" },
	[SL_JWT_BAD_HEADER]	   = { "bad_header", "its header is no strict JSON, or has members "
						     "of the wrong type" },
	[SL_JWT_ALGORITHM_NONE]	   = { "algorithm_none", "it says that it is not signed" },
	[SL_JWT_ALGORITHM_UNKNOWN] = { "algorithm_unknown", "its algorithm is none that we know" },
	[SL_JWT_ALGORITHM_REFUSED] = { "algorithm_refused", "its algorithm is not allowed here" },
	[SL_JWT_UNENCODED]	   = { "unencoded_payload", "its payload is not encoded (b64)" },
	[SL_JWT_CRITICAL]	   = { "critical_header", "it wants an extension understood (crit) "
							  "that we do not know" },
	[SL_JWT_NESTED]		   = { "nested", "its payload is another token (cty)" },
	[SL_JWT_WRONG_TYPE]	   = { "wrong_type", "it is of another type (typ)" },
	[SL_JWT_UNKNOWN_KEY]	   = { "unknown_key", "no key of the set is meant by it" },
	[SL_JWT_WRONG_ALGORITHM]   = { "wrong_algorithm", "its key is for other algorithms" },
	[SL_JWT_BAD_SIGNATURE]	   = { "bad_signature", "its signature is not that of its key" },
	[SL_JWT_BAD_CLAIMS]	   = { "bad_claims", "its claims are no strict JSON object, or are "
						     "of the wrong type" },
	[SL_JWT_MISSING_CLAIM]	   = { "missing_claim", "it lacks a claim that it has to have" },
	[SL_JWT_EXPIRED]	   = { "expired", "its time is over (exp)" },
	[SL_JWT_NOT_YET_VALID]	   = { "not_yet_valid", "its time has not begun (nbf)" },
	[SL_JWT_ISSUED_LATER]	   = { "issued_later", "it was issued in the future (iat)" },
	[SL_JWT_TOO_OLD]	   = { "too_old", "it was issued too long ago (iat)" },
	[SL_JWT_WRONG_ISSUER]	   = { "wrong_issuer", "it is of another issuer (iss)" },
	[SL_JWT_WRONG_AUDIENCE]	   = { "wrong_audience", "it is for somebody else (aud)" },
	[SL_JWT_NO_MEMORY]	   = { "no_memory", "there was no memory to judge it" },
};
/* clang-format on */

const char *sl_jwt_why_word(enum sl_jwt_why why)
{
	return whys[why].word;
}

const char *sl_jwt_why_text(enum sl_jwt_why why)
{
	return whys[why].text;
}

// SPDX-License-Identifier: Apache-2.0
// A compact JWS: what its header says is judged before any cryptography.
#include "jose/jws.h"

#include <errno.h>
#include <stdlib.h>

#include "jose/base64url.h"
#include "jose/signature.h"

enum { HEADER, PAYLOAD, SIGNATURE, PARTS };

/* ---- the parts ---- */

static enum sl_jwt_why split(struct sl_str token, struct sl_str parts[PARTS])
{
	size_t from = 0;
	unsigned dots = 0;

	for (size_t i = 0; i <= token.len; i++) {
		if (i < token.len && token.ptr[i] != '.')
			continue;
		if (dots < PARTS)
			parts[dots] = (struct sl_str){ token.ptr + from, i - from };
		from = i + 1;
		dots += i < token.len;
	}
	if (dots == PARTS - 1)
		return SL_JWT_VALID;
	return dots == 4 ? SL_JWT_ENCRYPTED : SL_JWT_MALFORMED;
}

/* All parts into one piece of memory, which belongs to the JWS. */
static enum sl_jwt_why decode(const struct sl_str parts[PARTS], struct sl_jws *jws,
			      struct sl_str bytes[PARTS])
{
	size_t room = SL_BASE64URL_BYTES(parts[0].len) + SL_BASE64URL_BYTES(parts[1].len) +
		      SL_BASE64URL_BYTES(parts[2].len);
	char *to = malloc(room);

	jws->mem = to;
	if (!to)
		return SL_JWT_NO_MEMORY;
	for (unsigned i = 0; i < PARTS; i++) {
		int len = sl_base64url_read(parts[i], to, SL_BASE64URL_BYTES(parts[i].len));

		if (len < 0)
			return SL_JWT_BAD_BASE64;
		bytes[i] = (struct sl_str){ to, (size_t)len };
		to += len;
	}
	jws->payload = bytes[PAYLOAD];
	return SL_JWT_VALID;
}

/* ---- the header ---- */

static bool has_good_types(const json_t *header)
{
	static const char *const strings[] = { "alg", "kid", "typ", "cty" };
	const json_t *b64 = json_object_get(header, "b64");

	for (unsigned i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		if (sl_jose_json_is_other(header, strings[i]))
			return false;
	return json_object_get(header, "alg") && (!b64 || json_is_boolean(b64));
}

static enum sl_jwt_why judge_algorithm(struct sl_str name, unsigned algs, enum sl_jwt_alg *ret_alg)
{
	/* No case of it is a name; but who writes it so means it, and the log should say so. */
	if (sl_str_ieq(name, SL_S("none")))
		return SL_JWT_ALGORITHM_NONE;
	if (!sl_jwt_algorithm_find(name, ret_alg))
		return SL_JWT_ALGORITHM_UNKNOWN;
	return algs & SL_JWT_BIT(*ret_alg) ? SL_JWT_VALID : SL_JWT_ALGORITHM_REFUSED;
}

/* RFC 7515 4.1.9: "application/" may be left out, and media types have no case. */
static struct sl_str media_type(struct sl_str text)
{
	static const struct sl_str family = SL_STR("application/");

	if (text.len > family.len && sl_str_ieq((struct sl_str){ text.ptr, family.len }, family))
		return (struct sl_str){ text.ptr + family.len, text.len - family.len };
	return text;
}

static bool is_type(const json_t *header, const char *member, struct sl_str type)
{
	struct sl_str text = sl_jose_json_string(header, member);

	return text.ptr && sl_str_ieq(media_type(text), media_type(type));
}

static enum sl_jwt_why judge_header(const json_t *header, unsigned algs, struct sl_str type,
				    enum sl_jwt_alg *ret_alg)
{
	enum sl_jwt_why why;

	if (!has_good_types(header))
		return SL_JWT_BAD_HEADER;
	why = judge_algorithm(sl_jose_json_string(header, "alg"), algs, ret_alg);
	if (why != SL_JWT_VALID)
		return why;
	if (json_is_false(json_object_get(header, "b64")))
		return SL_JWT_UNENCODED;
	if (json_object_get(header, "crit"))
		return SL_JWT_CRITICAL;
	if (is_type(header, "cty", SL_S("JWT")))
		return SL_JWT_NESTED;
	if (type.len && !is_type(header, "typ", type))
		return SL_JWT_WRONG_TYPE;
	return SL_JWT_VALID;
}

/* ---- all of it ---- */

static enum sl_jwt_why read_header(struct sl_str bytes, struct sl_jws *jws)
{
	int ret = sl_jose_json_read(bytes, &jws->header, NULL);

	if (ret == 0)
		return SL_JWT_VALID;
	return ret == -ENOMEM ? SL_JWT_NO_MEMORY : SL_JWT_BAD_HEADER;
}

enum sl_jwt_why sl_jws_verify(struct sl_str token, const struct sl_jwks *keys, unsigned algs,
			      struct sl_str type, struct sl_jws *jws)
{
	struct sl_str parts[PARTS], bytes[PARTS], signed_text;
	enum sl_jwt_why why;

	*jws = (struct sl_jws){ .header = NULL };
	if (token.len > SL_JWT_BYTES_MAX)
		return SL_JWT_TOO_LONG;
	why = split(token, parts);
	if (why == SL_JWT_VALID)
		why = decode(parts, jws, bytes);
	if (why == SL_JWT_VALID)
		why = read_header(bytes[HEADER], jws);
	if (why == SL_JWT_VALID)
		why = judge_header(jws->header, algs, type, &jws->alg);
	if (why == SL_JWT_VALID)
		why = sl_jwks_find(keys, sl_jose_json_string(jws->header, "kid"), jws->alg,
				   &jws->key);
	if (why != SL_JWT_VALID)
		return why;
	signed_text = (struct sl_str){ token.ptr, parts[HEADER].len + 1 + parts[PAYLOAD].len };
	return sl_signature_check(jws->key, jws->alg, signed_text, bytes[SIGNATURE]);
}

void sl_jws_fini(struct sl_jws *jws)
{
	json_decref(jws->header);
	free(jws->mem);
	*jws = (struct sl_jws){ .header = NULL };
}

// SPDX-License-Identifier: Apache-2.0
// A token's claims, once its signature is good.
#include "jose/verify.h"

#include <errno.h>
#include <math.h>

/* Doubles hold each second of the next 285 million years, and the fractions that RFC 7519 section 2
 * allows; what is beyond a double the parser refuses. */
struct dates {
	double exp, nbf, iat; /* NAN: there is none */
};

/* ---- types ---- */

static bool read_date(const json_t *claims, const char *name, double *ret_date)
{
	const json_t *value = json_object_get(claims, name);

	*ret_date = value ? json_number_value(value) : (double)NAN;
	return !value || json_is_number(value);
}

static bool is_audience(const json_t *aud)
{
	const json_t *one;
	size_t i;

	if (!aud || json_is_string(aud))
		return true;
	json_array_foreach(aud, i, one)
	{
		if (!json_is_string(one))
			return false;
	}
	return json_is_array(aud);
}

static bool has_good_types(const json_t *claims, struct dates *ret_dates)
{
	return read_date(claims, "exp", &ret_dates->exp) &&
	       read_date(claims, "nbf", &ret_dates->nbf) &&
	       read_date(claims, "iat", &ret_dates->iat) && !sl_jose_json_is_other(claims, "iss") &&
	       !sl_jose_json_is_other(claims, "sub") && !sl_jose_json_is_other(claims, "jti") &&
	       is_audience(json_object_get(claims, "aud"));
}

/* ---- values ---- */

static bool has_required(const json_t *claims, const struct sl_jwt_rules *rules)
{
	for (unsigned i = 0; i < rules->required_nr; i++)
		if (!json_object_getn(claims, rules->required[i].ptr, rules->required[i].len))
			return false;
	return (!rules->issuers_nr || json_object_get(claims, "iss")) &&
	       (!rules->audiences_nr || json_object_get(claims, "aud")) &&
	       (!rules->max_age_s || json_object_get(claims, "iat"));
}

/* "On or after" exp it is over, "before" nbf it has not begun (RFC 7519 4.1.4, 4.1.5).  A
 * comparison with NAN is false: what is not there is not wrong. */
static enum sl_jwt_why judge_dates(const struct dates *d, const struct sl_jwt_rules *rules,
				   double now)
{
	if (now >= d->exp + rules->leeway_s)
		return SL_JWT_EXPIRED;
	if (now + rules->leeway_s < d->nbf)
		return SL_JWT_NOT_YET_VALID;
	if (now + rules->leeway_s < d->iat)
		return SL_JWT_ISSUED_LATER;
	if (rules->max_age_s && now >= d->iat + rules->max_age_s + rules->leeway_s)
		return SL_JWT_TOO_OLD;
	return SL_JWT_VALID;
}

static bool is_one_of(const json_t *value, const struct sl_str *list, unsigned nr)
{
	struct sl_str text = { json_string_value(value), json_string_length(value) };

	for (unsigned i = 0; i < nr; i++)
		if (sl_str_eq(text, list[i]))
			return true;
	return false;
}

static bool is_for_us(const json_t *aud, const struct sl_jwt_rules *rules)
{
	const json_t *one;
	size_t i;

	if (json_is_string(aud))
		return is_one_of(aud, rules->audiences, rules->audiences_nr);
	json_array_foreach(aud, i, one)
	{
		if (is_one_of(one, rules->audiences, rules->audiences_nr))
			return true;
	}
	return false;
}

/* The first whole second at which judge_dates() says no. */
static uint64_t end_of(const struct dates *d, const struct sl_jwt_rules *rules)
{
	double end = d->exp + rules->leeway_s, old = d->iat + rules->max_age_s + rules->leeway_s;

	if (rules->max_age_s && !(end <= old))
		end = old;
	if (!(end < 1e15))
		return SL_JWT_FOREVER;
	return (uint64_t)end + ((double)(uint64_t)end < end);
}

static enum sl_jwt_why judge_claims(struct sl_jwt_token *jwt, const struct sl_jwt_rules *rules,
				    uint64_t now_s)
{
	struct dates dates;
	enum sl_jwt_why why;

	if (!has_good_types(jwt->claims, &dates))
		return SL_JWT_BAD_CLAIMS;
	if (!has_required(jwt->claims, rules))
		return SL_JWT_MISSING_CLAIM;
	why = judge_dates(&dates, rules, (double)now_s);
	if (why != SL_JWT_VALID)
		return why;
	if (rules->issuers_nr &&
	    !is_one_of(json_object_get(jwt->claims, "iss"), rules->issuers, rules->issuers_nr))
		return SL_JWT_WRONG_ISSUER;
	if (rules->audiences_nr && !is_for_us(json_object_get(jwt->claims, "aud"), rules))
		return SL_JWT_WRONG_AUDIENCE;
	jwt->until_s = end_of(&dates, rules);
	return SL_JWT_VALID;
}

enum sl_jwt_why sl_jwt_verify(struct sl_str token, const struct sl_jwks *keys,
			      const struct sl_jwt_rules *rules, uint64_t now_s,
			      struct sl_jwt_token *jwt)
{
	enum sl_jwt_why why;
	int ret;

	jwt->claims = NULL;
	jwt->until_s = 0;
	why = sl_jws_verify(token, keys, rules->algs, rules->type, &jwt->jws);
	if (why != SL_JWT_VALID)
		return why;
	ret = sl_jose_json_read(jwt->jws.payload, &jwt->claims, NULL);
	if (ret < 0)
		return ret == -ENOMEM ? SL_JWT_NO_MEMORY : SL_JWT_BAD_CLAIMS;
	return judge_claims(jwt, rules, now_s);
}

void sl_jwt_token_fini(struct sl_jwt_token *jwt)
{
	json_decref(jwt->claims);
	sl_jws_fini(&jwt->jws);
	jwt->claims = NULL;
}

// SPDX-License-Identifier: Apache-2.0
// A set of keys: read whole, or refused with the key at fault.
#include "jose/jwks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jose/json.h"

static int fail(struct sl_jwks_report *report, const char *what)
{
	snprintf(report->why, sizeof(report->why), "%s", what);
	return -EBADMSG;
}

static int fail_key(struct sl_jwks_report *report, unsigned index, const char *member,
		    const char *what)
{
	snprintf(report->why, sizeof(report->why), "key %u%s%s%s %s", index, *member ? ": '" : "",
		 member, *member ? "'" : "", what);
	return -EBADMSG;
}

/* Reads a key behind those that are there. */
static int add_key(struct sl_jwks *set, const json_t *json, unsigned index,
		   struct sl_jwks_report *report)
{
	struct sl_jwk *k = &set->keys[set->keys_nr];
	const char *member, *what;
	enum sl_jwk_verdict verdict = sl_jwk_read(k, json, &member, &what);

	k->index = index;
	if (verdict == SL_JWK_GOOD || verdict == SL_JWK_PRIVATE) {
		report->private_nr += verdict == SL_JWK_PRIVATE;
		set->keys_nr++;
		return 0;
	}
	sl_jwk_fini(k);
	if (verdict == SL_JWK_FAULT)
		return fail_key(report, index, member, what);
	report->left_out += verdict == SL_JWK_NOT_OURS;
	return verdict == SL_JWK_NO_MEMORY ? -ENOMEM : 0;
}

static bool is_ambiguous(const struct sl_jwk *a, const struct sl_jwk *b)
{
	return a->kid.ptr && b->kid.ptr && sl_str_eq(a->kid, b->kid) && (a->algs & b->algs);
}

static int check_kids(const struct sl_jwks *set, struct sl_jwks_report *report)
{
	for (unsigned i = 1; i < set->keys_nr; i++)
		for (unsigned k = 0; k < i; k++)
			if (is_ambiguous(&set->keys[i], &set->keys[k]))
				return fail_key(report, set->keys[i].index, "kid",
						"is another key's too, for the same algorithm");
	return 0;
}

static int read_keys(struct sl_jwks *set, const json_t *json, struct sl_jwks_report *report)
{
	const json_t *list = json_object_get(json, "keys"), *one;
	size_t nr = json_array_size(list), i;
	int ret = 0;

	if (list && !json_is_array(list))
		return fail(report, "'keys' is not an array");
	if (!list && !json_object_get(json, "kty"))
		return fail(report, "has no 'keys', and is no key");
	if (nr > SL_JWKS_KEYS_MAX)
		return fail(report, "has more than 256 keys");
	set->keys = calloc(list ? nr + 1 : 1, sizeof(*set->keys));
	if (!set->keys)
		return -ENOMEM;
	if (!list)
		ret = add_key(set, json, 0, report);
	json_array_foreach(list, i, one)
	{
		ret = add_key(set, one, (unsigned)i, report);
		if (ret < 0)
			return ret;
	}
	if (ret == 0 && set->keys_nr == 0)
		return fail(report, "has no key to verify signatures with");
	return ret < 0 ? ret : check_kids(set, report);
}

int sl_jwks_read(struct sl_str text, struct sl_jwks **ret_set, struct sl_jwks_report *report)
{
	char why[JSON_ERROR_TEXT_LENGTH];
	struct sl_jwks *set;
	json_t *json;
	int ret;

	*report = (struct sl_jwks_report){ .left_out = 0 };
	if (text.len > SL_JWKS_BYTES_MAX)
		return fail(report, "is longer than 1 MiB");
	ret = sl_jose_json_read(text, &json, why);
	if (ret < 0)
		return ret == -EBADMSG ? fail(report, why) : ret;
	set = calloc(1, sizeof(*set));
	ret = set ? read_keys(set, json, report) : -ENOMEM;
	json_decref(json);
	if (ret == 0)
		*ret_set = set;
	else
		sl_jwks_free(set);
	return ret;
}

void sl_jwks_free(struct sl_jwks *set)
{
	if (!set)
		return;
	for (unsigned i = 0; i < set->keys_nr; i++)
		sl_jwk_fini(&set->keys[i]);
	free(set->keys);
	free(set);
}

/* ---- which one ---- */

static enum sl_jwt_why find_only(const struct sl_jwks *set, enum sl_jwt_alg alg,
				 const struct sl_jwk **ret_key)
{
	const struct sl_jwk *found = NULL;

	for (unsigned i = 0; i < set->keys_nr; i++) {
		if (!(set->keys[i].algs & SL_JWT_BIT(alg)))
			continue;
		if (found)
			return SL_JWT_UNKNOWN_KEY;
		found = &set->keys[i];
	}
	if (!found)
		return set->keys_nr == 1 ? SL_JWT_WRONG_ALGORITHM : SL_JWT_UNKNOWN_KEY;
	*ret_key = found;
	return SL_JWT_VALID;
}

enum sl_jwt_why sl_jwks_find(const struct sl_jwks *set, struct sl_str kid, enum sl_jwt_alg alg,
			     const struct sl_jwk **ret_key)
{
	enum sl_jwt_why why = SL_JWT_UNKNOWN_KEY;

	if (!kid.ptr)
		return find_only(set, alg, ret_key);
	for (unsigned i = 0; i < set->keys_nr; i++) {
		const struct sl_jwk *k = &set->keys[i];

		if (!k->kid.ptr || !sl_str_eq(k->kid, kid))
			continue;
		if (k->algs & SL_JWT_BIT(alg)) {
			*ret_key = k;
			return SL_JWT_VALID;
		}
		why = SL_JWT_WRONG_ALGORITHM;
	}
	return why;
}

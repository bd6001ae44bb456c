// SPDX-License-Identifier: Apache-2.0
// Policy jwt.
#include "policy/jwt.h"

#include "fetch/keysets.h"
#include "jose/base64url.h"
#include "jose/json.h"
#include "policy/claims.h"
#include "policy/credential.h"
#include "policy/roster.h"
#include "policy/tokens.h"
#include "tls/shown.h"

/* Nobody is told what is wrong with a token; the log is.  RFC 6750 section 3: no word of an error
 * for who has shown nothing at all. */
#define DETAIL "A valid token is needed here."
#define CHALLENGE "WWW-Authenticate: Bearer realm=\"sluice\""
#define INVALID(word)                                                                              \
	{                                                                                          \
		.status = 401, .error = (word), .detail = DETAIL, .offence = "credentials",        \
		.fields = SL_STR(CHALLENGE ", error=\"invalid_token\"\r\n")                        \
	}

static const struct sl_refusal missing = {
	.status = 401,
	.error = "jwt_missing",
	.detail = DETAIL,
	.fields = SL_STR(CHALLENGE "\r\n"),
};
static const struct sl_refusal no_keys = {
	.status = 503,
	.error = "jwt_no_keys",
	.detail = "Tokens cannot be judged at the moment.",
	.fields = SL_STR("Retry-After: 5\r\n"),
};
static const struct sl_refusal twice = INVALID("jwt_twice");
static const struct sl_refusal no_consumer = INVALID("jwt_no_consumer");
static const struct sl_refusal disabled = INVALID("jwt_consumer_disabled");
static const struct sl_refusal not_bound = INVALID("jwt_not_bound");
static const struct sl_refusal unknown_binding = INVALID("jwt_unknown_binding");
static const struct sl_refusal wrong_certificate = INVALID("jwt_wrong_certificate");

/* "jwt_" and the words of jose/why.c. */
static const struct sl_refusal refusals[SL_JWT_WHYS] = {
	[SL_JWT_TOO_LONG] = INVALID("jwt_too_long"),
	[SL_JWT_MALFORMED] = INVALID("jwt_malformed"),
	[SL_JWT_ENCRYPTED] = INVALID("jwt_encrypted"),
	[SL_JWT_BAD_BASE64] = INVALID("jwt_bad_base64"),
	[SL_JWT_BAD_HEADER] = INVALID("jwt_bad_header"),
	[SL_JWT_ALGORITHM_NONE] = INVALID("jwt_algorithm_none"),
	[SL_JWT_ALGORITHM_UNKNOWN] = INVALID("jwt_algorithm_unknown"),
	[SL_JWT_ALGORITHM_REFUSED] = INVALID("jwt_algorithm_refused"),
	[SL_JWT_UNENCODED] = INVALID("jwt_unencoded_payload"),
	[SL_JWT_CRITICAL] = INVALID("jwt_critical_header"),
	[SL_JWT_NESTED] = INVALID("jwt_nested"),
	[SL_JWT_WRONG_TYPE] = INVALID("jwt_wrong_type"),
	[SL_JWT_UNKNOWN_KEY] = INVALID("jwt_unknown_key"),
	[SL_JWT_WRONG_ALGORITHM] = INVALID("jwt_wrong_algorithm"),
	[SL_JWT_BAD_SIGNATURE] = INVALID("jwt_bad_signature"),
	[SL_JWT_BAD_CLAIMS] = INVALID("jwt_bad_claims"),
	[SL_JWT_MISSING_CLAIM] = INVALID("jwt_missing_claim"),
	[SL_JWT_EXPIRED] = INVALID("jwt_expired"),
	[SL_JWT_NOT_YET_VALID] = INVALID("jwt_not_yet_valid"),
	[SL_JWT_ISSUED_LATER] = INVALID("jwt_issued_later"),
	[SL_JWT_TOO_OLD] = INVALID("jwt_too_old"),
	[SL_JWT_WRONG_ISSUER] = INVALID("jwt_wrong_issuer"),
	[SL_JWT_WRONG_AUDIENCE] = INVALID("jwt_wrong_audience"),
};

/* ---- the token ---- */

/* What is behind "Bearer", which Authorization has to have (RFC 6750 2.1) and others may. */
static struct sl_str bearer_of(const struct sl_field *f)
{
	static const struct sl_str scheme = SL_STR("Bearer ");
	struct sl_str value = sl_field_value(f);

	if (value.len > scheme.len && sl_str_ieq((struct sl_str){ value.ptr, scheme.len }, scheme))
		return sl_str_trim(
			(struct sl_str){ value.ptr + scheme.len, value.len - scheme.len });
	return f->id == SL_FIELD_AUTHORIZATION ? (struct sl_str){ NULL, 0 } : value;
}

/* As sl_credential_take_field(), but what is for the upstream too stays. */
static int find_field(const struct sl_jwt *conf, struct sl_policy_call *call,
		      struct sl_str *ret_token)
{
	int nr = 0;

	for (unsigned i = 0; i < call->req->fields_nr; i++) {
		struct sl_field *f = &call->req->fields[i];
		struct sl_str value;

		if (f->name_len != conf->header.len ||
		    !sl_str_ieq((struct sl_str){ f->name, f->name_len }, conf->header))
			continue;
		value = bearer_of(f);
		if (!value.len)
			continue;
		f->is_hop |= conf->hide_credentials;
		*ret_token = value;
		nr++;
	}
	return nr > 1 ? -EEXIST : nr;
}

/* 1 with *ret_token, 0 without one, or a negative errno. */
static int find_token(const struct sl_jwt *conf, struct sl_policy_call *call,
		      struct sl_str *ret_token)
{
	int header = 0, query = 0, cookie = 0;

	if (conf->header.len)
		header = find_field(conf, call, ret_token);
	if (conf->query.len)
		query = sl_credential_take_query(call, conf->query, ret_token);
	if (conf->cookie.len)
		cookie = sl_credential_take_cookie(call, conf->cookie, ret_token);
	if (query == -ENOMEM || cookie == -ENOMEM)
		return -ENOMEM;
	if (header < 0 || query < 0 || cookie < 0 || header + query + cookie > 1)
		return -EEXIST; /* of two, another reader could take the other */
	return header + query + cookie;
}

/* ---- what it says ---- */

static const struct sl_refusal *know_consumer(const struct sl_jwt *conf,
					      const struct sl_policy_call *call,
					      const json_t *claims, struct sl_token_facts *facts)
{
	struct sl_str name;

	facts->consumer = NULL;
	if (!conf->consumer_claim.len)
		return NULL;
	name = sl_jose_json_string(claims, conf->consumer_claim.ptr);
	if (name.ptr)
		facts->consumer = sl_roster_find(call->roster, name);
	if (!facts->consumer)
		return conf->consumer_optional ? NULL : &no_consumer;
	return facts->consumer->enabled ? NULL : &disabled;
}

/* A word with a space in it would be two, and no name that is asked for has one. */
static void put_word(struct sl_out *o, const json_t *value)
{
	struct sl_str word = { json_string_value(value), json_string_length(value) };

	if (!word.len || memchr(word.ptr, ' ', word.len))
		return;
	if (sl_out_len(o))
		sl_out_char(o, ' ');
	sl_out_str(o, word);
}

/* A string as it is, or an array's strings with a space between: RFC 8693 4.2, and what others do.
 * It is not longer than the token that it was in. */
static bool take_words(struct sl_policy_call *call, const json_t *value, size_t room,
		       struct sl_str *ret_words)
{
	const json_t *one;
	struct sl_out o;
	char *mem;
	size_t i;

	*ret_words = (struct sl_str){ "", 0 };
	if (!json_is_string(value) && !json_array_size(value))
		return true;
	mem = sl_arena_alloc(call->arena, room);
	if (!mem)
		return false;
	sl_out_init(&o, mem, room);
	if (json_is_string(value))
		sl_out_str(&o,
			   (struct sl_str){ json_string_value(value), json_string_length(value) });
	json_array_foreach(value, i, one)
	{
		put_word(&o, one);
	}
	*ret_words = sl_out_done(&o);
	return true;
}

static bool take_facts(const struct sl_jwt *conf, struct sl_policy_call *call,
		       const struct sl_jwt_token *token, struct sl_token_facts *facts)
{
	const json_t *scopes = json_object_get(token->claims, "scope"), *groups = NULL;
	size_t room = token->jws.payload.len;

	if (!scopes)
		scopes = json_object_get(token->claims, "scp");
	if (conf->groups_claim.len)
		groups = json_object_get(token->claims, conf->groups_claim.ptr);
	facts->until_s = token->until_s;
	return take_words(call, scopes, room, &facts->scopes) &&
	       take_words(call, groups, room, &facts->groups) &&
	       sl_claims_take(call->arena, conf->claims, token->claims, room, &facts->claims);
}

/* ---- whose certificate goes with it: RFC 8705 3.1 ---- */

/* Another proof of possession, such as RFC 9449's, is not asked for here: without it the token
 * would be good in anybody's hands. */
static const struct sl_refusal *read_binding(const json_t *claims, struct sl_token_facts *facts)
{
	const json_t *cnf = json_object_get(claims, "cnf");
	struct sl_str print;

	facts->is_bound = cnf != NULL;
	if (!cnf)
		return NULL;
	print = sl_jose_json_string(cnf, "x5t#S256");
	if (json_object_size(cnf) == 1 && print.ptr &&
	    sl_base64url_read(print, facts->bound, sizeof(facts->bound)) == sizeof(facts->bound))
		return NULL;
	return &unknown_binding;
}

static bool has_shown(const struct sl_policy_call *call, const uint8_t sha256[SL_DIGEST_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	const struct sl_tls_client *shown = call->certificate;

	if (!shown || shown->fingerprint.len != 2ul * SL_DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < SL_DIGEST_BYTES; i++)
		if (shown->fingerprint.ptr[2 * i] != digits[sha256[i] >> 4] ||
		    shown->fingerprint.ptr[2 * i + 1] != digits[sha256[i] & 15])
			return false;
	return true;
}

/* Asked at each request: what is known of a token says nothing of who brings it. */
static const struct sl_refusal *check_binding(const struct sl_jwt *conf,
					      const struct sl_policy_call *call,
					      const struct sl_token_facts *facts)
{
	if (facts->is_bound)
		return has_shown(call, facts->bound) ? NULL : &wrong_certificate;
	return conf->certificate_bound ? &not_bound : NULL;
}

/* ---- a token that is not known ---- */

/* Some 30 to 100 us, and the heap: jansson and OpenSSL know no other.  It is paid once for a token
 * and five minutes, on each worker; a detour to another thread would cost as much. */
static const struct sl_refusal *verify(const struct sl_jwt *conf, struct sl_policy_call *call,
				       struct sl_str text, struct sl_token_facts *facts)
{
	struct sl_jwt_token token;
	const struct sl_refusal *refusal = NULL;
	enum sl_jwt_why why;

	if (!conf->keys) /* its issuer has not answered since the start */
		return &no_keys;
	why = sl_jwt_verify(text, conf->keys, &conf->rules, call->wall_s, &token);
	if (why == SL_JWT_UNKNOWN_KEY && conf->source)
		sl_keyset_want(conf->source);
	if (why == SL_JWT_NO_MEMORY)
		refusal = &sl_refusal_no_memory;
	else if (why != SL_JWT_VALID)
		refusal = &refusals[why];
	if (!refusal)
		refusal = know_consumer(conf, call, token.claims, facts);
	if (!refusal)
		refusal = read_binding(token.claims, facts);
	if (!refusal && !take_facts(conf, call, &token, facts))
		refusal = &sl_refusal_no_memory;
	sl_jwt_token_fini(&token);
	if (!refusal)
		sl_tokens_add(call->tokens, conf->id, text, call->wall_s, facts);
	return refusal;
}

/* What is remembered may go while a policy behind this one waits. */
static struct sl_str keep(struct sl_policy_call *call, struct sl_str words)
{
	return words.len ? sl_arena_copy(call->arena, words) : SL_S("");
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_jwt *conf = policy;
	const struct sl_refusal *refusal;
	struct sl_token_facts facts;
	struct sl_str token;
	int found = find_token(conf, call, &token);

	if (found == -ENOMEM)
		return &sl_refusal_no_memory;
	if (found < 0)
		return &twice;
	call->takes_token |= found == 0;
	if (found == 0)
		return conf->optional ? NULL : &missing;
	if (!sl_tokens_find(call->tokens, conf->id, token, call->wall_s, &facts)) {
		refusal = verify(conf, call, token, &facts);
		if (refusal)
			return refusal;
	}
	refusal = check_binding(conf, call, &facts);
	if (refusal)
		return refusal;
	if (facts.consumer && facts.consumer != call->consumer) {
		call->consumer = facts.consumer;
		call->key = NULL;
	}
	call->has_token = true;
	call->scopes = keep(call, facts.scopes);
	call->token_groups = keep(call, facts.groups);
	call->claims = keep(call, facts.claims);
	return call->scopes.ptr && call->token_groups.ptr && call->claims.ptr
		       ? NULL
		       : &sl_refusal_no_memory;
}

const struct sl_policy_kind sl_policy_jwt = {
	.name = "jwt",
	.identifies = true,
	.run = run,
};

const struct sl_policy_kind sl_policy_oidc = {
	.name = "oidc",
	.identifies = true,
	.run = run,
};

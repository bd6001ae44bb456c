// SPDX-License-Identifier: Apache-2.0
// Policy jwt: where a token is looked for, what is known of it afterwards, what the log is told.
#include "policy/jwt.h"

#include <stdio.h>
#include <stdlib.h>

#include "mint.h"
#include "policy/require.h"
#include "policy/roster.h"
#include "policy/tokens.h"
#include "tap.h"

static char first[16384];
static struct sl_arena arena, kept;
static struct sl_head req;
static struct sl_field fields[4];
static struct sl_uri uri;
static struct sl_policy_call call;
static struct sl_jwt conf;
static struct sl_tokens *tokens;
static EVP_PKEY *key;
static struct sl_str group_names[] = { SL_STR("gold") };
static const struct sl_consumer consumers[] = {
	{ .name = "acme", .groups = group_names, .groups_nr = 1, .enabled = true },
	{ .name = "off" },
};

static void begin(void)
{
	const struct sl_roster *roster = call.roster;

	sl_arena_init(&arena, first, sizeof(first), 0);
	req = (struct sl_head){ .fields = fields };
	uri = (struct sl_uri){ .path = SL_S("/") };
	call = (struct sl_policy_call){ .req = &req,
					.uri = &uri,
					.arena = &arena,
					.wall_s = 1500,
					.roster = roster,
					.tokens = tokens };
}

static void add(const char *name, const char *value)
{
	fields[req.fields_nr++] = (struct sl_field){
		.name = name,
		.value = value,
		.name_len = (uint16_t)strlen(name),
		.value_len = (uint32_t)strlen(value),
		.id = (uint8_t)sl_field_id_of(sl_str_of(name)),
	};
}

static const struct sl_expr_claims no_claims; /* no condition names any */

/* The word for the log; "" when the request goes on. */
static const char *ask(const char *claims)
{
	char *token = mint_token("{\"alg\":\"EdDSA\"}", claims, key, SL_JWT_EDDSA), *value = NULL;
	const struct sl_refusal *refusal;

	if (asprintf(&value, "Bearer %s", token) < 0)
		abort();
	begin();
	add("Authorization", value);
	refusal = sl_policy_jwt.run(&conf, &call);
	free(value);
	free(token);
	return refusal ? refusal->error : "";
}

static void words(void)
{
	is_str(sl_str_of(ask("{\"exp\":1400}")), "jwt_expired", "one that is over");
	is_str(sl_str_of(ask("{\"nbf\":1600}")), "jwt_not_yet_valid", "not begun");
	is_str(sl_str_of(ask("{\"iat\":1600}")), "jwt_issued_later", "of the future");
	is_str(sl_str_of(ask("[]")), "jwt_bad_claims", "no object");
	is_str(sl_str_of(ask("{}")), "", "a good one");
	begin();
	is_str(sl_str_of(sl_policy_jwt.run(&conf, &call)->error), "jwt_missing", "none");
	ok(!sl_policy_jwt.run(&conf, &call)->offence, "which is no offence");
}

/* The log's word is jose's with "jwt_" in front, whatever is wrong. */
static void same_words(void)
{
	static const char *const headers[] = {
		"",
		"[]",
		"{}",
		"{\"alg\":\"none\"}",
		"{\"alg\":\"X\"}",
		"{\"alg\":\"HS256\"}",
		"{\"alg\":\"EdDSA\",\"b64\":false}",
		"{\"alg\":\"EdDSA\",\"crit\":[]}",
		"{\"alg\":\"EdDSA\",\"cty\":\"JWT\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"x\"}",
		"{\"alg\":\"ES256\"}",
		"{\"alg\":\"EdDSA\"}",
	};
	static const char *const rests[] = { ".e30.AA", ".e30", ".....", ".e30.AA.AA.AA",
					     ".e30.A" };
	char text[256], want[64];

	for (unsigned i = 0; i < sizeof(headers) / sizeof(*headers) * 5; i++) {
		char *header = mint_base64url(headers[i / 5], strlen(headers[i / 5]));
		const struct sl_refusal *refusal;
		struct sl_jwt_token token;
		enum sl_jwt_why why;

		snprintf(text, sizeof(text), "Bearer %s%s", header, rests[i % 5]);
		why = sl_jwt_verify(sl_str_of(text + 7), conf.keys, &conf.rules, 1500, &token);
		sl_jwt_token_fini(&token);
		snprintf(want, sizeof(want), "jwt_%s", sl_jwt_why_word(why));
		begin();
		add("Authorization", text);
		refusal = sl_policy_jwt.run(&conf, &call);
		is_str(sl_str_of(refusal ? refusal->error : ""), want, "%s", text);
		free(header);
	}
}

static void known(void)
{
	const char *claims = "{\"exp\":2000,\"sub\":\"acme\",\"scope\":\"read write\","
			     "\"groups\":[\"a\",\"b c\",1,\"d\"]}";

	conf.consumer_claim = SL_S("sub");
	conf.groups_claim = SL_S("groups");
	conf.id = 2;
	for (unsigned turn = 0; turn < 2; turn++) {
		is_str(sl_str_of(ask(claims)), "", "a consumer's, turn %u", turn);
		ok(call.consumer == &consumers[0] && call.has_token, "whose it is");
		is_str(call.scopes, "read write", "its scopes");
		is_str(call.token_groups, "a d", "its groups: a word with a space is none");
	}
	is_str(sl_str_of(ask("{\"sub\":\"off\"}")), "jwt_consumer_disabled", "of one that is off");
	is_str(sl_str_of(ask("{\"sub\":\"who\"}")), "jwt_no_consumer", "of nobody");
	is_str(sl_str_of(ask("{\"sub\":\"ac\"}")), "jwt_no_consumer", "of half a name");
	is_str(sl_str_of(ask("{\"scope\":1}")), "jwt_no_consumer", "without the claim");
	conf.consumer_optional = true;
	is_str(sl_str_of(ask("{\"scp\":[\"x\",\"y\"]}")), "", "where it may be nobody's");
	ok(!call.consumer && call.has_token, "it is");
	is_str(call.scopes, "x y", "scopes in an array");
	conf.consumer_optional = false;
	conf.consumer_claim = conf.groups_claim = (struct sl_str){ NULL, 0 };
}

/* Whether require lets it on: groups and consumers any of them, scopes all. */
static void required(void)
{
	static struct sl_str wanted[2] = { SL_STR("read"), SL_STR("write") };
	static const struct {
		const char *scopes, *groups, *error;
		unsigned scopes_nr, groups_nr;
	} cases[] = {
		{ "read write", "", "", 2, 0 },
		{ "write x read", "", "", 2, 0 },
		{ "read", "", "scope_missing", 2, 0 },
		{ "reads write", "", "scope_missing", 2, 0 },
		{ "", "", "scope_missing", 1, 0 },
		{ "  read  write ", "", "", 2, 0 },
		{ "", "read", "", 0, 2 },
		{ "", "x write", "", 0, 2 },
		{ "", "x", "not_allowed", 0, 2 },
		{ "read", "x", "not_allowed", 1, 2 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sl_require r = { .groups = wanted,
					.scopes = wanted,
					.groups_nr = cases[i].groups_nr,
					.scopes_nr = cases[i].scopes_nr };
		const struct sl_refusal *refusal;

		begin();
		call.has_token = true;
		call.scopes = sl_str_of(cases[i].scopes);
		call.token_groups = sl_str_of(cases[i].groups);
		refusal = sl_policy_require.run(&r, &call);
		is_str(sl_str_of(refusal ? refusal->error : ""), cases[i].error,
		       "scopes '%s', groups '%s'", cases[i].scopes, cases[i].groups);
		call.has_token = false;
		ok(sl_policy_require.run(&r, &call) != NULL, "and without a token nothing of it");
		call.consumer = &consumers[0];
		ok(sl_policy_require.run(&r, &call) != NULL, "nor for a consumer without one");
	}
}

int main(void)
{
	struct sl_roster_twice twice;
	struct sl_jwks_report report;
	struct sl_jwks *set = NULL;
	char *jwk;

	sl_arena_init(&kept, NULL, 0, 1 << 20);
	key = mint_key("ED25519");
	jwk = mint_jwk(key, "");
	tokens = sl_tokens_new();
	call.roster = sl_roster_new(&kept, consumers, 2, &twice);
	if (sl_jwks_read(sl_str_of(jwk), &set, &report) < 0 || !tokens || !call.roster)
		return EXIT_FAILURE;
	conf = (struct sl_jwt){ .header = SL_S("authorization"),
				.claims = &no_claims,
				.keys = set,
				.rules = { .algs = SL_JWT_BITS_DEFAULT },
				.id = 1 };
	words();
	same_words();
	known();
	required();
	sl_tokens_free(tokens);
	sl_jwks_free(set);
	sl_arena_fini(&kept);
	EVP_PKEY_free(key);
	free(jwk);
	return done_testing();
}

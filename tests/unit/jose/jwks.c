// SPDX-License-Identifier: Apache-2.0
// Key sets: what is read, what is left out, what is refused and why; which key a token means; and
// until when a token is good.
#include "jose/jwks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jose/base64url.h"
#include "jose/verify.h"
#include "mint.h"
#include "tap.h"

#define K32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ED "'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

static const struct {
	const char *name, *text, *why; /* NULL: it is read */
	unsigned keys, left_out, private_nr;
} cases[] = {
	{ "a key alone", "{" ED "}", NULL, 1, 0, 0 },
	{ "a set", "{'keys':[{" ED "}],'more':1}", NULL, 1, 0, 0 },
	{ "keys for something else are left out",
	  "{'keys':[{'kty':'XYZ'},{" ED ",'use':'enc'},{" ED ",'alg':'RSA-OAEP'},"
	  "{" ED ",'key_ops':['encrypt']},{'kty':'EC','crv':'secp256k1'},{" ED "}]}",
	  NULL, 1, 5, 0 },
	{ "a private key is told of", "{" ED ",'d':'AA'}", NULL, 1, 0, 1 },
	{ "two of one kid, for two algorithms",
	  "{'keys':[{" ED ",'kid':'a'},{'kty':'oct','k':'" K32 "','kid':'a'}]}", NULL, 2, 0, 0 },
	{ "two without a kid", "{'keys':[{" ED "},{" ED "}]}", NULL, 2, 0, 0 },
	{ "two of one kid, for one algorithm", "{'keys':[{" ED ",'kid':'a'},{" ED ",'kid':'a'}]}",
	  "key 1: 'kid' is another key's too, for the same algorithm", 0, 0, 0 },
	{ "no JSON", "keys", "line 1: '[' or '{' expected near 'keys'", 0, 0, 0 },
	{ "an array", "[]", "not an object", 0, 0, 0 },
	{ "no keys", "{}", "has no 'keys', and is no key", 0, 0, 0 },
	{ "keys that are no array", "{'keys':{}}", "'keys' is not an array", 0, 0, 0 },
	{ "an empty set", "{'keys':[]}", "has no key to verify signatures with", 0, 0, 0 },
	{ "only keys for something else", "{'keys':[{'kty':'XYZ'}]}",
	  "has no key to verify signatures with", 0, 1, 0 },
	{ "no type", "{'keys':[{'x':'AA'}]}", "key 0: 'kty' has to be there, and a string", 0, 0,
	  0 },
	{ "a key that is a number", "{'keys':[1]}", "key 0 has to be an object", 0, 0, 0 },
	{ "a short secret", "{'kty':'oct','k':'AAAA'}",
	  "key 0: 'k' is a secret of less than 32 bytes", 0, 0, 0 },
	{ "a point beside the curve", "{'kty':'EC','crv':'P-256','x':'" EC_Y "','y':'" EC_X "'}",
	  "key 0: 'x' and y are no point of the curve", 0, 0, 0 },
	{ "a point of another length", "{'kty':'EC','crv':'P-256','x':'AA','y':'" EC_Y "'}",
	  "key 0: 'x' is not as long as the curve has it", 0, 0, 0 },
	{ "padding", "{'kty':'EC','crv':'P-256','x':'AA==','y':'" EC_Y "'}",
	  "key 0: 'x' is not base64url without padding", 0, 0, 0 },
	{ "an RSA key of 8 bits", "{'kty':'RSA','n':'_w','e':'AQAB'}",
	  "key 0: 'n' is a key of less than 2048 bits", 0, 0, 0 },
	{ "an algorithm of another type", "{" ED ",'alg':'RS256'}",
	  "key 0: 'alg' does not go with this key", 0, 0, 0 },
	{ "a use that is no string", "{" ED ",'use':1}", "key 0: 'use' has to be a string", 0, 0,
	  0 },
};

static char *quoted(const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; p && *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return copy;
}

static void reads(void)
{
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = quoted(cases[i].text);
		struct sl_jwks_report report;
		struct sl_jwks *set = NULL;
		int ret = sl_jwks_read(sl_str_of(text), &set, &report);

		is_int(ret, cases[i].why ? -EBADMSG : 0, "%s", cases[i].name);
		is_str(sl_str_of(report.why), cases[i].why ? cases[i].why : "", "what is wrong");
		is_int(set ? set->keys_nr : 0, cases[i].keys, "keys");
		is_int(report.left_out, cases[i].left_out, "left out");
		is_int(report.private_nr, cases[i].private_nr, "private");
		sl_jwks_free(set);
		free(text);
	}
}

/* A good modulus, and an exponent that is none. */
static void exponents(void)
{
	static const char *const bad[] = { "AQ", "Ag", "AA", "", "AQAAAAAAAAAB" };
	EVP_PKEY *key = mint_key("RSA");
	char *jwk = mint_jwk(key, ""), *e = strstr(jwk, "\"e\":"), text[1024];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct sl_jwks_report report;
		struct sl_jwks *set = NULL;

		snprintf(text, sizeof(text), "%.*s\"e\":\"%s\"}", (int)(e - jwk), jwk, bad[i]);
		is_int(sl_jwks_read(sl_str_of(text), &set, &report), -EBADMSG, "e is '%s'", bad[i]);
		ok(strstr(report.why, "'e' has to be odd") != NULL, "%s", report.why);
	}
	free(jwk);
	EVP_PKEY_free(key);
}

static void limits(void)
{
	static char big[SL_JWKS_BYTES_MAX + 2];
	struct sl_jwks_report report;
	struct sl_jwks *set = NULL;
	char *key = quoted("{" ED "},"), *at = big;

	at += sprintf(at, "{\"keys\":[");
	for (unsigned i = 0; i < SL_JWKS_KEYS_MAX + 1; i++)
		at += sprintf(at, "%s", key);
	memcpy(at - 1, "]}", 2);
	is_int(sl_jwks_read((struct sl_str){ big, (size_t)(at - big) + 1 }, &set, &report),
	       -EBADMSG, "257 keys");
	is_str(sl_str_of(report.why), "has more than 256 keys", "are too many");
	at -= strlen(key);
	memcpy(at - 1, "]}", 2);
	memset(at + 1, ' ', (size_t)(big + sizeof(big) - (at + 1)));
	is_int(sl_jwks_read((struct sl_str){ big, SL_JWKS_BYTES_MAX }, &set, &report), 0,
	       "256 keys, 1 MiB: %s", report.why);
	sl_jwks_free(set);
	is_int(sl_jwks_read((struct sl_str){ big, SL_JWKS_BYTES_MAX + 1 }, &set, &report), -EBADMSG,
	       "and one byte more is too long");
	free(key);
}

static void until(void)
{
	static const struct {
		const char *claims;
		struct sl_jwt_rules rules;
		uint64_t want;
	} times[] = {
		{ "{}", { .leeway_s = 5 }, SL_JWT_FOREVER },
		{ "{\"exp\":2000}", { .leeway_s = 0 }, 2000 },
		{ "{\"exp\":2000}", { .leeway_s = 5 }, 2005 },
		{ "{\"exp\":1999.5}", { .leeway_s = 5 }, 2005 },
		{ "{\"exp\":1e300}", { .leeway_s = 5 }, SL_JWT_FOREVER },
		{ "{\"exp\":2000,\"iat\":1500}", { .max_age_s = 100 }, 1600 },
		{ "{\"exp\":1550,\"iat\":1500}", { .max_age_s = 100, .leeway_s = 1 }, 1551 },
		{ "{\"iat\":1500}", { .max_age_s = 100, .leeway_s = 1 }, 1601 },
	};
	EVP_PKEY *key = mint_key("ED25519");
	char *jwk = mint_jwk(key, "");
	struct sl_jwks_report report;
	struct sl_jwks *set = NULL;

	sl_jwks_read(sl_str_of(jwk), &set, &report);
	for (unsigned i = 0; i < sizeof(times) / sizeof(*times); i++) {
		char *token = mint_token("{\"alg\":\"EdDSA\"}", times[i].claims, key, SL_JWT_EDDSA);
		struct sl_jwt_rules rules = times[i].rules;
		struct sl_jwt_token jwt;

		rules.algs = SL_JWT_BITS_DEFAULT;
		sl_jwt_verify(sl_str_of(token), set, &rules, 1500, &jwt);
		is_int((int64_t)jwt.until_s, (int64_t)times[i].want, "%s is good until then",
		       times[i].claims);
		sl_jwt_token_fini(&jwt);
		if (times[i].want == SL_JWT_FOREVER) {
			free(token);
			continue;
		}
		is_int(sl_jwt_verify(sl_str_of(token), set, &rules, times[i].want - 1, &jwt),
		       SL_JWT_VALID, "a second before it is");
		sl_jwt_token_fini(&jwt);
		ok(sl_jwt_verify(sl_str_of(token), set, &rules, times[i].want, &jwt) !=
			   SL_JWT_VALID,
		   "and then it is not");
		sl_jwt_token_fini(&jwt);
		free(token);
	}
	sl_jwks_free(set);
	free(jwk);
	EVP_PKEY_free(key);
}

static void salts(void)
{
	EVP_PKEY *key = mint_key("RSA");
	char *jwk = mint_jwk(key, "");
	struct sl_jwt_rules rules = { .algs = SL_JWT_BITS_DEFAULT };
	struct sl_jwks_report report;
	struct sl_jwks *set = NULL;
	struct sl_jwt_token jwt;

	sl_jwks_read(sl_str_of(jwk), &set, &report);
	for (int salt = 0; salt <= 64; salt += 16) {
		char *token =
			mint_token_salted("{\"alg\":\"PS256\"}", "{}", key, SL_JWT_PS256, salt);

		is_int(sl_jwt_verify(sl_str_of(token), set, &rules, 0, &jwt),
		       salt == 32 ? SL_JWT_VALID : SL_JWT_BAD_SIGNATURE,
		       "PS256 with a salt of %d bytes", salt);
		sl_jwt_token_fini(&jwt);
		free(token);
	}
	sl_jwks_free(set);
	free(jwk);
	EVP_PKEY_free(key);
}

static void base64url(void)
{
	static const struct {
		const char *text;
		int want;
	} texts[] = {
		{ "", 0 },
		{ "AA", 1 },
		{ "AAA", 2 },
		{ "AAAA", 3 },
		{ "_-8", 2 },
		{ "A", -EBADMSG },
		{ "AAAAA", -EBADMSG },
		{ "AB", -EBADMSG },
		{ "AAB", -EBADMSG },
		{ "AA=", -EBADMSG },
		{ "A+", -EBADMSG },
		{ "A/", -EBADMSG },
		{ "A A", -EBADMSG },
		{ "AA\n", -EBADMSG },
		{ "AAAAAA", -EMSGSIZE },
	};
	char mem[3];

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		is_int(sl_base64url_read(sl_str_of(texts[i].text), mem, sizeof(mem)), texts[i].want,
		       "'%s' as base64url", texts[i].text);
}

int main(void)
{
	reads();
	exponents();
	limits();
	until();
	salts();
	base64url();
	return done_testing();
}

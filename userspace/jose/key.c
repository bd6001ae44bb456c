// SPDX-License-Identifier: Apache-2.0
// A JSON Web Key: out of its members, and into OpenSSL.
#include "jose/key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "jose/base64url.h"
#include "jose/json.h"

enum { POINT_MAX = 66, NUMBER_MAX = SL_JWK_RSA_BITS_MAX / 8 + 1 };

/* What was found so far. */
struct reading {
	const json_t *json;
	const char *member, *what;
};

static enum sl_jwk_verdict say(struct reading *r, enum sl_jwk_verdict verdict, const char *member,
			       const char *what)
{
	r->member = member;
	r->what = what;
	return verdict;
}

static enum sl_jwk_verdict fault(struct reading *r, const char *member, const char *what)
{
	return say(r, SL_JWK_FAULT, member, what);
}

/* The bytes of a member; negative when the fault was said. */
static int read_bytes(struct reading *r, const char *member, void *to, size_t size)
{
	struct sl_str text = sl_jose_json_string(r->json, member);
	int len;

	if (!text.ptr) {
		fault(r, member, "has to be there, and a string");
		return -1;
	}
	len = sl_base64url_read(text, to, size);
	if (len == -EMSGSIZE)
		fault(r, member, "is too long");
	else if (len < 0)
		fault(r, member, "is not base64url without padding");
	return len;
}

/* ---- into OpenSSL ---- */

static EVP_PKEY *make(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!context || EVP_PKEY_fromdata_init(context) <= 0 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

static EVP_PKEY *make_rsa(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params)
		key = make("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* The point is x and y behind each other; NULL also when it is not on the curve. */
static EVP_PKEY *make_ec(const char *group, const unsigned char *point, size_t half)
{
	unsigned char octets[1 + 2 * POINT_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, 1 + 2 * half),
		OSSL_PARAM_construct_end(),
	};

	memcpy(octets + 1, point, 2 * half);
	return make("EC", params);
}

/* ---- each kind ---- */

/* An exponent of 1 lets anybody sign, an even one nobody; one of more than 64 bits makes each
 * verification dear. */
static enum sl_jwk_verdict judge_rsa(struct reading *r, const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);

	if (bits < SL_JWK_RSA_BITS_MIN)
		return fault(r, "n", "is a key of less than 2048 bits");
	if (bits > SL_JWK_RSA_BITS_MAX)
		return fault(r, "n", "is a key of more than 8192 bits");
	if (!BN_is_odd(n))
		return fault(r, "n", "is even");
	if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > 64)
		return fault(r, "e", "has to be odd, 3 at least, and of 64 bits at most");
	return SL_JWK_GOOD;
}

static enum sl_jwk_verdict read_rsa(struct reading *r, struct sl_jwk *k)
{
	unsigned char n_bytes[NUMBER_MAX], e_bytes[NUMBER_MAX];
	int n_len = read_bytes(r, "n", n_bytes, sizeof(n_bytes));
	int e_len = n_len < 0 ? -1 : read_bytes(r, "e", e_bytes, sizeof(e_bytes));
	enum sl_jwk_verdict verdict = SL_JWK_NO_MEMORY;
	BIGNUM *n, *e;

	if (e_len < 0)
		return SL_JWK_FAULT;
	n = BN_bin2bn(n_bytes, n_len, NULL);
	e = BN_bin2bn(e_bytes, e_len, NULL);
	if (n && e)
		verdict = judge_rsa(r, n, e);
	if (verdict == SL_JWK_GOOD) {
		k->algs = SL_JWT_BITS_RSA;
		k->key = make_rsa(n, e);
		verdict = k->key ? SL_JWK_GOOD : SL_JWK_NO_MEMORY;
	}
	BN_free(n);
	BN_free(e);
	return verdict;
}

static enum sl_jwk_verdict read_ec(struct reading *r, struct sl_jwk *k)
{
	static const struct {
		const char *curve;
		enum sl_jwt_alg alg;
	} curves[] = { { "P-256", SL_JWT_ES256 },
		       { "P-384", SL_JWT_ES384 },
		       { "P-521", SL_JWT_ES512 } };
	struct sl_str name = sl_jose_json_string(r->json, "crv");
	unsigned char point[2 * POINT_MAX];
	unsigned i = 0;
	int half;

	if (!name.ptr)
		return fault(r, "crv", "has to be there, and a string");
	while (i < 3 && !sl_str_eq(name, sl_str_of(curves[i].curve)))
		i++;
	if (i == 3)
		return say(r, SL_JWK_NOT_OURS, "crv", "is a curve that is not used here");
	half = (int)sl_jwt_algorithm(curves[i].alg)->half_bytes;
	for (int part = 0; part < 2; part++) {
		const char *member = part ? "y" : "x";
		int len = read_bytes(r, member, point + (size_t)part * (size_t)half, (size_t)half);

		if (len < 0)
			return SL_JWK_FAULT;
		if (len != half) /* RFC 7518 6.2.1.2: zeros in front are not left out */
			return fault(r, member, "is not as long as the curve has it");
	}
	k->algs = SL_JWT_BIT(curves[i].alg);
	k->key = make_ec(curves[i].curve, point, (size_t)half);
	return k->key ? SL_JWK_GOOD : fault(r, "x", "and y are no point of the curve");
}

static enum sl_jwk_verdict read_okp(struct reading *r, struct sl_jwk *k)
{
	struct sl_str curve = sl_jose_json_string(r->json, "crv");
	bool is_448 = curve.ptr && sl_str_eq(curve, SL_S("Ed448"));
	unsigned char bytes[57];
	int want = is_448 ? 57 : 32, len;

	if (!curve.ptr)
		return fault(r, "crv", "has to be there, and a string");
	if (!is_448 && !sl_str_eq(curve, SL_S("Ed25519")))
		return say(r, SL_JWK_NOT_OURS, "crv", "is a curve that is not used here");
	len = read_bytes(r, "x", bytes, (size_t)want);
	if (len < 0)
		return SL_JWK_FAULT;
	if (len != want)
		return fault(r, "x", "is not as long as the curve has it");
	k->algs = SL_JWT_BIT(SL_JWT_EDDSA);
	k->key = EVP_PKEY_new_raw_public_key(is_448 ? EVP_PKEY_ED448 : EVP_PKEY_ED25519, NULL,
					     bytes, (size_t)len);
	return k->key ? SL_JWK_GOOD : SL_JWK_NO_MEMORY;
}

/* RFC 7518 3.2: a secret is as long as the hash at least. */
static enum sl_jwk_verdict read_secret(struct reading *r, struct sl_jwk *k)
{
	int len;

	k->secret = malloc(SL_JWK_SECRET_MAX);
	if (!k->secret)
		return SL_JWK_NO_MEMORY;
	len = read_bytes(r, "k", k->secret, SL_JWK_SECRET_MAX);
	if (len < 0)
		return SL_JWK_FAULT;
	if (len < SL_JWK_SECRET_MIN)
		return fault(r, "k", "is a secret of less than 32 bytes");
	k->secret_len = (size_t)len;
	for (unsigned alg = SL_JWT_HS256; alg <= SL_JWT_HS512; alg++)
		if (k->secret_len >= sl_jwt_algorithm((enum sl_jwt_alg)alg)->hash_bytes)
			k->algs |= SL_JWT_BIT(alg);
	return SL_JWK_GOOD;
}

/* ---- a key ---- */

static bool has_private_members(const json_t *json)
{
	return json_object_get(json, "d") || json_object_get(json, "p") ||
	       json_object_get(json, "q");
}

/* RFC 7517 4.2, 4.3: what it is for, if it says so. */
static enum sl_jwk_verdict judge_use(struct reading *r)
{
	const json_t *ops = json_object_get(r->json, "key_ops"), *op;
	struct sl_str use = sl_jose_json_string(r->json, "use");
	bool verifies = false;
	size_t i;

	if (sl_jose_json_is_other(r->json, "use"))
		return fault(r, "use", "has to be a string");
	if (use.ptr && !sl_str_eq(use, SL_S("sig")))
		return say(r, SL_JWK_NOT_OURS, "use", "is not for signatures");
	if (ops && !json_is_array(ops))
		return fault(r, "key_ops", "has to be an array of strings");
	json_array_foreach(ops, i, op)
	{
		if (!json_is_string(op))
			return fault(r, "key_ops", "has to be an array of strings");
		/* One that signs can verify: a private key, given as it is. */
		verifies |= strcmp(json_string_value(op), "verify") == 0 ||
			    strcmp(json_string_value(op), "sign") == 0;
	}
	if (ops && !verifies)
		return say(r, SL_JWK_NOT_OURS, "key_ops", "is not to verify");
	return SL_JWK_GOOD;
}

static enum sl_jwk_verdict read_kind(struct reading *r, struct sl_jwk *k)
{
	static const struct {
		const char *name;
		enum sl_jwk_verdict (*read)(struct reading *r, struct sl_jwk *k);
	} kinds[] = {
		{ "RSA", read_rsa }, { "EC", read_ec }, { "OKP", read_okp }, { "oct", read_secret }
	};
	struct sl_str kty = sl_jose_json_string(r->json, "kty");

	if (!kty.ptr)
		return fault(r, "kty", "has to be there, and a string");
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (sl_str_eq(kty, sl_str_of(kinds[i].name)))
			return kinds[i].read(r, k);
	return say(r, SL_JWK_NOT_OURS, "kty", "is a kind of key that is not used here");
}

/* A key that names its algorithm is for no other. */
static enum sl_jwk_verdict pin(struct reading *r, struct sl_jwk *k)
{
	struct sl_str name = sl_jose_json_string(r->json, "alg");
	enum sl_jwt_alg alg;

	if (!name.ptr)
		return SL_JWK_GOOD;
	if (!sl_jwt_algorithm_find(name, &alg))
		return say(r, SL_JWK_NOT_OURS, "alg", "is an algorithm that is not used here");
	k->algs &= SL_JWT_BIT(alg);
	return k->algs ? SL_JWK_GOOD : fault(r, "alg", "does not go with this key");
}

static enum sl_jwk_verdict read_kid(struct reading *r, struct sl_jwk *k)
{
	struct sl_str kid = sl_jose_json_string(r->json, "kid");
	char *copy;

	if (sl_jose_json_is_other(r->json, "kid") || kid.len > SL_JWK_KID_MAX)
		return fault(r, "kid", "has to be a string of 256 bytes at most");
	if (!kid.ptr)
		return SL_JWK_GOOD;
	copy = malloc(kid.len + 1);
	if (!copy)
		return SL_JWK_NO_MEMORY;
	memcpy(copy, kid.ptr, kid.len + 1);
	k->kid = (struct sl_str){ copy, kid.len };
	return SL_JWK_GOOD;
}

/* What the key is not for comes first: an encryption key may look as it likes. */
static enum sl_jwk_verdict read_all(struct reading *r, struct sl_jwk *k)
{
	struct sl_str alg = sl_jose_json_string(r->json, "alg");
	enum sl_jwk_verdict verdict;
	enum sl_jwt_alg known;

	if (!json_is_object(r->json))
		return fault(r, "", "has to be an object");
	if (sl_jose_json_is_other(r->json, "alg"))
		return fault(r, "alg", "has to be a string");
	if (alg.ptr && !sl_jwt_algorithm_find(alg, &known))
		return say(r, SL_JWK_NOT_OURS, "alg", "is an algorithm that is not used here");
	verdict = judge_use(r);
	if (verdict == SL_JWK_GOOD)
		verdict = read_kid(r, k);
	if (verdict == SL_JWK_GOOD)
		verdict = read_kind(r, k);
	if (verdict == SL_JWK_GOOD)
		verdict = pin(r, k);
	return verdict;
}

enum sl_jwk_verdict sl_jwk_read(struct sl_jwk *k, const json_t *json, const char **ret_member,
				const char **ret_what)
{
	struct reading r = { .json = json, .member = "", .what = "" };
	enum sl_jwk_verdict verdict = read_all(&r, k);

	if (verdict == SL_JWK_GOOD && k->key && has_private_members(json))
		verdict = say(&r, SL_JWK_PRIVATE, "",
			      "has private members: only its public half is used");
	ERR_clear_error();
	*ret_member = r.member;
	*ret_what = r.what;
	return verdict;
}

void sl_jwk_fini(struct sl_jwk *k)
{
	EVP_PKEY_free(k->key);
	if (k->secret)
		OPENSSL_cleanse(k->secret, SL_JWK_SECRET_MAX);
	free(k->secret);
	free((char *)k->kid.ptr);
	*k = (struct sl_jwk){ .kid = { NULL, 0 } };
}

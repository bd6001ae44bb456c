// SPDX-License-Identifier: Apache-2.0
// Keys and tokens for tests.
#include "mint.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIGNATURE_MAX = 1024 };

static void need(bool held)
{
	if (!held)
		abort();
}

EVP_PKEY *mint_key(const char *kind)
{
	EVP_PKEY *key;

	if (strcmp(kind, "RSA") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind, (size_t)2048);
	else if (kind[0] == 'P')
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
	need(key != NULL);
	return key;
}

char *mint_base64url(const void *mem, size_t len)
{
	char *text = malloc(len / 3 * 4 + 5);
	int n;

	need(text != NULL);
	n = EVP_EncodeBlock((unsigned char *)text, mem, (int)len);
	while (n > 0 && text[n - 1] == '=')
		n--;
	text[n] = '\0';
	for (char *p = text; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return text;
}

/* A number as a member's value; `len` 0: as short as it can be. */
static char *number_of(const EVP_PKEY *key, const char *name, int len)
{
	unsigned char mem[SIGNATURE_MAX];
	BIGNUM *number = NULL;
	char *text;

	need(EVP_PKEY_get_bn_param(key, name, &number) == 1);
	len = BN_bn2binpad(number, mem, len ? len : BN_num_bytes(number));
	need(len > 0);
	text = mint_base64url(mem, (size_t)len);
	BN_free(number);
	return text;
}

static char *jwk_of(const char *kty, const char *curve, const char *names, char *first,
		    char *second, const char *more)
{
	char *text = NULL;

	need(asprintf(&text, "{\"kty\":\"%s\"%s%s%s,\"%c\":\"%s\"%s%c%s%s%s%s}", kty,
		      curve ? ",\"crv\":\"" : "", curve ? curve : "", curve ? "\"" : "", names[0],
		      first, second ? ",\"" : "", second ? names[1] : ' ', second ? "\":\"" : "",
		      second ? second : "", second ? "\"" : "", more) > 0);
	free(first);
	free(second);
	return text;
}

char *mint_jwk(const EVP_PKEY *key, const char *more)
{
	int bits = EVP_PKEY_get_bits(key), half = (bits + 7) / 8;
	unsigned char mem[64];
	size_t len = sizeof(mem);

	if (EVP_PKEY_is_a(key, "RSA"))
		return jwk_of("RSA", NULL, "ne", number_of(key, OSSL_PKEY_PARAM_RSA_N, 0),
			      number_of(key, OSSL_PKEY_PARAM_RSA_E, 0), more);
	if (EVP_PKEY_is_a(key, "EC"))
		return jwk_of("EC",
			      bits == 256   ? "P-256"
			      : bits == 384 ? "P-384"
					    : "P-521",
			      "xy", number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, half),
			      number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, half), more);
	need(EVP_PKEY_get_raw_public_key(key, mem, &len) == 1);
	return jwk_of("OKP", len == 32 ? "Ed25519" : "Ed448", "x ", mint_base64url(mem, len), NULL,
		      more);
}

/* ---- tokens ---- */

static char *begin(const char *header, const char *claims)
{
	char *first = mint_base64url(header, strlen(header)), *text = NULL;
	char *second = mint_base64url(claims, strlen(claims));

	need(asprintf(&text, "%s.%s", first, second) > 0);
	free(first);
	free(second);
	return text;
}

static char *finish(char *begun, const unsigned char *signature, size_t len)
{
	char *last = mint_base64url(signature, len), *text = NULL;

	need(asprintf(&text, "%s.%s", begun, last) > 0);
	free(begun);
	free(last);
	return text;
}

/* r and s at their full length. */
static size_t flatten(unsigned char *signature, size_t len, unsigned half)
{
	const unsigned char *p = signature;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);

	need(sig != NULL);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, (int)half);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + half, (int)half);
	ECDSA_SIG_free(sig);
	return 2 * (size_t)half;
}

char *mint_token_salted(const char *header, const char *claims, EVP_PKEY *key, enum sl_jwt_alg alg,
			int salt_bytes)
{
	const struct sl_jwt_algorithm *a = sl_jwt_algorithm(alg);
	char *text = begin(header, claims);
	unsigned char signature[SIGNATURE_MAX];
	size_t len = sizeof(signature);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context;

	need(EVP_DigestSignInit_ex(md, &context, a->digest, NULL, NULL, key, NULL) == 1);
	if (alg >= SL_JWT_PS256 && alg <= SL_JWT_PS512)
		need(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_bytes) == 1);
	need(EVP_DigestSign(md, signature, &len, (const unsigned char *)text, strlen(text)) == 1);
	EVP_MD_CTX_free(md);
	if (EVP_PKEY_is_a(key, "EC"))
		len = flatten(signature, len, (unsigned)(EVP_PKEY_get_bits(key) + 7) / 8);
	return finish(text, signature, len);
}

char *mint_token(const char *header, const char *claims, EVP_PKEY *key, enum sl_jwt_alg alg)
{
	return mint_token_salted(header, claims, key, alg, RSA_PSS_SALTLEN_DIGEST);
}

char *mint_token_by_secret(const char *header, const char *claims, struct sl_str secret,
			   enum sl_jwt_alg alg)
{
	const char *digest = sl_jwt_algorithm(alg)->digest;
	char *text = begin(header, claims);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	need(HMAC(EVP_get_digestbyname(digest), secret.ptr, (int)secret.len,
		  (const unsigned char *)text, strlen(text), mac, &len) != NULL);
	return finish(text, mac, len);
}

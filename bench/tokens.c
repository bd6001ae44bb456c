// SPDX-License-Identifier: Apache-2.0
// tokens DIRECTORY NR: a key each for RS256 and ES256, for gateways to verify with (ALG.pem, and
// jwks.json), and so many tokens of each (ALG.tokens, one a line).
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_MAX = 2048, SIGNATURE_MAX = 512, HALF = 32 };

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "tokens: %s\n", what);
	exit(1);
}

static FILE *create(const char *directory, const char *name, const char *suffix)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%s", directory, name, suffix);
	f = fopen(path, "w");
	if (!f)
		die(path);
	return f;
}

/* base64url without padding. */
static size_t encode(char *to, const unsigned char *from, size_t len)
{
	size_t n = (size_t)EVP_EncodeBlock((unsigned char *)to, from, (int)len);

	while (n && to[n - 1] == '=')
		n--;
	to[n] = '\0';
	for (char *c = to; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return n;
}

static void put_number(FILE *f, const char *member, EVP_PKEY *key, const char *param)
{
	unsigned char bytes[512];
	char text[TEXT_MAX];
	BIGNUM *n = NULL;
	int len;

	if (!EVP_PKEY_get_bn_param(key, param, &n))
		die(param);
	len = BN_num_bytes(n);
	if (EVP_PKEY_is_a(key, "EC"))
		len = HALF;
	if (len > (int)sizeof(bytes) || BN_bn2binpad(n, bytes, len) < 0)
		die(param);
	encode(text, bytes, (size_t)len);
	fprintf(f, ",\"%s\":\"%s\"", member, text);
	BN_free(n);
}

static void put_public(const char *directory, const char *alg, EVP_PKEY *key)
{
	FILE *f = create(directory, alg, ".pem");

	if (!PEM_write_PUBKEY(f, key) || fclose(f))
		die("the key cannot be written");
}

static void put_set(const char *directory, EVP_PKEY *rsa, EVP_PKEY *ec)
{
	FILE *f = create(directory, "jwks", ".json");

	fputs("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"RS256\",\"alg\":\"RS256\"", f);
	put_number(f, "n", rsa, OSSL_PKEY_PARAM_RSA_N);
	put_number(f, "e", rsa, OSSL_PKEY_PARAM_RSA_E);
	fputs("},{\"kty\":\"EC\",\"kid\":\"ES256\",\"crv\":\"P-256\",\"alg\":\"ES256\"", f);
	put_number(f, "x", ec, OSSL_PKEY_PARAM_EC_PUB_X);
	put_number(f, "y", ec, OSSL_PKEY_PARAM_EC_PUB_Y);
	fputs("}]}\n", f);
	if (fclose(f))
		die("the set cannot be written");
}

/* RFC 7518 3.4: r and s behind each other, instead of what OpenSSL makes. */
static size_t flatten(unsigned char signature[SIGNATURE_MAX], size_t len)
{
	const unsigned char *p = signature;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);

	if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, HALF) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + HALF, HALF) < 0)
		die("no signature of ES256");
	ECDSA_SIG_free(sig);
	return (size_t)2 * HALF;
}

static void put_token(FILE *f, const char *alg, EVP_PKEY *key, unsigned number, long expires_s)
{
	unsigned char signature[SIGNATURE_MAX];
	char json[TEXT_MAX], token[TEXT_MAX], end[TEXT_MAX];
	size_t len = sizeof(signature), n;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	n = (size_t)snprintf(json, sizeof(json), "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
			     alg, alg);
	n = encode(token, (unsigned char *)json, n);
	token[n++] = '.';
	len = (size_t)snprintf(
		json, sizeof(json),
		"{\"iss\":\"https://issuer.example\",\"aud\":\"bench\",\"sub\":\"consumer-%u\","
		"\"exp\":%ld,\"scope\":\"read write\",\"name\":\"Consumer %u\"}",
		number % 1000, expires_s, number);
	n += encode(token + n, (unsigned char *)json, len);
	len = sizeof(signature);
	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) <= 0 ||
	    EVP_DigestSign(ctx, signature, &len, (unsigned char *)token, n) <= 0)
		die("cannot sign");
	EVP_MD_CTX_free(ctx);
	encode(end, signature, EVP_PKEY_is_a(key, "EC") ? flatten(signature, len) : len);
	fprintf(f, "%s.%s\n", token, end);
}

static void put_tokens(const char *directory, const char *alg, EVP_PKEY *key, unsigned nr)
{
	FILE *f = create(directory, alg, ".tokens");
	long expires_s = (long)time(NULL) + 24L * 3600;

	put_public(directory, alg, key);
	for (unsigned i = 0; i < nr; i++)
		put_token(f, alg, key, i, expires_s);
	if (fclose(f))
		die("tokens cannot be written");
}

int main(int argc, char **argv)
{
	EVP_PKEY *rsa, *ec;

	if (argc != 3)
		die("usage: tokens DIRECTORY NR");
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	if (!rsa || !ec)
		die("no key");
	put_set(argv[1], rsa, ec);
	put_tokens(argv[1], "RS256", rsa, (unsigned)strtoul(argv[2], NULL, 10));
	put_tokens(argv[1], "ES256", ec, (unsigned)strtoul(argv[2], NULL, 10));
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	return 0;
}

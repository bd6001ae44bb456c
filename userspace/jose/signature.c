// SPDX-License-Identifier: Apache-2.0
// Signatures, by OpenSSL.
#include "jose/signature.h"

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

enum { DER_MAX = 160 }; /* of two numbers of 66 bytes */

static const unsigned char *bytes_of(struct sl_str text)
{
	return (const unsigned char *)text.ptr;
}

static enum sl_jwt_why check_mac(const struct sl_jwk *key, const struct sl_jwt_algorithm *a,
				 struct sl_str text, struct sl_str signature)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!HMAC(EVP_get_digestbyname(a->digest), key->secret, (int)key->secret_len,
		  bytes_of(text), text.len, mac, &len))
		return SL_JWT_NO_MEMORY;
	if (signature.len != len || CRYPTO_memcmp(signature.ptr, mac, len) != 0)
		return SL_JWT_BAD_SIGNATURE;
	return SL_JWT_VALID;
}

/* RFC 7518 3.4: r and s behind each other, each as long as the curve has it; OpenSSL wants DER.
 * Its length, or 0. */
static int make_der(struct sl_str signature, unsigned half, unsigned char der[DER_MAX])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes_of(signature), (int)half, NULL);
	BIGNUM *s = BN_bin2bn(bytes_of(signature) + half, (int)half, NULL);
	int len = 0;

	if (!sig || !r || !s || !ECDSA_SIG_set0(sig, r, s)) {
		BN_free(r);
		BN_free(s);
	} else {
		len = i2d_ECDSA_SIG(sig, &der);
	}
	ECDSA_SIG_free(sig);
	return len > 0 ? len : 0;
}

/* The salt is as long as the hash (RFC 7518 3.5), and nothing else. */
static bool set_padding(EVP_PKEY_CTX *context, enum sl_jwt_alg alg)
{
	if (alg < SL_JWT_PS256 || alg > SL_JWT_PS512)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static enum sl_jwt_why check_public(const struct sl_jwk *key, enum sl_jwt_alg alg,
				    struct sl_str text, struct sl_str signature)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	enum sl_jwt_why why = SL_JWT_NO_MEMORY;
	EVP_PKEY_CTX *context;

	if (md &&
	    EVP_DigestVerifyInit_ex(md, &context, sl_jwt_algorithm(alg)->digest, NULL, NULL,
				    key->key, NULL) > 0 &&
	    set_padding(context, alg))
		why = EVP_DigestVerify(md, bytes_of(signature), signature.len, bytes_of(text),
				       text.len) == 1
			      ? SL_JWT_VALID
			      : SL_JWT_BAD_SIGNATURE;
	EVP_MD_CTX_free(md);
	ERR_clear_error(); /* a wrong signature leaves word of it, which TLS would stumble over */
	return why;
}

static enum sl_jwt_why check_es(const struct sl_jwk *key, enum sl_jwt_alg alg, struct sl_str text,
				struct sl_str signature)
{
	unsigned half = sl_jwt_algorithm(alg)->half_bytes;
	unsigned char der[DER_MAX];
	int len;

	if (signature.len != 2 * (size_t)half)
		return SL_JWT_BAD_SIGNATURE;
	len = make_der(signature, half, der);
	if (len == 0)
		return SL_JWT_NO_MEMORY;
	return check_public(key, alg, text, (struct sl_str){ (const char *)der, (size_t)len });
}

enum sl_jwt_why sl_signature_check(const struct sl_jwk *key, enum sl_jwt_alg alg,
				   struct sl_str text, struct sl_str signature)
{
	const struct sl_jwt_algorithm *a = sl_jwt_algorithm(alg);

	if (key->secret)
		return check_mac(key, a, text, signature);
	if (a->half_bytes)
		return check_es(key, alg, text, signature);
	/* Of RSA and EdDSA: one that is shorter, or longer, would be a second spelling. */
	if (signature.len != (size_t)EVP_PKEY_get_size(key->key))
		return SL_JWT_BAD_SIGNATURE;
	return check_public(key, alg, text, signature);
}

// SPDX-License-Identifier: Apache-2.0
// SHA-256 by a context that is kept: a fetch by name for each would cost more than the hash.
#include "policy/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

struct sl_digest {
	EVP_MD *sha256;
	EVP_MD_CTX *ctx;
};

struct sl_digest *sl_digest_new(void)
{
	struct sl_digest *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->ctx = EVP_MD_CTX_new();
	if (d->sha256 && d->ctx)
		return d;
	sl_digest_free(d);
	return NULL;
}

void sl_digest_free(struct sl_digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->sha256);
	free(d);
}

bool sl_digest_sha256(struct sl_digest *d, struct sl_str text, uint8_t ret[SL_DIGEST_BYTES])
{
	return EVP_DigestInit_ex2(d->ctx, d->sha256, NULL) &&
	       EVP_DigestUpdate(d->ctx, text.ptr, text.len) &&
	       EVP_DigestFinal_ex(d->ctx, ret, NULL);
}

void sl_mac_key_make(struct sl_mac_key *key, struct sl_str secret)
{
	uint8_t block[SL_MAC_BLOCK] = { 0 };

	if (secret.len > sizeof(block))
		SHA256((const unsigned char *)secret.ptr, secret.len, block);
	else
		memcpy(block, secret.ptr, secret.len);
	for (unsigned i = 0; i < sizeof(block); i++) {
		key->inner[i] = block[i] ^ 0x36;
		key->outer[i] = block[i] ^ 0x5c;
	}
}

static bool hash_behind(struct sl_digest *d, const uint8_t block[SL_MAC_BLOCK], const void *mem,
			size_t len, uint8_t ret[SL_DIGEST_BYTES])
{
	return EVP_DigestInit_ex2(d->ctx, d->sha256, NULL) &&
	       EVP_DigestUpdate(d->ctx, block, SL_MAC_BLOCK) &&
	       EVP_DigestUpdate(d->ctx, mem, len) && EVP_DigestFinal_ex(d->ctx, ret, NULL);
}

bool sl_digest_mac(struct sl_digest *d, const struct sl_mac_key *key, struct sl_str text,
		   uint8_t ret[SL_DIGEST_BYTES])
{
	uint8_t inside[SL_DIGEST_BYTES];

	return hash_behind(d, key->inner, text.ptr, text.len, inside) &&
	       hash_behind(d, key->outer, inside, sizeof(inside), ret);
}

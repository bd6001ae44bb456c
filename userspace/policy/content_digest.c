// SPDX-License-Identifier: Apache-2.0
// Digests of bodies.
#define OPENSSL_SUPPRESS_DEPRECATED /* the contexts without the heap, see the header */
#include "policy/content_digest.h"

#include <openssl/crypto.h>

#include "policy/dictionary.h"

/* One that is there has to be readable. */
static bool read_one(struct sl_str value, const char *name, uint8_t *to, size_t size, bool *ret_has)
{
	struct sl_str bytes;
	int found = sl_dictionary_find(value, sl_str_of(name), &bytes);

	*ret_has = found > 0;
	return found == 0 || (found > 0 && sl_dictionary_bytes(bytes, to, size));
}

bool sl_content_digest_init(struct sl_content_digest *d, struct sl_str value)
{
	d->is_judged = d->is_good = false;
	if (!read_one(value, "sha-256", d->sha256, sizeof(d->sha256), &d->has_sha256) ||
	    !read_one(value, "sha-512", d->sha512, sizeof(d->sha512), &d->has_sha512))
		return false;
	SHA256_Init(&d->of_256);
	SHA512_Init(&d->of_512);
	return d->has_sha256 || d->has_sha512;
}

void sl_content_digest_add(struct sl_content_digest *d, const void *mem, size_t len)
{
	if (d->has_sha256)
		SHA256_Update(&d->of_256, mem, len);
	if (d->has_sha512)
		SHA512_Update(&d->of_512, mem, len);
}

bool sl_content_digest_is_good(struct sl_content_digest *d)
{
	uint8_t sha256[SHA256_DIGEST_LENGTH], sha512[SHA512_DIGEST_LENGTH];

	if (d->is_judged)
		return d->is_good;
	SHA256_Final(sha256, &d->of_256);
	SHA512_Final(sha512, &d->of_512);
	d->is_judged = true;
	d->is_good = (!d->has_sha256 || CRYPTO_memcmp(sha256, d->sha256, sizeof(sha256)) == 0) &&
		     (!d->has_sha512 || CRYPTO_memcmp(sha512, d->sha512, sizeof(sha512)) == 0);
	return d->is_good;
}

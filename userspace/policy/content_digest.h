/* SPDX-License-Identifier: Apache-2.0 */
/* Field Content-Digest (RFC 9530): whether a body that passes by is the one that it tells of. */
#ifndef SL_POLICY_CONTENT_DIGEST_H
#define SL_POLICY_CONTENT_DIGEST_H

#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Contexts of our own, in the memory of the request: many bodies pass at once, and OpenSSL's others
 * live on the heap. */
struct sl_content_digest {
	bool has_sha256, has_sha512;
	bool is_judged, is_good;
	uint8_t sha256[SHA256_DIGEST_LENGTH], sha512[SHA512_DIGEST_LENGTH];
	SHA256_CTX of_256;
	SHA512_CTX of_512;
};

/* By the value of all lines of the field.  False: it is malformed, or has neither sha-256 nor
 * sha-512; other algorithms are not looked at.  Where both are there, both have to hold. */
bool sl_content_digest_init(struct sl_content_digest *d, struct sl_str value);
void sl_content_digest_add(struct sl_content_digest *d, const void *mem, size_t len);
/* Nothing may be added from now on; it may be asked again. */
bool sl_content_digest_is_good(struct sl_content_digest *d);

#endif

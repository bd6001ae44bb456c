// SPDX-License-Identifier: Apache-2.0
// SipHash: the published vectors, and that the key and each byte of the input count.
#include "base/siphash.h"

#include "tap.h"

/* Key and messages of the paper's test vectors: the bytes 00 01 02 ... */
static const struct sl_sipkey key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* SipHash-2-4 of the first n of those bytes, from the reference implementation's vectors. */
static const struct {
	size_t n;
	uint64_t hash;
} vectors[] = {
	{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },  { 7, 0xab0200f58b01d137 },
	{ 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 },
};

int main(void)
{
	unsigned char in[64];
	uint64_t whole;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		size_t n = vectors[i].n;

		ok(sl_siphash_cd(key, guarded(in, n), n, 2, 4) == vectors[i].hash,
		   "SipHash-2-4 of %zu bytes is as published", n);
	}
	whole = sl_siphash(key, in, sizeof(in));
	ok(whole == sl_siphash_cd(key, in, sizeof(in), 1, 3), "ours is SipHash-1-3");
	ok(whole != sl_siphash((struct sl_sipkey){ key.k0 ^ 1, key.k1 }, in, sizeof(in)),
	   "the key's first half counts");
	ok(whole != sl_siphash((struct sl_sipkey){ key.k0, key.k1 ^ 1 }, in, sizeof(in)),
	   "the key's second half counts");
	for (size_t i = 0; i < sizeof(in); i++) {
		in[i] ^= 1;
		if (sl_siphash(key, in, sizeof(in)) == whole)
			ok(false, "byte %zu counts", i);
		in[i] ^= 1;
	}
	ok(sl_siphash(key, in, sizeof(in)) == whole, "every byte counts");
	ok(sl_siphash(key, "\0", 1) != sl_siphash(key, "\0\0", 2), "zeros at the end count");
	return done_testing();
}

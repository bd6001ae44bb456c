/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash (Aumasson, Bernstein 2012): a keyed hash for tables whose keys an attacker may choose. */
#ifndef SL_BASE_SIPHASH_H
#define SL_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Whoever does not know the key cannot make two inputs collide: draw it from getrandom(2). */
struct sl_sipkey {
	uint64_t k0, k1;
};

static inline uint64_t sl_sip_rotl(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static inline void sl_sip_rounds(uint64_t v[4], int nr)
{
	for (int i = 0; i < nr; i++) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = sl_sip_rotl(v[1], 13) ^ v[0];
		v[3] = sl_sip_rotl(v[3], 16) ^ v[2];
		v[0] = sl_sip_rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = sl_sip_rotl(v[1], 17) ^ v[2];
		v[3] = sl_sip_rotl(v[3], 21) ^ v[0];
		v[2] = sl_sip_rotl(v[2], 32);
	}
}

/* Up to 8 bytes, little-endian, whatever this machine is. */
static inline uint64_t sl_sip_word(const unsigned char *p, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

/* The number of rounds is a parameter because the published vectors are for SipHash-2-4. */
static inline uint64_t sl_siphash_cd(struct sl_sipkey key, const void *mem, size_t len, int c,
				     int d)
{
	const unsigned char *p = mem;
	uint64_t v[4] = {
		key.k0 ^ 0x736f6d6570736575,
		key.k1 ^ 0x646f72616e646f6d,
		key.k0 ^ 0x6c7967656e657261,
		key.k1 ^ 0x7465646279746573,
	};
	uint64_t w;
	size_t left;

	for (left = len; left >= 8; left -= 8, p += 8) {
		w = sl_sip_word(p, 8);
		v[3] ^= w;
		sl_sip_rounds(v, c);
		v[0] ^= w;
	}
	w = sl_sip_word(p, left) | (uint64_t)len << 56;
	v[3] ^= w;
	sl_sip_rounds(v, c);
	v[0] ^= w;
	v[2] ^= 0xff;
	sl_sip_rounds(v, d);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* SipHash-1-3: enough where the hash itself is never seen from outside. */
static inline uint64_t sl_siphash(struct sl_sipkey key, const void *mem, size_t len)
{
	return sl_siphash_cd(key, mem, len, 1, 3);
}

#endif

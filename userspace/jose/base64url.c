// SPDX-License-Identifier: Apache-2.0
// base64url, strictly.
#include "jose/base64url.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

/* 0 to 63, or negative. */
static int value_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int sl_base64url_read(struct sl_str text, void *to, size_t size)
{
	unsigned char *out = to;
	uint32_t bits = 0;
	unsigned bits_nr = 0;
	size_t len = 0;

	if (text.len % 4 == 1)
		return -EBADMSG;
	if (text.len > INT_MAX || text.len / 4 * 3 + text.len % 4 * 3 / 4 > size)
		return -EMSGSIZE;
	for (size_t i = 0; i < text.len; i++) {
		int value = value_of((unsigned char)text.ptr[i]);

		if (value < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)value;
		bits_nr += 6;
		if (bits_nr >= 8) {
			bits_nr -= 8;
			out[len++] = (unsigned char)(bits >> bits_nr);
		}
	}
	/* What is left over is of no byte: with it, one value would have several spellings. */
	return bits & ((1u << bits_nr) - 1) ? -EBADMSG : (int)len;
}

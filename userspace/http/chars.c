// SPDX-License-Identifier: Apache-2.0
// The table of character classes.

#include "http/chars.h"

#define T SL_CHAR_TOKEN
#define N SL_CHAR_NAME
#define U SL_CHAR_UNRESERVED
#define X SL_CHAR_HEX
#define D SL_CHAR_DIGIT
#define P SL_CHAR_PATH
#define Q SL_CHAR_QUERY
#define V SL_CHAR_VALUE

/* clang-format off: the columns are the classes */
const uint8_t sl_chars[256] = {
	['\t'] = V,
	[' '] = V,
	['!'] = T | P | Q | V,
	['"'] = Q | V,
	['#'] = T | V,
	['$'] = T | P | Q | V,
	['%'] = T | Q | V,
	['&'] = T | P | Q | V,
	['\''] = T | P | Q | V,
	['(' ... ')'] = P | Q | V,
	['*' ... '+'] = T | P | Q | V,
	[','] = P | Q | V,
	['-' ... '.'] = T | N | U | P | Q | V,
	['/'] = P | Q | V,
	['0' ... '9'] = T | N | U | X | D | P | Q | V,
	[':' ... ';'] = P | Q | V,
	['<'] = Q | V,
	['='] = P | Q | V,
	['>' ... '?'] = Q | V,
	['@'] = P | Q | V,
	['A' ... 'F'] = T | N | U | X | P | Q | V,
	['G' ... 'Z'] = T | N | U | P | Q | V,
	['['] = P | Q | V,
	['\\'] = Q | V,
	[']'] = P | Q | V,
	['^'] = T | Q | V,
	['_'] = T | N | U | P | Q | V,
	['`'] = T | Q | V,
	['a' ... 'f'] = T | N | U | X | P | Q | V,
	['g' ... 'z'] = T | N | U | P | Q | V,
	['{'] = Q | V,
	['|'] = T | Q | V,
	['}'] = Q | V,
	['~'] = T | U | P | Q | V,
	[0x80 ... 0xff] = V,
};
/* clang-format on */

// SPDX-License-Identifier: Apache-2.0
// Blanks what is not JSON in the text of a configuration, and counts its lines.
#include "config/source.h"

#include <errno.h>

struct sl_place sl_source_place(struct sl_str text, size_t offset)
{
	struct sl_place at = { 1, 1 };

	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.ptr[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
			at.column++; /* the bytes that continue a UTF-8 sequence take no room */
		}
	}
	return at;
}

/* Index behind the closing quote of the string that opens at `i`. */
static size_t skip_string(const char *text, size_t len, size_t i)
{
	for (i++; i < len && text[i] != '"'; i++)
		if (text[i] == '\\')
			i++;
	return i < len ? i + 1 : len;
}

static size_t blank_comment(char *text, size_t len, size_t i)
{
	for (; i < len && text[i] != '\n'; i++)
		text[i] = ' ';
	return i;
}

/* Index of the bracket that nests too deep, or len. */
static size_t clean(char *text, size_t len)
{
	unsigned depth = 0;

	for (size_t i = 0; i < len;) {
		if (text[i] == '"') {
			i = skip_string(text, len, i);
			continue;
		}
		if (text[i] == '/' && i + 1 < len && text[i + 1] == '/') {
			i = blank_comment(text, len, i);
			continue;
		}
		if ((text[i] == '{' || text[i] == '[') && ++depth > SL_SOURCE_MAX_DEPTH)
			return i;
		if ((text[i] == '}' || text[i] == ']') && depth)
			depth--;
		i++;
	}
	return len;
}

int sl_source_clean(char *text, size_t len, struct sl_place *ret_place, const char **ret_why)
{
	const char *nul = len ? memchr(text, '\0', len) : NULL;
	size_t at = nul ? (size_t)(nul - text) : clean(text, len);

	if (at == len)
		return 0;
	*ret_place = sl_source_place((struct sl_str){ text, len }, at);
	*ret_why =
		nul ? "a NUL byte: this is not a text" : "more than 64 brackets inside each other";
	return -EINVAL;
}

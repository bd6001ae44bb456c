// SPDX-License-Identifier: Apache-2.0
// Dictionaries of structured fields, member by member.
#include "policy/dictionary.h"

#include <errno.h>
#include <openssl/evp.h>

static bool is_key_char(char c, bool is_first)
{
	if ((c >= 'a' && c <= 'z') || c == '*')
		return true;
	return !is_first && ((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
}

struct sl_str sl_dictionary_key(struct sl_str text)
{
	size_t n = 0;

	while (n < text.len && is_key_char(text.ptr[n], n == 0))
		n++;
	return (struct sl_str){ text.ptr, n };
}

/* Up to the comma behind it, or to the end: commas stand in strings only.  Negative: a string does
 * not end. */
static ssize_t value_len(struct sl_str text)
{
	bool is_string = false;
	size_t i = 0;

	for (; i < text.len; i++) {
		if (text.ptr[i] == '"')
			is_string = !is_string;
		else if (is_string && text.ptr[i] == '\\')
			i++;
		else if (!is_string && text.ptr[i] == ',')
			break;
	}
	return is_string || i > text.len ? -EBADMSG : (ssize_t)i;
}

static void cut(struct sl_str *text, size_t n)
{
	text->ptr += n;
	text->len -= n;
}

int sl_dictionary_next(struct sl_str *rest, struct sl_member *ret_member)
{
	ssize_t len;

	*rest = sl_str_trim(*rest);
	if (!rest->len)
		return 0;
	ret_member->name = sl_dictionary_key(*rest);
	if (!ret_member->name.len)
		return -EBADMSG;
	cut(rest, ret_member->name.len);
	if (rest->len && rest->ptr[0] == '=')
		cut(rest, 1);
	len = value_len(*rest);
	if (len < 0)
		return -EBADMSG;
	ret_member->value = sl_str_trim((struct sl_str){ rest->ptr, (size_t)len });
	cut(rest, (size_t)len);
	if (!rest->len)
		return 1;
	cut(rest, 1);
	/* RFC 8941 4.2.2: nothing behind a comma is an error. */
	return sl_str_trim(*rest).len ? 1 : -EBADMSG;
}

int sl_dictionary_find(struct sl_str text, struct sl_str name, struct sl_str *ret_value)
{
	struct sl_member m;
	int nr = 0, ret;

	while ((ret = sl_dictionary_next(&text, &m)) > 0) {
		if (!sl_str_eq(m.name, name))
			continue;
		*ret_value = m.value;
		nr++;
	}
	return ret < 0 || nr > 1 ? -EBADMSG : nr;
}

static bool is_base64(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

/* EVP_DecodeBlock() would skip white space, and counts the padding as bytes. */
int sl_base64_read(struct sl_str text, void *to, size_t size)
{
	unsigned char last[3], *out = to;
	size_t pad = 0, len;

	while (pad < 2 && pad < text.len && text.ptr[text.len - pad - 1] == '=')
		pad++;
	for (size_t i = 0; i < text.len - pad; i++)
		if (!is_base64(text.ptr[i]))
			return -EBADMSG;
	if (text.len % 4 || text.len == 0 || text.len > 1 << 20)
		return -EBADMSG;
	len = text.len / 4 * 3 - pad;
	if (len > size)
		return -EBADMSG;
	text.len -= 4;
	if (text.len && EVP_DecodeBlock(out, (const unsigned char *)text.ptr, (int)text.len) < 0)
		return -EBADMSG;
	if (EVP_DecodeBlock(last, (const unsigned char *)text.ptr + text.len, 4) < 0)
		return -EBADMSG;
	memcpy(out + text.len / 4 * 3, last, 3 - pad);
	return (int)len;
}

bool sl_dictionary_bytes(struct sl_str value, void *to, size_t size)
{
	if (value.len < 2 || value.ptr[0] != ':' || value.ptr[value.len - 1] != ':')
		return false;
	value = (struct sl_str){ value.ptr + 1, value.len - 2 };
	return sl_base64_read(value, to, size) == (int)size;
}

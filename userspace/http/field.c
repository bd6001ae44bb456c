// SPDX-License-Identifier: Apache-2.0
// Field names by number, and the characters that names and values are made of.

#include "http/field.h"

#include "http/chars.h"

static const struct sl_str names[SL_FIELDS_NR] = {
	[SL_FIELD_OTHER] = SL_STR(""),
	[SL_FIELD_AGE] = SL_STR("age"),
	[SL_FIELD_AUTHORIZATION] = SL_STR("authorization"),
	[SL_FIELD_CONNECTION] = SL_STR("connection"),
	[SL_FIELD_CONTENT_LENGTH] = SL_STR("content-length"),
	[SL_FIELD_CONTENT_TYPE] = SL_STR("content-type"),
	[SL_FIELD_DATE] = SL_STR("date"),
	[SL_FIELD_EXPECT] = SL_STR("expect"),
	[SL_FIELD_FORWARDED] = SL_STR("forwarded"),
	[SL_FIELD_HOST] = SL_STR("host"),
	[SL_FIELD_HTTP2_SETTINGS] = SL_STR("http2-settings"),
	[SL_FIELD_KEEP_ALIVE] = SL_STR("keep-alive"),
	[SL_FIELD_MAX_FORWARDS] = SL_STR("max-forwards"),
	[SL_FIELD_PROXY_AUTHENTICATE] = SL_STR("proxy-authenticate"),
	[SL_FIELD_PROXY_AUTHORIZATION] = SL_STR("proxy-authorization"),
	[SL_FIELD_PROXY_CONNECTION] = SL_STR("proxy-connection"),
	[SL_FIELD_REFERER] = SL_STR("referer"),
	[SL_FIELD_SERVER] = SL_STR("server"),
	[SL_FIELD_TE] = SL_STR("te"),
	[SL_FIELD_TRAILER] = SL_STR("trailer"),
	[SL_FIELD_TRANSFER_ENCODING] = SL_STR("transfer-encoding"),
	[SL_FIELD_UPGRADE] = SL_STR("upgrade"),
	[SL_FIELD_USER_AGENT] = SL_STR("user-agent"),
	[SL_FIELD_VIA] = SL_STR("via"),
	[SL_FIELD_X_FORWARDED_FOR] = SL_STR("x-forwarded-for"),
	[SL_FIELD_X_FORWARDED_HOST] = SL_STR("x-forwarded-host"),
	[SL_FIELD_X_FORWARDED_PORT] = SL_STR("x-forwarded-port"),
	[SL_FIELD_X_FORWARDED_PROTO] = SL_STR("x-forwarded-proto"),
	[SL_FIELD_X_REAL_IP] = SL_STR("x-real-ip"),
	[SL_FIELD_X_REQUEST_ID] = SL_STR("x-request-id"),
};

/* `first` is what a name of this length starts with, `last` what it ends with, in lower case. */
static enum sl_field_id guess_short(size_t len, char first, char last)
{
	switch (len) {
	case 2:
		return SL_FIELD_TE;
	case 3:
		return first == 'v' ? SL_FIELD_VIA : SL_FIELD_AGE;
	case 4:
		return first == 'h' ? SL_FIELD_HOST : SL_FIELD_DATE;
	case 6:
		return first == 'e' ? SL_FIELD_EXPECT : SL_FIELD_SERVER;
	case 7:
		if (last == 'e')
			return SL_FIELD_UPGRADE;
		return first == 'r' ? SL_FIELD_REFERER : SL_FIELD_TRAILER;
	case 9:
		return first == 'f' ? SL_FIELD_FORWARDED : SL_FIELD_X_REAL_IP;
	case 10:
		if (first == 'c')
			return SL_FIELD_CONNECTION;
		return first == 'u' ? SL_FIELD_USER_AGENT : SL_FIELD_KEEP_ALIVE;
	default:
		return SL_FIELD_OTHER;
	}
}

static enum sl_field_id guess_long(struct sl_str name, char first)
{
	switch (name.len) {
	case 12:
		if (first == 'c')
			return SL_FIELD_CONTENT_TYPE;
		return first == 'x' ? SL_FIELD_X_REQUEST_ID : SL_FIELD_MAX_FORWARDS;
	case 13:
		return SL_FIELD_AUTHORIZATION;
	case 14:
		return first == 'c' ? SL_FIELD_CONTENT_LENGTH : SL_FIELD_HTTP2_SETTINGS;
	case 15:
		return SL_FIELD_X_FORWARDED_FOR;
	case 16:
		if (first == 'p')
			return SL_FIELD_PROXY_CONNECTION;
		return sl_lower(name.ptr[12]) == 'h' ? SL_FIELD_X_FORWARDED_HOST
						     : SL_FIELD_X_FORWARDED_PORT;
	case 17:
		return first == 't' ? SL_FIELD_TRANSFER_ENCODING : SL_FIELD_X_FORWARDED_PROTO;
	case 18:
		return SL_FIELD_PROXY_AUTHENTICATE;
	case 19:
		return SL_FIELD_PROXY_AUTHORIZATION;
	default:
		return SL_FIELD_OTHER;
	}
}

/* b is of a-z, 0-9 and '-'.  Only letters have the bit 0x40, and only they may differ in 0x20. */
static bool is_same_word(const char *a, const char *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return ((x ^ y) & ~((y & UINT64_C(0x4040404040404040)) >> 1)) == 0;
}

/* sl_str_ieq for names of one length, in words that may overlap: every field line comes by here. */
static bool is_same_name(const char *a, const char *b, size_t len)
{
	if (len < 8)
		return sl_str_ieq((struct sl_str){ a, len }, (struct sl_str){ b, len });
	for (size_t i = 0; i + 8 < len; i += 8)
		if (!is_same_word(a + i, b + i))
			return false;
	return is_same_word(a + len - 8, b + len - 8);
}

/* Length and a character or two leave one candidate: every name costs at most one comparison. */
enum sl_field_id sl_field_id_of(struct sl_str name)
{
	enum sl_field_id id;
	char first;

	if (name.len < 2 || name.len > 19)
		return SL_FIELD_OTHER;
	first = sl_lower(name.ptr[0]);
	if (name.len > 10)
		id = guess_long(name, first);
	else
		id = guess_short(name.len, first, sl_lower(name.ptr[name.len - 1]));
	if (id == SL_FIELD_OTHER || names[id].ptr[0] != first)
		return SL_FIELD_OTHER;
	return is_same_name(name.ptr, names[id].ptr, name.len) ? id : SL_FIELD_OTHER;
}

struct sl_str sl_field_name(enum sl_field_id id)
{
	return names[id];
}

bool sl_is_token(struct sl_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!sl_char_is(s.ptr[i], SL_CHAR_TOKEN))
			return false;
	return s.len > 0;
}

bool sl_is_field_value(struct sl_str s)
{
	return s.len == 0 || sl_scan_value(s.ptr, s.ptr + s.len) == s.ptr + s.len;
}

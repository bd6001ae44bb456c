// SPDX-License-Identifier: Apache-2.0
// Splits and checks an authority: the value of Host, or what stands behind "http://".

#include "http/uri.h"

#include <arpa/inet.h>

#include "http/chars.h"

enum {
	HOST_MAX = 255, /* RFC 1035 2.3.4 */
	PORT_MAX = 65535,
};

static bool is_port(struct sl_str s)
{
	unsigned port = 0;

	if (s.len == 0 || s.len > 5)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!sl_char_is(s.ptr[i], SL_CHAR_DIGIT))
			return false;
		port = port * 10 + (unsigned)(s.ptr[i] - '0');
	}
	return port <= PORT_MAX;
}

/* s is without brackets.  Zone identifiers mean nothing elsewhere: inet_pton refuses them. */
static bool is_ipv6(struct sl_str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (s.len == 0 || s.len >= sizeof(text) || memchr(s.ptr, '\0', s.len))
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

/* How much of s is a name; 0 for an empty label ("a..b", ".a") but the root's at the very end. */
static size_t name_len(struct sl_str s)
{
	bool is_label = false;
	size_t i;

	for (i = 0; i < s.len && sl_char_is(s.ptr[i], SL_CHAR_NAME); i++) {
		if (s.ptr[i] == '.' && !is_label)
			return 0;
		is_label = s.ptr[i] != '.';
	}
	return i <= HOST_MAX ? i : 0;
}

static size_t host_len(struct sl_str s)
{
	const char *close;

	if (s.len == 0 || s.ptr[0] != '[')
		return name_len(s);
	close = memchr(s.ptr, ']', s.len);
	if (!close || !is_ipv6((struct sl_str){ s.ptr + 1, (size_t)(close - s.ptr) - 1 }))
		return 0;
	return (size_t)(close - s.ptr) + 1;
}

bool sl_authority_split(struct sl_str authority, struct sl_str *ret_host, struct sl_str *ret_port)
{
	size_t n = host_len(authority);
	struct sl_str port = { NULL, 0 };

	if (n == 0)
		return false;
	if (n < authority.len) {
		port = (struct sl_str){ authority.ptr + n + 1, authority.len - n - 1 };
		if (authority.ptr[n] != ':' || !is_port(port))
			return false;
	}
	*ret_host = (struct sl_str){ authority.ptr, n };
	*ret_port = port;
	return true;
}

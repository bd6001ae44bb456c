// SPDX-License-Identifier: Apache-2.0
// Fuzzes targets and authorities: a normal form is a fixed point and holds nothing that climbs.

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/uri.h"

#define must(fact)                                                                                 \
	do {                                                                                       \
		if (!(fact))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *copy_exactly(const void *data, size_t size)
{
	char *copy = malloc(size ? size : 1);

	must(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static bool is_dots(const char *p, size_t len)
{
	return (len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.');
}

/* The plain reading of uri.h: decode all slashes and ';', then no segment is "." or "..". */
static void check_path(struct sl_str path, enum sl_encoded_slash slash)
{
	char *plain = malloc(path.len + 1);
	size_t len = 0, start = 1;

	must(plain && path.len && path.ptr[0] == '/');
	for (size_t i = 0; i < path.len; i++) {
		struct sl_str rest = { path.ptr + i, path.len - i };
		unsigned char c = (unsigned char)path.ptr[i];
		bool is_slash =
			sl_str_starts(rest, SL_S("%2F")) || sl_str_starts(rest, SL_S("%5C"));

		must(c > ' ' && c < 0x7f && !strchr("?#\\\"<>^`{|}", c));
		must(!is_slash || slash == SL_ENCODED_SLASH_KEEP);
		must(!sl_str_starts(rest, SL_S("//")) && !sl_str_starts(rest, SL_S("%00")));
		plain[len++] = is_slash ? '/' : sl_str_starts(rest, SL_S("%3B")) ? ';' : (char)c;
		i += is_slash || sl_str_starts(rest, SL_S("%3B")) ? 2 : 0;
	}
	plain[len++] = '/';
	for (size_t i = 1; i < len; i++) {
		if (plain[i] != '/')
			continue;
		size_t cut = start;

		while (cut < i && plain[cut] != ';')
			cut++;
		must(!is_dots(plain + start, cut - start));
		start = i + 1;
	}
	free(plain);
}

static char *join(const struct sl_uri *uri, size_t *ret_len)
{
	char *text = malloc(uri->path.len + uri->query.len + 1);
	size_t len = uri->path.len;

	must(text);
	memcpy(text, uri->path.ptr, len);
	if (uri->query.ptr) {
		text[len++] = '?';
		memcpy(text + len, uri->query.ptr, uri->query.len);
		len += uri->query.len;
	}
	*ret_len = len;
	return text;
}

static void check_target(const char *p, size_t size, enum sl_encoded_slash slash)
{
	char *mem = malloc(SL_URI_ROOM(size) + !size), *mem2, *text;
	struct sl_uri uri, again;
	const char *why = NULL;
	size_t len;
	int ret = sl_uri_normalize((struct sl_str){ p, size }, slash, mem, &uri, &why);

	must(ret == 0 || (ret == -EBADMSG && why));
	if (ret == 0) {
		check_path(uri.path, slash);
		text = join(&uri, &len);
		must(len <= SL_URI_ROOM(size));
		mem2 = malloc(SL_URI_ROOM(len));
		must(sl_uri_normalize((struct sl_str){ text, len }, slash, mem2, &again, &why) ==
		     0);
		must(again.path.ptr == text && again.path.len == uri.path.len);
		must(sl_str_eq(again.query, uri.query) && !again.query.ptr == !uri.query.ptr);
		free(mem2);
		free(text);
	}
	free(mem);
}

static void check_authority(const char *p, size_t size)
{
	struct sl_str host, port;

	if (!sl_authority_split((struct sl_str){ p, size }, &host, &port))
		return;
	must(host.ptr == p && host.len > 0 && host.len <= size && port.len <= 5);
	must(host.len + port.len + (port.len ? 1 : 0) == size);
	for (size_t i = 0; i < size; i++)
		must(p[i] > ' ' && p[i] < 0x7f && !strchr("/\\@?#%,;", p[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *p = copy_exactly(data, size);

	check_target(p, size, SL_ENCODED_SLASH_REFUSE);
	check_target(p, size, SL_ENCODED_SLASH_KEEP);
	check_authority(p, size);
	free(p);
	return 0;
}

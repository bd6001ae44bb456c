// SPDX-License-Identifier: Apache-2.0
// Fuzz target of ClientHellos: in one piece and in many they are the same, and JA4 has its form.
#include "tls/hello.h"

#include <errno.h>
#include <stdlib.h>

#include "tls/ja4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool held)
{
	if (!held)
		abort();
}

/* What comes of it in parts of so many bytes; *ret_taken of them were of use. */
static int take_parts(struct sl_tls_pieces *p, const uint8_t *data, size_t size, size_t part,
		      size_t *ret_taken)
{
	int ret = 0;

	*ret_taken = 0;
	while (ret == 0 && *ret_taken < size) {
		size_t n = size - *ret_taken < part ? size - *ret_taken : part;
		struct sl_str in = { (const char *)data + *ret_taken, n };

		ret = sl_tls_pieces_take(p, in, &n);
		demand(n <= in.len && (ret != 0 || n == in.len));
		*ret_taken += n;
	}
	return ret;
}

static bool is_inside(struct sl_str part, struct sl_str all)
{
	return !part.ptr || (part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len);
}

static void check_message(struct sl_str record)
{
	struct sl_str message = { record.ptr + SL_TLS_RECORD_HEAD,
				  record.len - SL_TLS_RECORD_HEAD };
	char ja4[SL_JA4_LEN + 1];
	struct sl_tls_hello h;
	int ret = sl_tls_hello_read(message, &h);

	demand(ret == 0 || ret == -EBADMSG);
	if (ret < 0)
		return;
	demand(is_inside(h.name, message) && is_inside(h.ciphers, message));
	demand(is_inside(h.protocols, message) && is_inside(h.versions, message));
	demand(is_inside(h.signatures, message) && is_inside(h.types, message));
	demand(sl_ja4_print(&h, ja4) ? sl_ja4_is_valid(sl_str_of(ja4)) : ja4[0] == '\0');
	for (unsigned version = 0x0300; version < 0x0305; version++)
		sl_tls_hello_offers(&h, (uint16_t)version);
}

/* A copy of its own size: the sanitizer then sees a read of one byte too many. */
static void check_record(const uint8_t *record, size_t len)
{
	char *copy = malloc(len);

	demand(copy != NULL && len >= SL_TLS_RECORD_HEAD && len <= SL_TLS_HELLO_ROOM);
	memcpy(copy, record, len);
	demand(sl_tls_hello_whole((struct sl_str){ copy, len }) == len);
	check_message((struct sl_str){ copy, len });
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[SL_TLS_HELLO_ROOM], again[SL_TLS_HELLO_ROOM];
	struct sl_tls_pieces p = { .to = first }, q = { .to = again };
	size_t taken, taken_again;
	size_t whole = sl_tls_hello_whole((struct sl_str){ (const char *)data, size });
	int ret = take_parts(&p, data, size, size, &taken);

	demand(ret == 0 || ret == 1 || ret == -EBADMSG || ret == -EMSGSIZE);
	demand(take_parts(&q, data, size, 1 + size % 7, &taken_again) == ret);
	if (ret == 1)
		demand(taken == taken_again && p.len == q.len && memcmp(first, again, p.len) == 0);
	if (whole)
		demand(ret == 1 && taken == whole && memcmp(first, data, whole) == 0);
	if (ret == 1)
		check_record(first, p.len);
	return 0;
}

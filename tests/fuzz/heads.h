/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of heads share: exact copies, and facts that hold for any accepted head. */
#ifndef TESTS_FUZZ_HEADS_H
#define TESTS_FUZZ_HEADS_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http1/head.h"

#define must(fact)                                                                                 \
	do {                                                                                       \
		if (!(fact))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_FIELDS = 24 };

/* Small, so that the fuzzer finds them. */
static const struct sl_head_limits fuzz_limits = {
	.line_bytes = 160,
	.head_bytes = 1024,
	.fields = FUZZ_FIELDS,
};

/* In a block of just this size, where the sanitizer sees one byte too far. */
static inline char *copy_exactly(const void *data, size_t size)
{
	char *copy = calloc(1, size ? size : 1);

	must(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static inline bool is_inside(struct sl_str s, const char *p, int len)
{
	return s.len == 0 || (s.ptr >= p && s.ptr + s.len <= p + len);
}

/* What was accepted, p[0..len), holds nothing that another reader could take differently. */
static inline void check_head(const struct sl_head *head, const char *p, int len)
{
	must(len >= 2 && len <= (int)fuzz_limits.head_bytes);
	must(head->fields_nr <= fuzz_limits.fields);
	must(memcmp(p + len - 2, "\r\n", 2) == 0);
	for (int i = 0; i < len; i++) {
		must(p[i] != '\0' && p[i] != 0x7f);
		must(p[i] != '\r' || (i + 1 < len && p[i + 1] == '\n'));
		must(p[i] != '\n' || (i > 0 && p[i - 1] == '\r'));
		must(i == 0 || p[i - 1] != '\n' || (p[i] != ' ' && p[i] != '\t'));
	}
	for (size_t i = 0; i < head->fields_nr; i++) {
		const struct sl_field *f = &head->fields[i];
		struct sl_str name = { f->name, f->name_len };

		must(is_inside(name, p, len) && is_inside(sl_field_value(f), p, len));
		must(sl_is_token(name) && sl_is_field_value(sl_field_value(f)));
		must(f->name[f->name_len] == ':' && f->id == sl_field_id_of(name));
		must(sl_str_trim(sl_field_value(f)).len == f->value_len);
	}
}

static inline unsigned count(const struct sl_head *head, enum sl_field_id id)
{
	unsigned nr = 0;

	for (size_t i = 0; i < head->fields_nr; i++)
		nr += head->fields[i].id == id;
	return nr;
}

static inline void check_framing(const struct sl_head *head)
{
	unsigned lengths = count(head, SL_FIELD_CONTENT_LENGTH);
	unsigned codings = count(head, SL_FIELD_TRANSFER_ENCODING);

	must(lengths + codings <= 1);
	must(codings == 0 || head->minor == 1);
	must(head->body != SL_BODY_CHUNKED || codings == 1);
	must(head->body != SL_BODY_LENGTH || (lengths == 1 && head->body_len > 0));
	must(head->body == SL_BODY_LENGTH || head->body_len == 0);
	must(head->body_len <= INT64_MAX);
}

#endif

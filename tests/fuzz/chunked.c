// SPDX-License-Identifier: Apache-2.0
// Fuzzes the chunked decoder: cut anywhere, a body decodes to the same; what is decoded was there.

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http1/chunk.h"

#define must(fact)                                                                                 \
	do {                                                                                       \
		if (!(fact))                                                                       \
			abort();                                                                   \
	} while (0)

enum { MOST = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	char data[MOST];
	size_t len, used;
	bool is_bad, is_done;
};

/* Decodes p[0..len) in a block of just this size, on from what came before. */
static void feed(struct sl_chunked *c, struct result *r, const uint8_t *p, size_t len)
{
	char *copy = malloc(len ? len : 1);
	struct sl_str data;
	size_t used = 0;

	must(copy);
	if (len)
		memcpy(copy, p, len);
	while (!r->is_bad && used < len && !sl_chunked_is_done(c)) {
		ssize_t n = sl_chunked_next(c, copy + used, len - used, &data);

		must(n == -EBADMSG || (n > 0 && (size_t)n <= len - used));
		if (n < 0) {
			r->is_bad = true;
			break;
		}
		must(data.ptr >= copy + used && data.ptr + data.len <= copy + used + n);
		memcpy(r->data + r->len, data.ptr, data.len);
		r->len += data.len;
		used += (size_t)n;
	}
	r->used += used;
	r->is_done = sl_chunked_is_done(c);
	free(copy);
}

/* In two pieces, or with step == 0 byte by byte. */
static struct result decode(const uint8_t *data, size_t size, size_t step)
{
	struct sl_chunked c = { 0 };
	struct result r = { .len = 0 };

	if (step) {
		feed(&c, &r, data, step);
		if (r.used == step)
			feed(&c, &r, data + step, size - step);
		return r;
	}
	for (size_t i = 0; i < size && !r.is_bad && !r.is_done; i++)
		feed(&c, &r, data + i, 1);
	return r;
}

static void must_be_same(const struct result *a, const struct result *b)
{
	must(a->is_bad == b->is_bad && a->is_done == b->is_done && a->len == b->len);
	must(memcmp(a->data, b->data, a->len) == 0);
	must(a->is_bad || a->used == b->used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result whole, other;

	if (size == 0 || size > MOST)
		return 0;
	whole = decode(data, size, size);
	must(!whole.is_done || (whole.used >= 3 && memcmp(data + whole.used - 2, "\r\n", 2) == 0));
	must(whole.is_bad || whole.is_done || whole.used == size);
	other = decode(data, size, 0);
	must_be_same(&other, &whole);
	for (size_t step = 1; step < size; step++) {
		other = decode(data, size, step);
		must_be_same(&other, &whole);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes chunked transfer coding piece by piece (RFC 9112 7.1); holds no data. */
#ifndef SL_HTTP1_CHUNK_H
#define SL_HTTP1_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

/* All zero is the state before the first chunk. */
struct sl_chunked {
	uint64_t left;	     /* data bytes that the current chunk still owes */
	uint16_t line_bytes; /* of the current chunk-size line, extensions included */
	uint8_t state;
	uint8_t digits;
};

/*
 * Consumes framing, and at most one run of data, from p[0..len).  Returns how many bytes were
 * consumed (0 only if len is 0 or the coding is done); ret_data is the run (points into p, may be
 * empty).  -EBADMSG for anything but strict framing: a size is 1 to 16 hex digits and below 2^63,
 * lines end in CRLF, extensions are tokens and quoted strings and are dropped.
 * After the last chunk's size line sl_chunked_is_done() turns true and consumption stops there:
 * what follows is the trailer section, for sl_h1_trailers_parse().
 */
ssize_t sl_chunked_next(struct sl_chunked *c, const char *p, size_t len, struct sl_str *ret_data);
bool sl_chunked_is_done(const struct sl_chunked *c);

#endif

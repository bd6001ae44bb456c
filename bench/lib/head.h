/* SPDX-License-Identifier: Apache-2.0 */
/* The heads that the origin and the load generator read: HTTP/1 with Content-Length only. */
#ifndef BENCH_LIB_HEAD_H
#define BENCH_LIB_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* All strings are borrowed from the bytes that were parsed. */
struct request {
	struct sl_str method, path, fields;
	size_t head_len;
	uint64_t body_len;
	bool close, chunked;
};

struct response {
	int status;
	size_t head_len;
	uint64_t body_len;
	bool close;
};

/* Both: 0, -EAGAIN when more bytes could help, -EBADMSG when none can or in.len reached max. */
int bench_request_parse(struct sl_str in, size_t max, struct request *ret_req);
/* -EBADMSG also for an answer in chunks. */
int bench_response_parse(struct sl_str in, size_t max, struct response *ret_res);

/* Takes the first field line off fields; false when there is none left. */
bool bench_field_next(struct sl_str *fields, struct sl_str *ret_name, struct sl_str *ret_value);

#endif

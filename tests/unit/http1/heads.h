/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of head parsing share: one set of limits, and parsing at an unreadable page. */
#ifndef TESTS_UNIT_HTTP1_HEADS_H
#define TESTS_UNIT_HTTP1_HEADS_H

#include <errno.h>

#include "http1/head.h"
#include "tap.h"

#define LEN(table) (sizeof(table) / sizeof((table)[0]))

static const struct sl_head_limits heads_limits = {
	.line_bytes = 256,
	.head_bytes = 4096,
	.fields = 40,
};
static struct sl_field heads_fields[40];
static struct sl_head head = { .fields = heads_fields };

/* The results point into guarded memory: good until the next call. */
static inline int parse_request(struct sl_str text)
{
	return sl_h1_request_parse(&head, guarded(text.ptr, text.len), text.len, &heads_limits);
}

static inline int parse_response(struct sl_str text, enum sl_method method)
{
	return sl_h1_response_parse(&head, guarded(text.ptr, text.len), text.len, &heads_limits,
				    method);
}

static inline bool refuses_request(struct sl_str text, int status, const char *name)
{
	int ret = parse_request(text);

	if (ret != -EBADMSG)
		return is_int(ret, -EBADMSG, "refused: %s", name);
	ok(head.error && head.error[0], "there is a reason: %s", head.error ? head.error : "");
	return is_int(head.error_status, status, "%d: %s", status, name);
}

static inline bool is_hop(const char *name)
{
	for (size_t i = 0; i < head.fields_nr; i++)
		if (sl_str_ieq((struct sl_str){ head.fields[i].name, head.fields[i].name_len },
			       sl_str_of(name)))
			return head.fields[i].is_hop;
	return false;
}

#endif

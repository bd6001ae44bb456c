/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the head parser share, and nobody else: its cursor, the steps of one parse. */
#ifndef SL_HTTP1_PARSE_H
#define SL_HTTP1_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http1/head.h"

_Static_assert(SL_FIELDS_NR <= 64, "field ids fit one mask");
#define H1_BIT(id) (UINT64_C(1) << (id))

struct h1_in {
	const char *pos, *end; /* end is cut to limits->head_bytes */
	bool is_cut; /* end is as far as the head may go: what is missing there never comes */
	struct sl_head *head;
	const struct sl_head_limits *limits;
	uint64_t seen, repeated; /* H1_BIT of field ids */
	/* The last field of each id; holds nothing where `seen` says no. */
	const struct sl_field *at[SL_FIELDS_NR];
};

/* Notes the answer and returns -EBADMSG. */
int h1_refuse(struct sl_head *head, unsigned status, const char *why) __attribute__((cold));

/* fields.c: from the first field line to behind the empty line.  0, -EAGAIN or -EBADMSG. */
int h1_fields_read(struct h1_in *in);
/* Marks the fields of a trailer section that must not be taken for header fields. */
void h1_trailers_mark(struct sl_head *head);

/* connection.c: whether the connection stays, what ends at this hop, upgrades.  0 or -EBADMSG. */
int h1_connection_judge(struct h1_in *in);

/* framing.c: body, and for requests Host and Expect.  0 or -EBADMSG. */
int h1_request_judge(struct h1_in *in);
int h1_response_judge(struct h1_in *in, enum sl_method request_method);

static inline bool h1_has(const struct h1_in *in, enum sl_field_id id)
{
	return in->seen & H1_BIT(id);
}

static inline struct sl_str h1_value(const struct h1_in *in, enum sl_field_id id)
{
	return sl_field_value(in->at[id]);
}

#endif

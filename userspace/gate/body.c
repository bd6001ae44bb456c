// SPDX-License-Identifier: Apache-2.0
// A message body as it is read.
#include "gate/body.h"

#include <errno.h>

void sl_body_init(struct sl_body *b, struct sl_conn *conn, const struct sl_head *head)
{
	*b = (struct sl_body){
		.conn = conn,
		.kind = head->body,
		.left = head->body_len,
		.is_complete = head->body == SL_BODY_NONE,
		.has_trailers_left = head->body == SL_BODY_CHUNKED,
	};
}

void sl_body_consume(struct sl_body *b)
{
	if (b->in_use)
		sl_conn_consume(b->conn, b->in_use);
	b->in_use = 0;
}

void sl_body_skip(struct sl_body *b, uint64_t n)
{
	b->left -= n;
	b->seen += n;
	b->is_complete = b->left == 0;
}

static int take_chunks(struct sl_body *b, struct sl_str in, struct iovec *iov, size_t *ret_bytes)
{
	size_t used = 0, bytes = 0;
	int nr = 0;

	while (nr < SL_BODY_RUNS && used < in.len && !sl_chunked_is_done(&b->chunked)) {
		struct sl_str run;
		ssize_t n = sl_chunked_next(&b->chunked, in.ptr + used, in.len - used, &run);

		if (n < 0)
			return (int)n;
		used += (size_t)n;
		if (run.len == 0)
			continue;
		iov[nr++] = (struct iovec){ (char *)run.ptr, run.len };
		bytes += run.len;
	}
	b->is_complete = sl_chunked_is_done(&b->chunked);
	b->in_use = used;
	b->seen += bytes;
	*ret_bytes = bytes;
	if (nr == 0)
		sl_body_consume(b); /* nothing but framing */
	return nr > 0 || b->is_complete ? nr : -EAGAIN;
}

static int take_plain(struct sl_body *b, struct sl_str in, struct iovec *iov, size_t *ret_bytes)
{
	size_t n = in.len;

	if (b->kind == SL_BODY_LENGTH) {
		if (n > b->left)
			n = b->left;
		b->left -= n;
		b->is_complete = b->left == 0;
	}
	b->in_use = n;
	b->seen += n;
	iov[0] = (struct iovec){ (char *)in.ptr, n };
	*ret_bytes = n;
	return 1;
}

int sl_body_take(struct sl_body *b, struct iovec iov[SL_BODY_RUNS], size_t *ret_bytes)
{
	struct sl_str in;

	sl_body_consume(b);
	*ret_bytes = 0;
	if (b->is_complete)
		return 0;
	in = sl_conn_peek(b->conn);
	if (in.len > 0)
		return b->kind == SL_BODY_CHUNKED ? take_chunks(b, in, iov, ret_bytes)
						  : take_plain(b, in, iov, ret_bytes);
	if (b->conn->rx_error)
		return b->conn->rx_error;
	if (!b->conn->eof)
		return -EAGAIN;
	if (b->kind != SL_BODY_UNTIL_CLOSE)
		return -EPIPE;
	b->is_complete = true;
	return 0;
}

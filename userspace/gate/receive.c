// SPDX-License-Identifier: Apache-2.0
// Receives a message head: nearly always it lies complete in one receive buffer and is parsed where
// it is.
#include "gate/receive.h"

#include <errno.h>

struct receiver {
	struct sl_conn *conn;
	enum sl_head_kind kind;
	struct sl_head *head;
	const struct sl_head_limits *limits;
	enum sl_method request_method;
	struct sl_arena *arena;
	uint64_t deadline_ns;
};

static int parse(struct receiver *r, const char *p, size_t len)
{
	switch (r->kind) {
	case SL_HEAD_REQUEST:
		return sl_h1_request_parse(r->head, p, len, r->limits);
	case SL_HEAD_RESPONSE:
		return sl_h1_response_parse(r->head, p, len, r->limits, r->request_method);
	case SL_HEAD_TRAILERS:
		return sl_h1_trailers_parse(r->head, p, len, r->limits);
	}
	return -EINVAL;
}

/* Twice as large, up to the limit; what was there is copied. */
static char *grow(struct receiver *r, char *mem, size_t len, size_t *size)
{
	size_t max = r->limits->head_bytes +
		     1; /* one more, so that the parser sees that it is too much */
	size_t want = *size ? 2 * *size : 2048;
	char *p;

	if (want > max)
		want = max;
	p = sl_arena_alloc(r->arena, want);
	if (!p)
		return NULL;
	if (len)
		memcpy(p, mem, len);
	*size = want;
	return p;
}

static bool is_worth_parsing(const struct receiver *r, const char *mem, size_t len, size_t fresh)
{
	size_t seen = len - fresh;

	if (len > r->limits->head_bytes)
		return true;
	if (r->kind == SL_HEAD_TRAILERS &&
	    mem[0] == '\r') /* no field comes before the empty line */
		return true;
	/* The start line's limit holds before the head is complete. */
	if (seen <= r->limits->line_bytes && len > r->limits->line_bytes)
		return true;
	return sl_h1_head_end(mem, len, seen > 3 ? seen - 3 : 0) != 0;
}

static int receive_pieces(struct receiver *r)
{
	size_t len = 0, size = 0;
	char *mem = NULL;

	for (;;) {
		struct sl_str in = sl_conn_peek(r->conn);
		size_t n = in.len;
		int ret;

		if (len == size)
			mem = grow(r, mem, len, &size);
		if (!mem)
			return -ENOMEM;
		if (n > size - len)
			n = size - len;
		memcpy(mem + len, in.ptr, n);
		len += n;
		ret = is_worth_parsing(r, mem, len, n) ? parse(r, mem, len) : -EAGAIN;
		if (ret > 0)
			n -= len - (size_t)ret; /* what lies behind the head stays in the queue */
		sl_conn_consume(r->conn, n);
		if (ret != -EAGAIN)
			return ret;
		ret = sl_conn_wait_data(r->conn, r->deadline_ns);
		if (ret <= 0)
			return ret < 0 ? ret : -EPIPE;
	}
}

static bool can_stay(const struct receiver *r)
{
	if (r->kind == SL_HEAD_TRAILERS)
		return r->head->fields_nr == 0;
	return sl_conn_can_hold(r->conn);
}

int sl_head_receive(struct sl_conn *conn, enum sl_head_kind kind, struct sl_head *head,
		    const struct sl_head_limits *limits, enum sl_method request_method,
		    struct sl_arena *arena, uint64_t deadline_ns)
{
	struct receiver r = { conn, kind, head, limits, request_method, arena, deadline_ns };
	struct sl_str in;
	int ret;

	ret = sl_conn_wait_data(conn, deadline_ns);
	if (ret <= 0)
		return ret < 0 ? ret : -ENODATA;
	in = sl_conn_peek(conn);
	ret = parse(&r, in.ptr, in.len);
	if (ret == -EAGAIN || (ret > 0 && !can_stay(&r)))
		return receive_pieces(&r);
	if (ret < 0)
		return ret;
	if (kind != SL_HEAD_TRAILERS)
		sl_conn_hold(conn);
	sl_conn_consume(conn, (size_t)ret);
	return ret;
}

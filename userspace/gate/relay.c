// SPDX-License-Identifier: Apache-2.0
// Moves a body from one connection to another.
#include "gate/relay.h"

#include <errno.h>

#include "base/clock.h"
#include "gate/forward.h"
#include "gate/receive.h"
#include "gate/secure.h"
#include "net/splice.h"
#include "policy/content_digest.h"

enum {
	RATE_GRACE_SECONDS = 5,	 /* before a slow body is held against its sender */
	LARGE_BODY_BYTES = 8192, /* left: worth receiving through large buffers */
	CHUNK_LINE_BYTES = 20,
	TINY_BYTES = 256, /* a chunk below this is cheaper copied */
};

static int flush_head(struct sl_relay *r)
{
	struct sl_str head = sl_out_done(r->head);
	int ret;

	if (head.len == 0)
		return 0;
	r->has_sent = true;
	ret = sl_conn_send(r->to, head.ptr, head.len,
			   sl_exchange_deadline(r->x, r->send_timeout_ns));
	r->head->pos = r->head->start;
	r->is_to_blame_to = ret < 0;
	return ret;
}

static int flush_last(struct sl_relay *r)
{
	struct sl_str head = sl_out_done(r->head);
	int ret;

	if (!r->is_last || head.len == 0)
		return flush_head(r);
	r->has_sent = true;
	ret = sl_conn_send_last(r->to, head.ptr, head.len,
				sl_exchange_deadline(r->x, r->send_timeout_ns));
	r->is_to_blame_to = ret < 0;
	return ret;
}

/* One send for everything: copied behind the head where there is room (cheaper than a second
 * segment), else by reference. */
static int send_run(struct sl_relay *r, struct iovec *iov, unsigned nr, size_t bytes)
{
	struct iovec all[SL_BODY_RUNS + 3];
	char line[CHUNK_LINE_BYTES];
	struct sl_out size_line;
	unsigned n = 0;
	int ret;

	all[n++] = (struct iovec){ r->head->start, sl_out_len(r->head) };
	if (r->framing == SL_FRAMING_CHUNKED) {
		sl_out_init(&size_line, line, sizeof(line));
		sl_out_hex(&size_line, bytes);
		sl_out_lit(&size_line, "\r\n");
		all[n++] = (struct iovec){ line, sl_out_len(&size_line) };
	}
	for (unsigned i = 0; i < nr; i++)
		all[n++] = iov[i];
	if (r->framing == SL_FRAMING_CHUNKED)
		all[n++] = (struct iovec){ "\r\n", 2 };
	r->has_sent = true;
	ret = sl_conn_sendv(r->to, all, n, sl_exchange_deadline(r->x, r->send_timeout_ns));
	r->head->pos = r->head->start;
	r->is_to_blame_to = ret < 0;
	return ret;
}

/* Behind a head that waits; and many tiny chunks are gathered, or each dozen would be a send. */
static bool is_worth_joining(const struct sl_relay *r, unsigned nr, size_t bytes)
{
	if (bytes + 2ull * CHUNK_LINE_BYTES > sl_out_room(r->head))
		return false;
	return sl_out_len(r->head) > 0 || (nr > 1 && bytes < nr * (size_t)TINY_BYTES);
}

/* Short bodies leave in one segment with their head. */
static void join_to_head(struct sl_relay *r, const struct iovec *iov, unsigned nr, size_t bytes)
{
	bool is_chunked = r->framing == SL_FRAMING_CHUNKED;

	if (is_chunked) {
		sl_out_hex(r->head, bytes);
		sl_out_lit(r->head, "\r\n");
	}
	for (unsigned i = 0; i < nr; i++)
		sl_out_mem(r->head, iov[i].iov_base, iov[i].iov_len);
	if (is_chunked)
		sl_out_lit(r->head, "\r\n");
}

static uint64_t receive_deadline(const struct sl_relay *r, uint64_t start_ns)
{
	uint64_t deadline = sl_exchange_deadline(r->x, r->receive_timeout_ns);
	uint64_t by_rate;

	if (!r->rate_bytes)
		return deadline;
	by_rate = start_ns + RATE_GRACE_SECONDS * SL_SEC +
		  (uint64_t)((double)r->from->seen / r->rate_bytes * SL_SEC);
	return by_rate < deadline ? by_rate : deadline;
}

static bool has_news(const struct sl_conn *watch)
{
	return watch && (sl_conn_has_data(watch) || watch->eof || watch->rx_error);
}

static bool can_splice(const struct sl_relay *r)
{
	const struct sl_body *b = r->from;

	return b->kind == SL_BODY_LENGTH && r->framing == SL_FRAMING_LENGTH && !r->watch &&
	       !r->digest && !r->has_no_pipe && b->left >= SL_SPLICE_MIN && !b->conn->layer &&
	       b->conn->rx_first == SL_BUF_NONE && !b->conn->armed && !b->conn->eof &&
	       !b->conn->rx_error;
}

/* Until `from` has something to read or `watch` something to say. */
static int wait_for_more(struct sl_relay *r, uint64_t deadline_ns)
{
	struct sl_conn *from = r->from->conn;
	struct sl_loop *loop = from->loop;

	while (!sl_conn_has_data(from) && !from->eof && !from->rx_error) {
		if (can_splice(r)) /* the receive that was in its way has ended */
			return 0;
		if (has_news(r->watch))
			return -EALREADY;
		if (sl_fiber_is_cancelled(from->reader))
			return -ECANCELED;
		if (loop->now_ns >= deadline_ns)
			return -ETIMEDOUT;
		sl_conn_arm(from, SL_RECV_ONCE);
		sl_fiber_park(loop, deadline_ns);
	}
	return 0;
}

static int splice_rest(struct sl_relay *r)
{
	uint64_t moved;
	int ret = flush_head(r);

	if (ret == 0)
		ret = sl_secure_pass_out(r->x->client, r->to,
					 sl_exchange_deadline(r->x, r->send_timeout_ns));
	if (ret == -EOPNOTSUPP)
		return -ENOSYS;
	r->is_to_blame_to = ret < 0;
	if (ret < 0)
		return ret;
	ret = sl_splice(r->from->conn, r->to, r->from->left, r->receive_timeout_ns,
			r->send_timeout_ns, r->x->deadline_ns, &moved, &r->is_to_blame_to);
	sl_body_skip(r->from, moved);
	*r->count += moved;
	return ret;
}

/* Fields that would change what the message means are not passed on (RFC 9110 6.5.1). */
static void put_trailers(const struct sl_relay *r, struct sl_out *o, const struct sl_head *trailers)
{
	bool is_request = r->from == &r->x->req_body;

	sl_out_lit(o, "0\r\n");
	for (unsigned i = 0; i < trailers->fields_nr; i++) {
		const struct sl_field *f = &trailers->fields[i];

		if (!sl_forward_is_trailer(r->x, is_request, f))
			continue;
		sl_out_mem(o, f->name, f->name_len);
		sl_out_lit(o, ": ");
		sl_out_mem(o, f->value, f->value_len);
		sl_out_lit(o, "\r\n");
	}
	sl_out_lit(o, "\r\n");
}

/* As much as put_trailers() can need: what came without a space behind its colon gets one. */
static size_t trailers_room(const struct sl_head *trailers)
{
	size_t room = sizeof("0\r\n\r\n");

	for (unsigned i = 0; i < trailers->fields_nr; i++)
		room += trailers->fields[i].name_len + trailers->fields[i].value_len +
			sizeof(": \r\n");
	return room;
}

static int receive_trailers(struct sl_relay *r, struct sl_head *trailers)
{
	struct sl_exchange *x = r->x;
	struct sl_head_limits limits = sl_exchange_head_limits(x);
	int ret;

	/* Free in both directions: before a response is parsed, and after its head was passed on.
	 */
	trailers->fields = x->resp.fields;
	ret = sl_head_receive(r->from->conn, SL_HEAD_TRAILERS, trailers, &limits, SL_METHOD_OTHER,
			      &x->arena, sl_exchange_deadline(x, r->receive_timeout_ns));
	if (ret < 0)
		return ret == -ENODATA ? -EPIPE : ret;
	r->from->has_trailers_left = false;
	return 0;
}

static int finish_chunks(struct sl_relay *r)
{
	struct sl_head trailers = { 0 };
	struct sl_out o;
	size_t room;
	char *mem;
	int ret = 0;

	if (r->from->kind == SL_BODY_CHUNKED)
		ret = receive_trailers(r, &trailers);
	if (ret < 0 || r->framing != SL_FRAMING_CHUNKED)
		return ret;
	if (trailers.fields_nr == 0 && sl_out_room(r->head) >= 5) {
		put_trailers(r, r->head, &trailers);
		return 0;
	}
	ret = flush_head(r);
	if (ret < 0)
		return ret;
	room = trailers_room(&trailers);
	mem = sl_arena_alloc(&r->x->arena, room);
	if (!mem)
		return -ENOMEM;
	sl_out_init(&o, mem, room);
	put_trailers(r, &o, &trailers);
	if (o.overflow) /* half a section would make the next message part of it */
		return -ENOBUFS;
	ret = sl_conn_send(r->to, mem, sl_out_len(&o),
			   sl_exchange_deadline(r->x, r->send_timeout_ns));
	r->is_to_blame_to = ret < 0;
	return ret;
}

static void choose_buffers(struct sl_relay *r)
{
	struct sl_body *b = r->from;
	struct sl_bufs *large = &b->conn->loop->large;
	uint64_t expected = b->kind == SL_BODY_LENGTH ? b->left : b->seen;

	/* A large buffer is out for as long as its reader likes: the last half of them is not lent
	 * to streams that may be the slowest. */
	if (expected > LARGE_BODY_BYTES && large->out < large->entries / 2)
		sl_conn_use_bufs(b->conn, large);
	else
		sl_conn_use_bufs(b->conn, &b->conn->loop->small);
}

/* Its last bytes are not passed on before all are known to be good: a receiver that gets no end of
 * a body throws it away. */
static int judge(struct sl_relay *r, const struct iovec *iov, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		sl_content_digest_add(r->digest, iov[i].iov_base, iov[i].iov_len);
	return !r->from->is_complete || sl_content_digest_is_good(r->digest) ? 0 : -EKEYREJECTED;
}

static int send_taken(struct sl_relay *r, struct iovec *iov, unsigned nr, size_t bytes)
{
	if (r->limit_bytes && r->from->seen > r->limit_bytes)
		return -EFBIG;
	*r->count += bytes;
	if (r->digest && judge(r, iov, nr) < 0)
		return -EKEYREJECTED;
	if (is_worth_joining(r, nr, bytes)) {
		join_to_head(r, iov, nr, bytes);
		return 0;
	}
	return send_run(r, iov, nr, bytes);
}

/* Nothing to pass on right now: what was kept back goes out, then wait. */
static int refill(struct sl_relay *r, uint64_t start_ns)
{
	int ret = flush_head(r);

	if (ret < 0)
		return ret;
	if (can_splice(r)) {
		ret = splice_rest(r);
		r->has_no_pipe = ret == -ENOSYS; /* then it goes through buffers */
		if (!r->has_no_pipe)
			return ret;
	}
	choose_buffers(r);
	return wait_for_more(r, receive_deadline(r, start_ns));
}

int sl_relay_run(struct sl_relay *r)
{
	uint64_t start_ns = r->x->worker->loop.now_ns;
	struct iovec iov[SL_BODY_RUNS];
	size_t bytes;
	int ret;

	while ((ret = sl_body_take(r->from, iov, &bytes)) != 0) {
		if (ret > 0)
			ret = send_taken(r, iov, (unsigned)ret, bytes);
		else if (ret == -EAGAIN)
			ret = refill(r, start_ns);
		if (ret < 0)
			return ret;
	}
	if (r->digest && judge(r, NULL, 0) < 0)
		return -EKEYREJECTED;
	ret = finish_chunks(r);
	return ret < 0 ? ret : flush_last(r);
}

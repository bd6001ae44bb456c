// SPDX-License-Identifier: Apache-2.0
// The exchange with an upstream.
#include "gate/proxy.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/attempt.h"
#include "gate/forward.h"
#include "gate/receive.h"
#include "gate/relay.h"
#include "gate/reply.h"
#include "gate/session.h"
#include "gate/verdict.h"
#include "net/splice.h"
#include "tls/error.h"
#include "upstream/failure.h"
#include "upstream/queue.h"

enum {
	HEAD_EXTRA = 1024,   /* what forwarding adds to a head at the most, names and addresses */
	BODY_JOINED = 4096,  /* body bytes that go out in one segment with the head */
	INTERIM_MAX = 16,    /* 1xx answers to one request */
	LAST_WORDS_MS = 200, /* for what a closed connection has left to say */
};

/* ---- the request ---- */

static int start_request(struct sl_attempt *a)
{
	struct sl_exchange *x = a->x;
	bool has_body = x->req.body != SL_BODY_NONE;
	size_t room = 4 * x->req_len + x->uri.path.len + x->uri.query.len + HEAD_EXTRA +
		      sl_forward_extra_len(x, &x->match.route->request_headers) +
		      (has_body ? BODY_JOINED : 0);
	const struct sl_limits *l = &x->rules->limits;

	if (!a->head_mem)
		a->head_mem = sl_arena_alloc(&x->arena, room);
	if (!a->head_mem)
		return -ENOMEM;
	sl_out_init(&a->head, a->head_mem, room);
	sl_forward_request(x, &a->head);
	if (a->head.overflow)
		return -ENOBUFS;
	x->upstream_start_ns = x->worker->loop.now_ns;
	a->is_request_complete = !has_body;
	a->request = (struct sl_relay){
		.x = x,
		.from = &x->req_body,
		.to = &x->peer->conn,
		.framing = x->req.body == SL_BODY_CHUNKED ? SL_FRAMING_CHUNKED : SL_FRAMING_LENGTH,
		.head = &a->head,
		.receive_timeout_ns = l->idle_timeout_ns,
		.send_timeout_ns = a->upstream->conf->response_timeout_ns,
		/* A client that waits for 100 cannot be slow yet. */
		.rate_bytes = x->req.expect_continue ? 0 : l->body_rate_bytes,
		.limit_bytes = x->body_limit,
		.digest = x->content,
		.watch = &x->peer->conn,
		.count = &x->bytes_received,
	};
	if (!has_body)
		return sl_conn_send(&x->peer->conn, a->head_mem, sl_out_len(&a->head),
				    sl_exchange_deadline(x, a->request.send_timeout_ns));
	sl_conn_arm(&x->peer->conn, SL_RECV_ONCE_LATER); /* an early answer is to be heard */
	return sl_relay_run(&a->request);
}

static int continue_request(struct sl_attempt *a)
{
	int ret;

	if (a->is_request_complete)
		return 0;
	sl_conn_arm(&a->x->peer->conn, SL_RECV_ONCE_LATER);
	a->request.rate_bytes = a->x->rules->limits.body_rate_bytes;
	ret = sl_relay_run(&a->request);
	a->is_request_complete = ret == 0;
	return ret;
}

/* ---- the answer ---- */

static bool has_news(const struct sl_conn *c)
{
	return sl_conn_has_data(c) || c->eof || c->rx_error;
}

/* Meanwhile the client may leave: then nobody waits for the answer.  A client that has only
 * finished sending (half close) still does. */
static int wait_answer(struct sl_exchange *x, uint64_t deadline_ns)
{
	struct sl_conn *peer = &x->peer->conn, *client = &x->client->conn;
	struct sl_loop *loop = peer->loop;
	uint64_t look_ns = loop->now_ns + SL_SEC;

	sl_conn_arm(peer, SL_RECV_ONCE_LATER);
	while (!has_news(peer)) {
		if (client->rx_error)
			return -ECONNABORTED;
		if (sl_fiber_is_cancelled(client->reader))
			return -ECANCELED;
		if (loop->now_ns >= deadline_ns)
			return -ETIMEDOUT;
		if (loop->now_ns >= look_ns) {
			sl_conn_arm(client, SL_RECV_ONCE_LATER);
			look_ns = SL_NEVER;
		}
		sl_conn_arm(peer, SL_RECV_ONCE_LATER);
		sl_fiber_park(loop, deadline_ns < look_ns ? deadline_ns : look_ns);
	}
	return 0;
}

static int receive_answer(struct sl_attempt *a)
{
	struct sl_exchange *x = a->x;
	struct sl_head_limits limits = sl_exchange_head_limits(x);
	uint64_t deadline_ns = sl_exchange_deadline(x, a->upstream->conf->response_timeout_ns);
	int ret;

	ret = wait_answer(x, deadline_ns);
	if (ret < 0)
		return ret;
	a->has_answered |= sl_conn_peek(&x->peer->conn).len > 0;
	sl_conn_release(&x->peer->conn); /* of an interim answer */
	ret = sl_head_receive(&x->peer->conn, SL_HEAD_RESPONSE, &x->resp, &limits, x->req.method_id,
			      &x->arena, deadline_ns);
	if (ret > 0)
		x->upstream_ns = x->worker->loop.now_ns - x->upstream_start_ns;
	return ret;
}

static int pass_interim(struct sl_attempt *a, size_t head_len)
{
	struct sl_exchange *x = a->x;
	size_t room = head_len + HEAD_EXTRA;
	struct sl_out o;
	char *mem;

	if (++a->interim_nr > INTERIM_MAX)
		return -EBADMSG;
	if (!x->req.minor) /* RFC 9110 15.2: a HTTP/1.0 client knows none */
		return 0;
	if (x->resp.status == 101)
		room += sl_forward_extra_len(x, &x->match.route->response_headers);
	mem = sl_arena_alloc(&x->arena, room);
	if (!mem)
		return -ENOMEM;
	sl_out_init(&o, mem, room);
	sl_forward_interim(x, &o);
	if (o.overflow)
		return -ENOBUFS;
	if (sl_conn_send(&x->client->conn, mem, sl_out_len(&o),
			 sl_exchange_deadline(x, x->rules->limits.send_timeout_ns)) < 0)
		return -ECONNABORTED;
	sl_count(&x->worker->stats->responses_1xx, 1);
	return 0;
}

static void finish_peer(struct sl_attempt *a, const struct sl_body *body)
{
	struct sl_exchange *x = a->x;
	struct sl_peer *peer = x->peer;

	x->peer = NULL;
	peer->is_bulk = body->seen >= SL_SPLICE_MIN;
	sl_body_consume((struct sl_body *)body);
	sl_conn_release(&peer->conn);
	if (a->is_request_complete && x->resp.keep_alive && body->is_complete &&
	    !a->upstream->conf->send_proxy)
		sl_peer_release(peer);
	else
		sl_peer_close(peer);
}

static uint32_t cause_of_status(unsigned status)
{
	switch (status) {
	case 502:
		return SL_RETRY_502;
	case 503:
		return SL_RETRY_503;
	case 504:
		return SL_RETRY_504;
	default:
		return 0;
	}
}

/* An answer that the configuration says to ask again after, and of which the client has seen
 * nothing. */
static bool is_unwanted(struct sl_attempt *a)
{
	uint32_t cause = cause_of_status(a->x->resp.status);

	return cause && a->interim_nr == 0 && sl_attempt_can_retry(a, cause);
}

/* The connection is kept if all of the answer is here. */
static int ask_again(struct sl_attempt *a)
{
	struct sl_exchange *x = a->x;
	struct iovec iov[SL_BODY_RUNS];
	struct sl_body body;
	size_t n;

	a->retries++;
	a->pick.tried |= sl_target_bit(a->upstream, x->peer->target);
	a->answered |= sl_target_bit(a->upstream, x->peer->target);
	sl_verdict_answered(x, a->upstream, x->peer->target, x->resp.status);
	sl_body_init(&body, &x->peer->conn, &x->resp);
	while (body.kind == SL_BODY_LENGTH && sl_body_take(&body, iov, &n) > 0)
		;
	finish_peer(a, &body);
	return sl_attempt_retry(a, -ECONNRESET);
}

/* An answer that stops in the middle must look like it: without a length, only a reset says so. */
static void break_off(struct sl_attempt *a, const struct sl_relay *r, int error)
{
	struct sl_exchange *x = a->x;

	x->must_close = x->is_cut = true;
	if (r->is_to_blame_to) {
		x->error = "client_closed";
		sl_count(&x->worker->stats->requests_aborted, 1);
	} else {
		x->error = "upstream_truncated";
		x->detail = sl_failure_word(error);
		sl_verdict_failed(x, a->upstream, x->peer->target, error);
	}
	sl_conn_abort_on_close(&x->client->conn);
}

static int pass_answer(struct sl_attempt *a, size_t head_len)
{
	struct sl_exchange *x = a->x;
	bool has_body = x->resp.body != SL_BODY_NONE;
	size_t room = head_len + HEAD_EXTRA + (has_body ? BODY_JOINED : 0) +
		      sl_forward_extra_len(x, &x->match.route->response_headers);
	char *mem = sl_arena_alloc(&x->arena, room);
	struct sl_body body;
	struct sl_out o;
	struct sl_relay relay = {
		.x = x,
		.from = &body,
		.to = &x->client->conn,
		.framing = sl_forward_framing(x),
		.head = &o,
		.receive_timeout_ns = a->upstream->conf->read_timeout_ns,
		.send_timeout_ns = x->rules->limits.send_timeout_ns,
		.count = &x->bytes_sent,
	};
	int ret;

	if (!mem)
		return sl_attempt_fail(a, -ENOMEM);
	sl_body_init(&body, &x->peer->conn, &x->resp);
	x->must_close |= !a->is_request_complete || x->worker->is_draining ||
			 (has_body && relay.framing == SL_FRAMING_UNTIL_CLOSE);
	relay.is_last = x->must_close && a->is_request_complete;
	if (a->upstream->conf->sticky.cookie.len)
		sl_session_bind(x, a->upstream->conf, a->pick.session);
	sl_out_init(&o, mem, room);
	sl_forward_response(x, &o);
	if (o.overflow)
		return sl_attempt_fail(a, -EBADMSG);
	x->status = x->resp.status;
	ret = sl_relay_run(&relay);
	/* Nothing of it has left yet: the client gets an answer after all. */
	if (ret < 0 && !relay.is_to_blame_to && !relay.has_sent) {
		x->bytes_sent = 0;
		ret = ret == -EPIPE ? -EBADMSG : ret;
		sl_verdict_failed(x, a->upstream, x->peer->target, ret);
		return sl_attempt_fail(a, ret);
	}
	if (ret < 0)
		break_off(a, &relay, ret);
	else
		sl_verdict_answered(x, a->upstream, x->peer->target, x->resp.status);
	finish_peer(a, &body);
	return ret < 0 ? -ECONNABORTED : 0;
}

static int pass_upgrade(struct sl_attempt *a, size_t head_len)
{
	struct sl_exchange *x = a->x;
	int ret;

	if (!sl_forward_is_tunnel(x) || !x->resp.is_upgrade)
		return sl_attempt_fail(a, -EBADMSG);
	x->must_close = true;
	if (a->upstream->conf->sticky.cookie.len)
		sl_session_bind(x, a->upstream->conf, a->pick.session);
	ret = pass_interim(a, head_len);
	if (ret < 0)
		return sl_attempt_fail(a, ret);
	x->status = 101;
	sl_verdict_answered(x, a->upstream, x->peer->target, 101);
	ret = sl_tunnel_run(x);
	sl_peer_close(x->peer);
	x->peer = NULL;
	return ret;
}

/* A target that answers before it has read all may close at once: the send fails, and the answer is
 * still on its way to us through the ring. */
static bool has_last_words(struct sl_exchange *x, int error)
{
	struct sl_conn *peer = &x->peer->conn;

	if (error == -EPIPE || error == -ECONNRESET)
		wait_answer(x, x->worker->loop.now_ns + LAST_WORDS_MS * SL_MS);
	return sl_conn_peek(peer).len > 0;
}

/* By TLS it can have said why it takes nothing more. */
static int lost(struct sl_attempt *a, int error)
{
	int said = a->x->peer->conn.rx_error;

	return sl_attempt_lost(a, sl_tls_is_error(said) ? said : error);
}

/* One try on one connection.  0 or a negative errno as sl_proxy_run(); -EAGAIN: try again. */
static int talk(struct sl_attempt *a)
{
	struct sl_exchange *x = a->x;
	int ret = start_request(a);

	a->is_request_complete |= ret == 0;
	for (;;) {
		bool is_upstream = x->req.body == SL_BODY_NONE || a->request.is_to_blame_to;
		int head_len;

		if (ret < 0 && ret != -EALREADY) {
			if (!is_upstream)
				return sl_attempt_fail_request(a, ret);
			if (!has_last_words(x, ret))
				return lost(a, ret);
		}
		head_len = receive_answer(a);
		if (head_len < 0)
			return sl_attempt_lost(a, head_len);
		if (x->resp.status == 101)
			return pass_upgrade(a, (size_t)head_len);
		if (x->resp.status >= 200 && is_unwanted(a))
			return ask_again(a);
		if (x->resp.status >= 200)
			return pass_answer(a, (size_t)head_len);
		ret = pass_interim(a, (size_t)head_len);
		if (ret < 0)
			return sl_attempt_fail(a, ret);
		ret = continue_request(a);
	}
}

static int run(struct sl_attempt *a)
{
	struct sl_exchange *x = a->x;
	int ret;

	do {
		ret = sl_attempt_connect(a);
		if (ret == -EHOSTUNREACH && a->last_error)
			ret = a->last_error;
		if (ret < 0)
			return sl_attempt_fail(a, ret);
		ret = talk(a);
	} while (ret == -EAGAIN);
	/* The client may have taken the last part of its answer by now, or be gone: either way it
	 * is not ours any more. */
	sl_peer_close(x->peer);
	x->peer = NULL;
	sl_conn_use_bufs(&x->client->conn, &x->worker->loop.small);
	return ret;
}

int sl_proxy_run(struct sl_exchange *x)
{
	struct sl_attempt a = { .x = x,
				.upstream = &x->view->pool.upstreams[x->match.route->upstream] };
	int ret;

	if (!sl_upstream_enter(a.upstream))
		return sl_attempt_fail(&a, -EBUSY);
	sl_session_find(x, a.upstream->conf, &a.pick);
	sl_retry_earn(&a.upstream->retry_budget, a.upstream->conf->retries.budget_percent);
	ret = run(&a);
	sl_upstream_leave(a.upstream);
	return ret;
}

// SPDX-License-Identifier: Apache-2.0
// Answers that the gateway makes itself.
#include "gate/reply.h"

#include <errno.h>

#include "base/clock.h"
#include "base/out.h"
#include "gate/edit.h"
#include "gate/fill.h"
#include "gate/problem.h"
#include "http/status.h"

enum { HEAD_ROOM = 1024, SMALL_REPLY = 4096 };

struct reply {
	unsigned status;
	struct sl_str type;		    /* Content-Type; empty: none */
	struct sl_str extra;		    /* further field lines, each with its CRLF */
	const struct sl_respond_conf *conf; /* its headers; may be NULL */
	const struct sl_header_edit *edit;  /* of the route; may be NULL */
	struct sl_str body;
};

/* A route's own headers, less those that its response_headers take away. */
static void put_conf(struct sl_out *o, const struct reply *r)
{
	for (unsigned i = 0; r->conf && i < r->conf->headers_nr; i++) {
		if (r->edit && sl_edit_drops(r->edit, r->conf->headers[i].name))
			continue;
		sl_out_str(o, r->conf->headers[i].name);
		sl_out_lit(o, ": ");
		sl_out_str(o, r->conf->headers[i].value);
		sl_out_lit(o, "\r\n");
	}
}

static void put_head(struct sl_exchange *x, struct sl_out *o, const struct reply *r)
{
	struct sl_worker *w = x->worker;

	sl_out_lit(o, "HTTP/1.1 ");
	sl_out_u64(o, r->status);
	sl_out_char(o, ' ');
	sl_out_str(o, sl_status_reason(r->status));
	sl_out_lit(o, "\r\nDate: ");
	sl_out_str(o, sl_wall_date(&w->wall, w->loop.now_ns));
	if (r->type.len) {
		sl_out_lit(o, "\r\nContent-Type: ");
		sl_out_str(o, r->type);
	}
	if (r->status != 204) {
		sl_out_lit(o, "\r\nContent-Length: ");
		sl_out_u64(o, r->body.len);
	}
	if (x->must_close)
		sl_out_lit(o, "\r\nConnection: close");
	else if (!x->req.minor)
		sl_out_lit(o, "\r\nConnection: keep-alive");
	sl_out_lit(o, "\r\n");
	sl_out_str(o, r->extra);
	sl_out_str(o, x->policy_fields);
	put_conf(o, r);
	if (r->edit)
		sl_edit_put(x, r->edit, o);
	sl_out_lit(o, "\r\n");
}

static size_t head_room(const struct sl_exchange *x, const struct reply *r)
{
	size_t n = HEAD_ROOM + r->extra.len + r->type.len + x->policy_fields.len;

	for (unsigned i = 0; r->conf && i < r->conf->headers_nr; i++)
		n += r->conf->headers[i].name.len + r->conf->headers[i].value.len + 4;
	return r->edit ? n + sl_edit_len(x, r->edit) : n;
}

/* A body that nobody read would be taken for the next request: read it away if it is short and
 * here, or say that the connection ends. */
static void settle_request_body(struct sl_exchange *x)
{
	struct iovec iov[SL_BODY_RUNS];
	size_t n;

	if (x->must_close || (x->req_body.is_complete && !x->req_body.has_trailers_left))
		return;
	if (x->req_body.kind == SL_BODY_LENGTH && !x->req.expect_continue)
		while (sl_body_take(&x->req_body, iov, &n) > 0)
			x->bytes_received += n;
	if (!x->req_body.is_complete || x->req_body.has_trailers_left)
		x->must_close = true;
}

static int send_all(struct sl_exchange *x, struct iovec iov[2])
{
	struct sl_conn *c = &x->client->conn;
	uint64_t deadline_ns = sl_exchange_deadline(x, x->rules->limits.send_timeout_ns);
	bool is_request_read = x->req_len && x->req_body.is_complete;

	if (iov[1].iov_len)
		return sl_conn_sendv(c, iov, 2, deadline_ns);
	/* Closing on unread bytes would be a reset: see sl_conn_linger(). */
	if (x->must_close && is_request_read && !x->req_body.has_trailers_left)
		return sl_conn_send_last(c, iov[0].iov_base, iov[0].iov_len, deadline_ns);
	return sl_conn_send(c, iov[0].iov_base, iov[0].iov_len, deadline_ns);
}

/* What the gateway denies by itself, a `respond` route too, is the client's failure; what a list or
 * a punishment denies has been counted already. */
static bool is_denial(const struct sl_exchange *x, unsigned status)
{
	return (status == 403 || status == 429) && !x->is_kept_out;
}

static int send_reply(struct sl_exchange *x, const struct reply *r)
{
	size_t room = head_room(x, r) + (r->body.len <= 4096 ? r->body.len : 0);
	bool has_body = x->req.method_id != SL_METHOD_HEAD && r->body.len > 0 && r->status != 204 &&
			r->status != 304;
	/* Short answers need no memory: "out of memory" is one of them. */
	char small[SMALL_REPLY];
	char *mem = room <= sizeof(small) ? small : sl_arena_alloc(&x->arena, room);
	struct iovec iov[2];
	struct sl_out o;
	int ret;

	if (!mem) {
		x->must_close = true;
		return -ENOMEM;
	}
	settle_request_body(x);
	sl_out_init(&o, mem, room);
	put_head(x, &o, r);
	if (o.overflow) {
		x->must_close = true;
		return -ENOBUFS;
	}
	iov[0] = (struct iovec){ mem, sl_out_len(&o) };
	iov[1] = (struct iovec){ (char *)r->body.ptr, has_body ? r->body.len : 0 };
	if (has_body && r->body.len <= sl_out_room(&o)) {
		sl_out_str(&o, r->body);
		iov[0].iov_len = sl_out_len(&o);
		iov[1].iov_len = 0;
	}
	x->status = (uint16_t)r->status;
	if (!x->offence && is_denial(x, r->status))
		x->offence = "denied";
	ret = send_all(x, iov);
	if (ret < 0)
		x->must_close = true;
	else if (has_body)
		x->bytes_sent += r->body.len;
	return ret;
}

static int send_problem(struct sl_exchange *x, unsigned status, const char *error,
			const char *detail, struct sl_str extra)
{
	enum sl_problem_form form = sl_problem_choose(&x->req);
	char body[SL_PROBLEM_MAX], head[512];
	struct sl_out o, fields;

	x->error = error;
	sl_out_init(&o, body, sizeof(body));
	sl_problem_write(&o, form, &(struct sl_problem){ status, sl_str_of(detail), x->id });
	sl_out_init(&fields, head, sizeof(head));
	sl_out_str(&fields, extra);
	/* Caches must not give one client's form to another. */
	sl_out_lit(&fields, "Vary: Accept\r\nX-Request-Id: ");
	sl_out_str(&fields, x->id);
	sl_out_lit(&fields, "\r\n");
	return send_reply(x, &(struct reply){
				     .status = status,
				     .type = sl_problem_type(form),
				     .extra = sl_out_done(&fields),
				     .body = sl_out_done(&o),
			     });
}

int sl_reply_problem(struct sl_exchange *x, unsigned status, const char *error, const char *detail)
{
	return send_problem(x, status, error, detail, SL_S(""));
}

int sl_reply_overloaded(struct sl_exchange *x)
{
	return send_problem(x, 503, "upstream_overloaded",
			    "The upstream is busy with as many requests as it may get.",
			    SL_S("Retry-After: 1\r\n"));
}

int sl_reply_refusal(struct sl_exchange *x, const struct sl_refusal *refusal)
{
	struct sl_stats *s = x->worker->stats;

	x->offence = refusal->offence;
	if (refusal->status == 401)
		sl_count(&s->policy_unauthorized, 1);
	else if (refusal->status == 403)
		sl_count(&s->policy_forbidden, 1);
	else if (refusal->status == 429)
		sl_count(&s->policy_limited, 1);
	if (refusal->status >= 400)
		return send_problem(x, refusal->status, refusal->error, refusal->detail,
				    refusal->fields);
	return send_reply(x,
			  &(struct reply){ .status = refusal->status, .extra = x->refusal_fields });
}

static void put_allow(struct sl_out *o, uint32_t allowed)
{
	bool first = true;

	sl_out_lit(o, "Allow: ");
	for (unsigned m = SL_METHOD_GET; m < SL_METHODS_NR; m++) {
		if (!(allowed & 1u << m))
			continue;
		if (!first)
			sl_out_lit(o, ", ");
		sl_out_str(o, sl_method_name((enum sl_method)m));
		first = false;
	}
	sl_out_lit(o, "\r\n");
}

int sl_reply_method_not_allowed(struct sl_exchange *x, uint32_t allowed)
{
	char mem[128];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	put_allow(&o, allowed);
	return send_problem(x, 405, "method_not_allowed",
			    "No route takes this method at this path.", sl_out_done(&o));
}

int sl_reply_options(struct sl_exchange *x)
{
	static const uint32_t all = 1u << SL_METHOD_GET | 1u << SL_METHOD_HEAD |
				    1u << SL_METHOD_POST | 1u << SL_METHOD_PUT |
				    1u << SL_METHOD_DELETE | 1u << SL_METHOD_OPTIONS |
				    1u << SL_METHOD_PATCH;
	char mem[128];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	put_allow(&o, all);
	return send_reply(x, &(struct reply){ .status = 204, .extra = sl_out_done(&o) });
}

int sl_reply_respond(struct sl_exchange *x, const struct sl_respond_conf *conf)
{
	return send_reply(x, &(struct reply){
				     .status = conf->status,
				     .conf = conf,
				     .edit = &x->match.route->response_headers,
				     .body = conf->body,
			     });
}

int sl_reply_redirect(struct sl_exchange *x, const struct sl_redirect_conf *conf)
{
	static const struct sl_str name = SL_STR("Location: ");
	size_t room = name.len + sl_fill_len(x, conf->location) + 2;
	char *mem = sl_arena_alloc(&x->arena, room);
	struct sl_out o;

	if (!mem)
		return -ENOMEM;
	sl_out_init(&o, mem, room);
	sl_out_str(&o, name);
	sl_fill(x, conf->location, &o);
	sl_out_lit(&o, "\r\n");
	if (o.overflow)
		return sl_reply_problem(x, 500, "redirect_failed",
					"The location could not be made.");
	return send_reply(x, &(struct reply){
				     .status = conf->status,
				     .extra = sl_out_done(&o),
				     .edit = &x->match.route->response_headers,
			     });
}

// SPDX-License-Identifier: Apache-2.0
// The life of one request, told from top to bottom.
#include "gate/exchange.h"

#include <errno.h>

#include "base/clock.h"
#include "gate/admit.h"
#include "gate/forward.h"
#include "gate/policies.h"
#include "gate/proxy.h"
#include "gate/receive.h"
#include "gate/reply.h"
#include "gate/rewrite.h"
#include "policy/seats.h"
#include "tls/records.h"

enum {
	ARENA_LIMIT_FACTOR = 16
}; /* heap that one exchange may hold, in heads of the largest size */

uint64_t sl_exchange_deadline(const struct sl_exchange *x, uint64_t timeout_ns)
{
	uint64_t deadline = sl_deadline(x->worker->loop.now_ns, timeout_ns);

	return deadline < x->deadline_ns ? deadline : x->deadline_ns;
}

uint64_t *sl_exchange_target_cells(const struct sl_exchange *x, const struct sl_target *t)
{
	return x->worker->cells + x->rules->meters->targets[t - x->view->pool.targets];
}

struct sl_head_limits sl_exchange_head_limits(const struct sl_exchange *x)
{
	const struct sl_limits *l = &x->rules->limits;

	return (struct sl_head_limits){
		.line_bytes = l->request_line_bytes,
		.head_bytes = l->header_bytes,
		.fields = (uint16_t)l->header_count,
	};
}

static int begin(struct sl_exchange *x, struct sl_client *c)
{
	struct sl_worker *w = c->worker;
	const struct sl_limits *l = &w->view->rules->limits;

	x->worker = w;
	x->client = c;
	c->exchange = x;
	x->view = sl_view_get(w->view);
	x->rules = x->view->rules;
	sl_arena_init(&x->arena, x->first_block, sizeof(x->first_block),
		      (size_t)l->header_bytes * ARENA_LIMIT_FACTOR);
	x->arena.budget = &w->loop.budget;
	x->start_ns = w->loop.now_ns;
	x->deadline_ns = sl_deadline(x->start_ns, l->total_timeout_ns);
	c->conn.until_ns = x->deadline_ns;
	x->must_close = w->is_draining;
	sl_count(&w->stats->requests_active, 1);
	x->req.fields = sl_arena_alloc(&x->arena, l->header_count * sizeof(struct sl_field));
	x->resp.fields = sl_arena_alloc(&x->arena, l->header_count * sizeof(struct sl_field));
	return x->req.fields && x->resp.fields ? 0 : -ENOMEM;
}

static int refuse_head(struct sl_exchange *x)
{
	x->must_close = true;
	x->offence = "malformed";
	x->detail = x->req.error;
	sl_count(&x->worker->stats->requests_bad, 1);
	return sl_reply_problem(x, x->req.error_status, "bad_request", x->req.error);
}

/* There is no request, but a client that is too slow, or wrong, is told so. */
static int give_up_receiving(struct sl_exchange *x, int error)
{
	x->must_close = true;
	if (error == -EBADMSG)
		return refuse_head(x);
	if (error == -ETIMEDOUT)
		return sl_reply_problem(x, 408, "header_timeout",
					"The request did not arrive in time.");
	if (error == -ENOMEM)
		return sl_reply_problem(x, 503, "memory", "The gateway is out of memory.");
	return error;
}

static int receive_request(struct sl_exchange *x)
{
	struct sl_head_limits limits = sl_exchange_head_limits(x);
	int ret;

	ret = sl_head_receive(&x->client->conn, SL_HEAD_REQUEST, &x->req, &limits, SL_METHOD_OTHER,
			      &x->arena,
			      sl_exchange_deadline(x, x->rules->limits.header_timeout_ns));
	if (ret < 0) {
		x->req.fields_nr = 0; /* nothing that a refused head says is believed */
		sl_forward_find_client(x);
		sl_forward_find_id(x);
		return give_up_receiving(x, ret) < 0 ? ret : -EBADMSG;
	}
	x->req_len = (size_t)ret;
	sl_body_init(&x->req_body, &x->client->conn, &x->req);
	x->must_close |= !x->req.keep_alive;
	x->client->requests++;
	sl_forward_find_client(x);
	sl_forward_find_id(x);
	return 0;
}

static int normalise_target(struct sl_exchange *x, const char **ret_why)
{
	char *mem;

	if (x->req.form == SL_TARGET_ASTERISK) {
		x->uri.path = x->req.target;
		return 0;
	}
	mem = sl_arena_alloc(&x->arena, SL_URI_ROOM(x->req.target.len));
	return mem ? sl_uri_normalize(x->req.target, x->rules->encoded_slash, mem, &x->uri, ret_why)
		   : -ENOMEM;
}

static bool is_for_us(const struct sl_exchange *x)
{
	const struct sl_field *f;

	if (x->req.method_id != SL_METHOD_OPTIONS)
		return false;
	if (x->req.form == SL_TARGET_ASTERISK)
		return true;
	f = sl_head_find(&x->req, SL_FIELD_MAX_FORWARDS);
	return f && sl_str_eq(sl_field_value(f), SL_S("0"));
}

static bool is_seen(const void *x, const struct sl_field *f)
{
	return sl_forward_is_passed_on(x, f);
}

struct sl_route_request sl_exchange_route_request(const struct sl_exchange *x)
{
	return (struct sl_route_request){
		.host = x->req.host,
		.path = x->uri.path,
		.query = x->uri.query,
		.method = x->req.method_id,
		.fields = x->req.fields,
		.fields_nr = x->req.fields_nr,
		.is_seen = is_seen,
		.context = x,
	};
}

static enum sl_route_result find_route(struct sl_exchange *x)
{
	struct sl_route_request req = sl_exchange_route_request(x);

	req.scratch = x->worker->regex_scratch;
	return sl_route_find(x->rules->table, &req, &x->match);
}

static int act(struct sl_exchange *x)
{
	const struct sl_route *r = x->match.route;
	const struct sl_refusal *refusal;

	if (r->policies_nr) {
		refusal = sl_policies_ask(x);
		if (refusal)
			return sl_reply_refusal(x, refusal);
	}
	switch (r->action) {
	case SL_ROUTE_RESPOND:
		return sl_reply_respond(x, &r->respond);
	case SL_ROUTE_REDIRECT:
		return sl_reply_redirect(x, &r->redirect);
	case SL_ROUTE_UPSTREAM:
		break;
	}
	if (sl_rewrite_target(x) < 0)
		return sl_reply_problem(x, 500, "rewrite_failed",
					"The path could not be rewritten.");
	return sl_proxy_run(x);
}

static int refuse_target(struct sl_exchange *x, int error, const char *why)
{
	if (error == -ENOMEM)
		return sl_reply_problem(x, 503, "memory", "The gateway is out of memory.");
	x->must_close = true;
	x->offence = "malformed";
	x->detail = why;
	sl_count(&x->worker->stats->requests_bad, 1);
	return sl_reply_problem(x, 400, "bad_target", why);
}

static int keep_out(struct sl_exchange *x, const char *why)
{
	x->is_kept_out = true;
	return sl_reply_problem(x, 403, why, "This client is not let in.");
}

static int serve(struct sl_exchange *x)
{
	const char *why = NULL;
	int ret;

	why = sl_admit_request(x);
	if (why)
		return keep_out(x, why);
	if (x->req.method_id ==
	    SL_METHOD_TRACE) /* it would show what proxies added: RFC 9110 9.3.8 */
		return sl_reply_problem(x, 501, "trace", "TRACE is not served here.");
	x->body_limit = x->rules->limits.body_bytes;
	if (x->req.body == SL_BODY_LENGTH && x->body_limit && x->req.body_len > x->body_limit)
		return sl_reply_problem(x, 413, "body_too_large", "The request body is too large.");
	ret = normalise_target(x, &why);
	if (ret < 0)
		return refuse_target(x, ret, why);
	x->asked = x->uri;
	if (is_for_us(x))
		return sl_reply_options(x);
	switch (find_route(x)) {
	case SL_ROUTE_FOUND:
		return act(x);
	case SL_ROUTE_METHOD:
		return sl_reply_method_not_allowed(x, x->match.allowed);
	case SL_ROUTE_GAVE_UP:
		sl_count(&x->worker->stats->requests_bad, 1);
		return sl_reply_problem(x, 400, "route_gave_up",
					"Finding the route of this request takes too long.");
	case SL_ROUTE_NONE:
		break;
	}
	return sl_reply_problem(x, 404, "no_route", "No route takes this host and path.");
}

static void count_status(struct sl_stats *s, unsigned status)
{
	uint64_t *const by_class[] = { &s->responses_2xx, &s->responses_3xx, &s->responses_4xx,
				       &s->responses_5xx };

	if (status >= 200 && status < 600)
		sl_count(by_class[status / 100 - 2], 1);
	else if (status == 101)
		sl_count(&s->responses_1xx, 1);
}

/* A tunnel is not timed: it lasts as long as both sides like. */
static void count_route(const struct sl_exchange *x)
{
	const struct sl_meters *m = x->rules->meters;
	const struct sl_route *r = x->match.route;
	uint64_t *cells = x->worker->cells + (r ? m->routes[r - x->rules->routes] : m->no_route);
	unsigned class = x->status / 100u - 1;

	if (class < SL_ROUTE_CLASSES)
		sl_count(&cells[class], 1);
	if (x->status != 101)
		sl_metrics_observe(&cells[SL_ROUTE_DURATION], x->worker->loop.now_ns - x->start_ns);
}

static struct sl_str field_or_none(const struct sl_exchange *x, enum sl_field_id id)
{
	const struct sl_field *f = sl_head_find(&x->req, id);

	return f ? sl_field_value(f) : (struct sl_str){ NULL, 0 };
}

/* As it was asked, not as it was rewritten.  A target that was refused before it was normalised is
 * cut the same way: secrets are looked for in queries. */
static struct sl_uri logged_uri(const struct sl_exchange *x)
{
	struct sl_str target = x->req.target;
	const char *question;

	if (x->asked.path.len || !target.len)
		return x->asked;
	question = memchr(target.ptr, '?', target.len);
	if (!question)
		return (struct sl_uri){ .path = target };
	return (struct sl_uri){
		.path = { target.ptr, (size_t)(question - target.ptr) },
		.query = { question + 1, target.len - (size_t)(question - target.ptr) - 1 },
	};
}

static void describe_tls(const struct sl_tls *tls, struct sl_access *a)
{
	struct sl_tls_facts facts;

	sl_tls_describe(tls, &facts);
	a->tls_version = facts.version;
	a->tls_cipher = facts.cipher;
	a->tls_name = facts.name;
	a->tls_ja4 = facts.ja4;
	a->is_tls_resumed = facts.is_resumed;
	if (!facts.client)
		return;
	a->tls_client = facts.client->subject;
	a->tls_client_issuer = facts.client->issuer;
	a->tls_client_serial = facts.client->serial;
	a->tls_client_print = facts.client->fingerprint;
	a->tls_client_san = facts.client->san;
}

/* Who comes by a unix socket has no address: as nginx has it. */
static struct sl_str logged_client(const struct sl_exchange *x)
{
	static const struct sl_ip none;

	return memcmp(&x->client_ip, &none, sizeof(none)) == 0 ? SL_S("unix:") : x->client_text;
}

static void write_log(struct sl_exchange *x)
{
	struct sl_worker *w = x->worker;
	struct sl_uri uri = logged_uri(x);
	struct sl_access a = {
		.request_id = x->id,
		.method = x->req.method,
		.host = x->req.authority,
		.path = uri.path,
		.query = uri.query,
		.route = sl_str_of(x->match.route ? x->match.route->name : ""),
		.upstream = sl_str_of(x->upstream_name ? x->upstream_name : ""),
		.user_agent = field_or_none(x, SL_FIELD_USER_AGENT),
		.referer = field_or_none(x, SL_FIELD_REFERER),
		.error = x->error,
		.detail = x->error ? x->detail : NULL,
		.client = logged_client(x),
		.client_port = x->client->port,
		.status = x->status,
		.minor = x->req.minor,
		.bytes_received = x->bytes_received,
		.bytes_sent = x->bytes_sent,
		.duration_us = (w->loop.now_ns - x->start_ns) / SL_US,
		.upstream_us = x->upstream_ns / SL_US,
		.upstream_status = x->resp.status,
		.consumer = sl_str_of(x->consumer ? x->consumer->name : ""),
		.is_punished = x->is_punished,
	};

	if (x->client->tls)
		describe_tls(x->client->tls, &a);
	sl_accesslog_add(&w->log, &a);
}

static void end(struct sl_exchange *x)
{
	struct sl_stats *s = x->worker->stats;

	sl_uncount(&s->requests_active, 1);
	if (__builtin_expect(x->offence != NULL, 0))
		sl_admit_failed(x);
	if (x->status) {
		sl_count(&s->requests, 1);
		sl_count(&s->bytes_received, x->bytes_received);
		sl_count(&s->bytes_sent, x->bytes_sent);
		count_status(s, x->status);
		count_route(x);
		write_log(x);
	}
	for (unsigned i = 0; i < x->seats_nr; i++)
		sl_seats_leave(x->seats[i]);
	sl_body_consume(&x->req_body);
	sl_conn_release(&x->client->conn);
	x->client->exchange = NULL;
	sl_arena_fini(&x->arena);
	sl_view_put(x->view);
}

/* The parser points to nothing before it has begun; what a refusal and its log line need is set
 * here. */
static void clear(struct sl_exchange *x)
{
	memset(x, 0, offsetof(struct sl_exchange, id_mem));
}

/* Unread request bytes: refused heads, and bodies that were not wanted.  After a cut answer there
 * must be no orderly end: it would make the answer look complete. */
static bool may_be_sending(const struct sl_exchange *x)
{
	if (!x->status || x->is_cut)
		return false;
	return !x->req_len || !x->req_body.is_complete || x->req_body.has_trailers_left ||
	       (x->must_close && sl_conn_has_unread(&x->client->conn));
}

bool sl_exchange_run(struct sl_client *c)
{
	struct sl_exchange x;
	int ret;

	clear(&x);
	ret = begin(&x, c);
	if (ret == 0)
		ret = receive_request(&x);
	if (ret == 0)
		ret = serve(&x);
	if (ret < 0)
		x.must_close = true;
	c->lingers = may_be_sending(&x);
	end(&x);
	return !x.must_close;
}

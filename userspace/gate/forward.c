// SPDX-License-Identifier: Apache-2.0
// Writes the heads that leave us.
#include "gate/forward.h"

#include "gate/certificate.h"
#include "gate/edit.h"
#include "gate/policies.h"
#include "gate/rewrite.h"
#include "observe/clock.h"
#include "tls/shown.h"

static void put_field(struct sl_out *o, const struct sl_field *f)
{
	/* Name, colon and value lie together as they came; the parser has seen each of these bytes.
	 */
	sl_out_mem(o, f->name, f->name_len);
	sl_out_lit(o, ": ");
	sl_out_mem(o, f->value, f->value_len);
	sl_out_lit(o, "\r\n");
}

static void put_pair(struct sl_out *o, struct sl_str name, struct sl_str value)
{
	sl_out_str(o, name);
	sl_out_lit(o, ": ");
	sl_out_str(o, value);
	sl_out_lit(o, "\r\n");
}

bool sl_forward_is_tunnel(const struct sl_exchange *x)
{
	return x->req.is_upgrade && x->req.body == SL_BODY_NONE &&
	       sl_str_ieq(x->req.upgrade, SL_S("websocket"));
}

/* ---- who the client is ---- */

/* Some proxies write the port too, and then IPv6 in brackets, which others write always. */
static bool parse_hop(struct sl_str item, struct sl_ip *ret_ip)
{
	struct sl_addr addr;

	if (sl_ip_parse(item, ret_ip) == 0)
		return true;
	if (item.len > 2 && item.ptr[0] == '[' && item.ptr[item.len - 1] == ']')
		return sl_ip_parse((struct sl_str){ item.ptr + 1, item.len - 2 }, ret_ip) == 0;
	if (sl_addr_parse(item, &addr) < 0 || addr.sa.sa_family == AF_UNIX)
		return false;
	*ret_ip = sl_addr_ip(&addr);
	return true;
}

/* From the right: each proxy appended the address that it saw, so the first that we do not trust is
 * the last that somebody we trust has seen. */
static void walk_back(struct sl_exchange *x, struct sl_str list)
{
	const struct sl_forwarded *fw = &x->rules->forwarded;

	while (list.len > 0) {
		const char *comma = memrchr(list.ptr, ',', list.len);
		size_t from = comma ? (size_t)(comma - list.ptr) + 1 : 0;
		struct sl_str item =
			sl_str_trim((struct sl_str){ list.ptr + from, list.len - from });
		struct sl_ip ip;

		if (!parse_hop(item, &ip))
			return;
		x->client_ip = ip;
		if (!sl_nets_have(fw->trusted_proxies, fw->trusted_proxies_nr, &ip))
			return;
		list.len = comma ? from - 1 : 0;
	}
}

/* Several X-Forwarded-For lines are one list (RFC 9110 5.2); the last line holds its end. */
static void walk_all_back(struct sl_exchange *x)
{
	const struct sl_forwarded *fw = &x->rules->forwarded;
	const struct sl_field *f;

	for (unsigned i = x->req.fields_nr; i-- > 0;) {
		f = &x->req.fields[i];
		if (f->id != SL_FIELD_X_FORWARDED_FOR)
			continue;
		walk_back(x, sl_field_value(f));
		if (!sl_nets_have(fw->trusted_proxies, fw->trusted_proxies_nr, &x->client_ip))
			return;
	}
}

void sl_forward_find_client(struct sl_exchange *x)
{
	const struct sl_forwarded *fw = &x->rules->forwarded;
	struct sl_out o;

	x->client_ip = x->client->ip;
	x->is_peer_trusted =
		fw->trusted_proxies_nr > 0 &&
		sl_nets_have(fw->trusted_proxies, fw->trusted_proxies_nr, &x->client->ip);
	if (x->is_peer_trusted)
		walk_all_back(x);
	sl_out_init(&o, x->client_mem, sizeof(x->client_mem));
	sl_ip_print(&o, &x->client_ip);
	x->client_text = sl_out_done(&o);
}

static uint64_t mix(uint64_t v)
{
	/* splitmix64's finaliser: neighbours in, strangers out. */
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
	v = (v ^ v >> 27) * 0x94d049bb133111ebull;
	return v ^ v >> 31;
}

void sl_forward_find_id(struct sl_exchange *x)
{
	const struct sl_field *f = NULL;
	struct sl_out o;

	if (x->is_peer_trusted)
		f = sl_head_find(&x->req, SL_FIELD_X_REQUEST_ID);
	if (f && f->value_len <= SL_REQUEST_ID_MAX && sl_is_token(sl_field_value(f))) {
		x->id = sl_field_value(f);
		return;
	}
	sl_out_init(&o, x->id_mem, sizeof(x->id_mem));
	sl_out_hex_fixed(&o, x->worker->id_high, 16);
	sl_out_hex_fixed(&o, mix(x->worker->id_high ^ ++x->worker->id_low), 16);
	x->id = sl_out_done(&o);
}

/* ---- towards the upstream ---- */

static enum sl_forward_mode mode_of(const struct sl_exchange *x, enum sl_field_id id)
{
	const struct sl_forwarded *fw = &x->rules->forwarded;

	return id == SL_FIELD_FORWARDED ? fw->forwarded : fw->x_forwarded;
}

/* What a stranger says about who it is goes no further. */
static bool is_believed(const struct sl_exchange *x, enum sl_field_id id)
{
	enum sl_forward_mode mode = mode_of(x, id);

	return mode == SL_FORWARD_PASS || (mode == SL_FORWARD_APPEND && x->is_peer_trusted);
}

/* What some origins take for one of the fields above: CGI and its heirs read "X_Real_IP" and
 * "X-Real-IP" as one name (RFC 3875 4.1.18), and "Proxy" as the name of a proxy to use. */
static bool is_in_disguise(const struct sl_field *f)
{
	static const struct sl_str family = SL_STR("x-forwarded-");
	char mem[32];
	struct sl_str name = { mem, f->name_len < sizeof(mem) ? f->name_len : sizeof(mem) };

	if (sl_lower(f->name[0]) != 'x' && sl_lower(f->name[0]) != 'p')
		return false;
	for (size_t i = 0; i < name.len; i++)
		mem[i] = f->name[i] == '_' ? '-' : sl_lower(f->name[i]);
	return sl_str_starts(name, family) || sl_str_eq(name, SL_S("x-real-ip")) ||
	       sl_str_eq(name, SL_S("x-request-id")) || sl_str_eq(name, SL_S("proxy"));
}

/* What nobody but us tells upstreams. */
static bool is_ours(const struct sl_field *f)
{
	struct sl_str name = { f->name, f->name_len };

	return sl_lower(f->name[0]) == 'x' &&
	       (sl_tls_client_is_field(name) || sl_consumer_is_field(name));
}

/* Fields that we write ourselves, or that are for us only. */
bool sl_forward_is_passed_on(const struct sl_exchange *x, const struct sl_field *f)
{
	if (f->is_hop)
		return false;
	switch ((enum sl_field_id)f->id) {
	case SL_FIELD_HOST:
	case SL_FIELD_CONTENT_LENGTH:
	case SL_FIELD_X_REQUEST_ID:
		return false;
	case SL_FIELD_EXPECT:
		return x->req.expect_continue && x->req.body != SL_BODY_NONE;
	case SL_FIELD_X_FORWARDED_FOR: /* merged into one line below */
		return mode_of(x, f->id) == SL_FORWARD_PASS;
	case SL_FIELD_X_FORWARDED_HOST:
	case SL_FIELD_X_FORWARDED_PORT:
	case SL_FIELD_X_FORWARDED_PROTO:
	case SL_FIELD_X_REAL_IP:
		return is_believed(x, f->id);
	case SL_FIELD_FORWARDED:
		return mode_of(x, f->id) == SL_FORWARD_PASS;
	case SL_FIELD_MAX_FORWARDS:
		return x->req.method_id != SL_METHOD_OPTIONS;
	case SL_FIELD_OTHER:
		return !is_ours(f) &&
		       (is_believed(x, SL_FIELD_X_FORWARDED_FOR) || !is_in_disguise(f));
	default:
		return true;
	}
}

/* "a, b, us": what came (if believed), then the peer that we saw. */
static void put_appended(struct sl_exchange *x, struct sl_out *o, struct sl_str name,
			 enum sl_field_id id)
{
	sl_out_str(o, name);
	sl_out_lit(o, ": ");
	if (!is_believed(x, id))
		return;
	for (unsigned i = 0; i < x->req.fields_nr; i++) {
		const struct sl_field *f = &x->req.fields[i];

		if (f->id != id || f->value_len == 0)
			continue;
		sl_out_mem(o, f->value, f->value_len);
		sl_out_lit(o, ", ");
	}
}

static bool has_field(const struct sl_exchange *x, enum sl_field_id id)
{
	return is_believed(x, id) && sl_head_find(&x->req, id);
}

/* The end of the connection itself, which is the client unless a trusted proxy spoke for it. */
static void put_peer(struct sl_exchange *x, struct sl_out *o)
{
	if (x->is_peer_trusted)
		sl_ip_print(o, &x->client->ip);
	else
		sl_out_str(o, x->client_text);
}

static void put_listener_port(struct sl_exchange *x, struct sl_out *o)
{
	sl_out_u64(o, sl_addr_port(&x->client->acceptor->conf->address));
}

static void put_x_forwarded(struct sl_exchange *x, struct sl_out *o)
{
	enum sl_forward_mode mode = x->rules->forwarded.x_forwarded;

	if (mode == SL_FORWARD_OFF || mode == SL_FORWARD_PASS)
		return;
	put_appended(x, o, SL_S("X-Forwarded-For"), SL_FIELD_X_FORWARDED_FOR);
	put_peer(x, o);
	sl_out_lit(o, "\r\n");
	if (!has_field(x, SL_FIELD_X_FORWARDED_PROTO))
		sl_out_str(o, x->client->tls ? SL_S("X-Forwarded-Proto: https\r\n")
					     : SL_S("X-Forwarded-Proto: http\r\n"));
	if (!has_field(x, SL_FIELD_X_FORWARDED_HOST) && x->req.authority.len)
		put_pair(o, SL_S("X-Forwarded-Host"), x->req.authority);
	if (!has_field(x, SL_FIELD_X_FORWARDED_PORT)) {
		sl_out_lit(o, "X-Forwarded-Port: ");
		put_listener_port(x, o);
		sl_out_lit(o, "\r\n");
	}
	if (!has_field(x, SL_FIELD_X_REAL_IP)) {
		sl_out_lit(o, "X-Real-IP: ");
		if (mode == SL_FORWARD_REPLACE)
			put_peer(x, o);
		else
			sl_out_str(o, x->client_text);
		sl_out_lit(o, "\r\n");
	}
}

/* RFC 7239 4: an IPv6 address is quoted and bracketed, as is a host with a port. */
static void put_forwarded(struct sl_exchange *x, struct sl_out *o)
{
	enum sl_forward_mode mode = x->rules->forwarded.forwarded;
	bool plain = sl_ip_is_v4(&x->client->ip);

	if (mode == SL_FORWARD_OFF || mode == SL_FORWARD_PASS)
		return;
	put_appended(x, o, SL_S("Forwarded"), SL_FIELD_FORWARDED);
	sl_out_str(o, plain ? SL_S("for=") : SL_S("for=\"["));
	put_peer(x, o);
	sl_out_str(o, plain ? SL_S(";proto=http") : SL_S("]\";proto=http"));
	if (x->client->tls)
		sl_out_char(o, 's');
	if (x->req.authority.len) {
		sl_out_lit(o, ";host=\"");
		sl_out_str(o, x->req.authority);
		sl_out_char(o, '"');
	}
	sl_out_lit(o, "\r\n");
}

/* RFC 9110 7.6.2: one hop less; 0 was answered before it came here. */
static void put_max_forwards(struct sl_exchange *x, struct sl_out *o)
{
	const struct sl_field *f = sl_head_find(&x->req, SL_FIELD_MAX_FORWARDS);
	uint64_t n = 0;

	if (!f || x->req.method_id != SL_METHOD_OPTIONS || f->value_len == 0 || f->value_len > 9)
		return;
	for (unsigned i = 0; i < f->value_len; i++) {
		if (f->value[i] < '0' || f->value[i] > '9')
			return;
		n = n * 10 + (uint64_t)(f->value[i] - '0');
	}
	sl_out_lit(o, "Max-Forwards: ");
	sl_out_u64(o, n > 0 ? n - 1 : 0);
	sl_out_lit(o, "\r\n");
}

static void put_target(struct sl_exchange *x, struct sl_out *o)
{
	sl_out_str(o, x->uri.path);
	if (x->uri.query.ptr) {
		sl_out_char(o, '?');
		sl_out_str(o, x->uri.query);
	}
}

static void put_length(struct sl_out *o, uint64_t length)
{
	sl_out_lit(o, "Content-Length: ");
	sl_out_u64(o, length);
	sl_out_lit(o, "\r\n");
}

static void put_request_framing(struct sl_exchange *x, struct sl_out *o)
{
	if (x->req.body == SL_BODY_CHUNKED)
		sl_out_lit(o, "Transfer-Encoding: chunked\r\n");
	else if (x->req.body == SL_BODY_LENGTH)
		put_length(o, x->req.body_len);
	else if (sl_head_find(&x->req, SL_FIELD_CONTENT_LENGTH))
		put_length(o, 0);
	if (sl_forward_is_tunnel(x))
		sl_out_lit(o, "Connection: upgrade\r\nUpgrade: websocket\r\n");
}

/* NULL for a route that changes nothing, as most do. */
static const struct sl_header_edit *edit_or_none(const struct sl_header_edit *edit)
{
	return sl_edit_is_empty(edit) ? NULL : edit;
}

static bool is_dropped(const struct sl_header_edit *edit, const struct sl_field *f)
{
	return edit && sl_edit_drops(edit, (struct sl_str){ f->name, f->name_len });
}

size_t sl_forward_extra_len(const struct sl_exchange *x, const struct sl_header_edit *edit)
{
	return x->match.route->rewrite_host.len + sl_certificate_fields(x).len +
	       sl_policies_fields_len(x) + (sl_edit_is_empty(edit) ? 0 : sl_edit_len(x, edit));
}

void sl_forward_request(struct sl_exchange *x, struct sl_out *o)
{
	const struct sl_header_edit *edit = edit_or_none(&x->match.route->request_headers);

	sl_out_str(o, x->req.method);
	sl_out_char(o, ' ');
	put_target(x, o);
	sl_out_lit(o, " HTTP/1.1\r\n");
	put_pair(o, SL_S("Host"), sl_rewrite_host(x));
	for (unsigned i = 0; i < x->req.fields_nr; i++)
		if (sl_forward_is_passed_on(x, &x->req.fields[i]) &&
		    !is_dropped(edit, &x->req.fields[i]))
			put_field(o, &x->req.fields[i]);
	if (edit)
		sl_edit_put(x, edit, o);
	put_max_forwards(x, o);
	put_x_forwarded(x, o);
	put_forwarded(x, o);
	sl_out_str(o, sl_certificate_fields(x));
	if (x->match.route->policies_nr)
		sl_policies_put_consumer(x, o);
	if (x->rules->forwarded.via)
		sl_out_str(o, x->req.minor ? SL_S("Via: 1.1 sluice\r\n")
					   : SL_S("Via: 1.0 sluice\r\n"));
	put_pair(o, SL_S("X-Request-Id"), x->id);
	put_request_framing(x, o);
	sl_out_lit(o, "\r\n");
}

/* ---- towards the client ---- */

enum sl_framing sl_forward_framing(const struct sl_exchange *x)
{
	if (x->resp.body == SL_BODY_LENGTH || x->resp.body == SL_BODY_NONE)
		return SL_FRAMING_LENGTH;
	return x->req.minor ? SL_FRAMING_CHUNKED : SL_FRAMING_UNTIL_CLOSE;
}

/* RFC 9110 8.6: HEAD and 304 tell the length of what they leave out; 1xx and 204 tell none. */
static void put_response_framing(struct sl_exchange *x, struct sl_out *o)
{
	const struct sl_field *length;

	switch (x->resp.body) {
	case SL_BODY_LENGTH:
		put_length(o, x->resp.body_len);
		return;
	case SL_BODY_CHUNKED:
	case SL_BODY_UNTIL_CLOSE:
		if (x->req.minor)
			sl_out_lit(o, "Transfer-Encoding: chunked\r\n");
		return;
	case SL_BODY_NONE:
		break;
	}
	if (x->resp.status < 200 || x->resp.status == 204)
		return;
	if (x->req.method_id != SL_METHOD_HEAD && x->resp.status != 304) {
		put_length(o, 0);
		return;
	}
	length = sl_head_find(&x->resp, SL_FIELD_CONTENT_LENGTH);
	if (length)
		put_field(o, length);
}

static void put_connection(struct sl_exchange *x, struct sl_out *o)
{
	if (x->must_close)
		sl_out_lit(o, "Connection: close\r\n");
	else if (!x->req.minor)
		sl_out_lit(o, "Connection: keep-alive\r\n");
}

static void put_status_line(struct sl_exchange *x, struct sl_out *o)
{
	sl_out_lit(o, "HTTP/1.1 ");
	sl_out_u64(o, x->resp.status);
	sl_out_char(o, ' ');
	sl_out_str(o, x->resp.reason);
	sl_out_lit(o, "\r\n");
}

static bool is_answer_passed_on(const struct sl_header_edit *edit, const struct sl_field *f)
{
	return !f->is_hop && f->id != SL_FIELD_CONTENT_LENGTH && !is_dropped(edit, f);
}

static bool is_of_cors(const struct sl_field *f)
{
	const struct sl_str prefix = SL_STR("access-control-");

	return f->name_len > prefix.len &&
	       sl_str_ieq((struct sl_str){ f->name, prefix.len }, prefix);
}

static void put_response_fields(struct sl_exchange *x, struct sl_out *o,
				const struct sl_header_edit *edit)
{
	for (unsigned i = 0; i < x->resp.fields_nr; i++) {
		const struct sl_field *f = &x->resp.fields[i];

		if (is_answer_passed_on(edit, f) && !(x->owns_cors && is_of_cors(f)))
			put_field(o, f);
	}
	if (edit && (x->resp.status == 101 || x->resp.status >= 200))
		sl_edit_put(x, edit, o);
}

void sl_forward_response(struct sl_exchange *x, struct sl_out *o)
{
	struct sl_worker *w = x->worker;

	put_status_line(x, o);
	put_response_fields(x, o, edit_or_none(&x->match.route->response_headers));
	/* RFC 9110 6.6.1: whoever has a clock adds what the origin left out. */
	if (!sl_head_find(&x->resp, SL_FIELD_DATE))
		put_pair(o, SL_S("Date"), sl_wall_date(&w->wall, w->loop.now_ns));
	if (x->rules->forwarded.via)
		sl_out_lit(o, "Via: 1.1 sluice\r\n");
	sl_out_str(o, x->set_cookie);
	sl_out_str(o, x->policy_fields);
	put_response_framing(x, o);
	put_connection(x, o);
	sl_out_lit(o, "\r\n");
}

void sl_forward_interim(struct sl_exchange *x, struct sl_out *o)
{
	put_status_line(x, o);
	put_response_fields(x, o, edit_or_none(&x->match.route->response_headers));
	if (x->resp.status == 101) {
		sl_out_str(o, x->set_cookie);
		sl_out_str(o, x->policy_fields);
		sl_out_lit(o, "Connection: upgrade\r\nUpgrade: websocket\r\n");
	}
	sl_out_lit(o, "\r\n");
}

bool sl_forward_is_trailer(const struct sl_exchange *x, bool is_request, const struct sl_field *f)
{
	const struct sl_route *route = x->match.route;

	if (is_request)
		return sl_forward_is_passed_on(x, f) &&
		       !is_dropped(edit_or_none(&route->request_headers), f);
	return is_answer_passed_on(edit_or_none(&route->response_headers), f);
}

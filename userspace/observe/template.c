// SPDX-License-Identifier: Apache-2.0
// Log lines that a template describes: its variables, how it is compiled, how it is printed.
#include "observe/template.h"

#include <errno.h>

struct line {
	const struct sl_access *a;
	const struct sl_redact *redact;
	struct sl_wall *wall;
	uint64_t now_ns;
};

struct variable {
	const char *name;
	void (*print)(const struct line *l, struct sl_out *o);
};

/* variable NULL: the piece's own text. */
struct sl_log_piece {
	const struct variable *variable;
	struct sl_str text;
};

/* ---- the variables ---- */

static void put_or_dash(struct sl_out *o, struct sl_str s)
{
	sl_out_escaped(o, s.len ? s : SL_S("-"));
}

#define TEXT_OF(field)                                                                             \
	static void put_##field(const struct line *l, struct sl_out *o)                            \
	{                                                                                          \
		put_or_dash(o, l->a->field);                                                       \
	}
#define NUMBER_OF(field)                                                                           \
	static void put_##field(const struct line *l, struct sl_out *o)                            \
	{                                                                                          \
		sl_out_u64(o, l->a->field);                                                        \
	}

TEXT_OF(client)
TEXT_OF(consumer)
TEXT_OF(request_id)
TEXT_OF(method)
TEXT_OF(host)
TEXT_OF(path)
TEXT_OF(route)
TEXT_OF(upstream)
TEXT_OF(user_agent)
TEXT_OF(tls_version)
TEXT_OF(tls_cipher)
TEXT_OF(tls_name)
TEXT_OF(tls_ja4)
TEXT_OF(tls_client)
TEXT_OF(tls_client_issuer)
TEXT_OF(tls_client_serial)
TEXT_OF(tls_client_print)
TEXT_OF(tls_client_san)
NUMBER_OF(client_port)
NUMBER_OF(status)
NUMBER_OF(bytes_received)
NUMBER_OF(bytes_sent)

static void put_query(const struct line *l, struct sl_out *o)
{
	if (l->a->query.len)
		sl_redact_print(l->redact, o, l->a->query, sl_out_escaped);
	else
		sl_out_char(o, '-');
}

static void put_referer(const struct line *l, struct sl_out *o)
{
	if (l->a->referer.len)
		sl_redact_print_uri(l->redact, o, l->a->referer, sl_out_escaped);
	else
		sl_out_char(o, '-');
}

static void put_error(const struct line *l, struct sl_out *o)
{
	put_or_dash(o, sl_str_of(l->a->error ? l->a->error : "-"));
}

static void put_detail(const struct line *l, struct sl_out *o)
{
	put_or_dash(o, sl_str_of(l->a->detail ? l->a->detail : "-"));
}

/* Nobody is asked for a name yet; the column is there for whoever reads the common formats. */
static void put_protocol(const struct line *l, struct sl_out *o)
{
	sl_out_str(o, l->a->minor ? SL_S("HTTP/1.1") : SL_S("HTTP/1.0"));
}

static void put_scheme(const struct line *l, struct sl_out *o)
{
	sl_out_str(o, l->a->tls_version.len ? SL_S("https") : SL_S("http"));
}

/* As nginx has it: '.' for a session that is new. */
static void put_tls_resumed(const struct line *l, struct sl_out *o)
{
	if (l->a->tls_version.len)
		sl_out_char(o, l->a->is_tls_resumed ? 'r' : '.');
	else
		sl_out_char(o, '-');
}

/* Whose certificate is not good sends no request. */
static void put_tls_verified(const struct line *l, struct sl_out *o)
{
	if (l->a->tls_version.len)
		sl_out_str(o, l->a->tls_client_print.len ? SL_S("SUCCESS") : SL_S("NONE"));
	else
		sl_out_char(o, '-');
}

static void put_uri(const struct line *l, struct sl_out *o)
{
	put_or_dash(o, l->a->path);
	if (!l->a->query.len)
		return;
	sl_out_char(o, '?');
	sl_redact_print(l->redact, o, l->a->query, sl_out_escaped);
}

/* Of a head that was refused there may be nothing to show. */
static void put_request(const struct line *l, struct sl_out *o)
{
	if (!l->a->method.len) {
		sl_out_char(o, '-');
		return;
	}
	sl_out_escaped(o, l->a->method);
	sl_out_char(o, ' ');
	put_uri(l, o);
	sl_out_char(o, ' ');
	put_protocol(l, o);
}

/* With three digits behind the point, as nginx has them. */
static void put_seconds(struct sl_out *o, uint64_t us)
{
	sl_out_u64(o, us / 1000000);
	sl_out_char(o, '.');
	sl_out_char(o, (char)('0' + us / 100000 % 10));
	sl_out_char(o, (char)('0' + us / 10000 % 10));
	sl_out_char(o, (char)('0' + us / 1000 % 10));
}

static void put_duration(const struct line *l, struct sl_out *o)
{
	put_seconds(o, l->a->duration_us);
}

static void put_upstream_time(const struct line *l, struct sl_out *o)
{
	if (l->a->upstream.len)
		put_seconds(o, l->a->upstream_us);
	else
		sl_out_char(o, '-');
}

static void put_upstream_status(const struct line *l, struct sl_out *o)
{
	if (l->a->upstream_status)
		sl_out_u64(o, l->a->upstream_status);
	else
		sl_out_char(o, '-');
}

static void put_epoch(const struct line *l, struct sl_out *o)
{
	sl_wall_print_epoch(l->wall, l->now_ns, o);
}

static void put_iso(const struct line *l, struct sl_out *o)
{
	sl_wall_print_iso(l->wall, l->now_ns, o);
}

static void put_clf(const struct line *l, struct sl_out *o)
{
	sl_out_str(o, sl_wall_clf(l->wall, l->now_ns));
}

/* The names are nginx's wherever it has one for the same thing. */
static const struct variable variables[] = {
	/* clang-format off */
	{ "args",                   put_query },
	{ "body_bytes_sent",        put_bytes_sent },
	{ "bytes_received",         put_bytes_received },
	{ "consumer",               put_consumer },
	{ "error",                  put_error },
	{ "error_detail",           put_detail },
	{ "host",                   put_host },
	{ "http_referer",           put_referer },
	{ "http_user_agent",        put_user_agent },
	{ "msec",                   put_epoch },
	{ "remote_addr",            put_client },
	{ "remote_port",            put_client_port },
	{ "remote_user",            put_consumer },
	{ "request",                put_request },
	{ "request_id",             put_request_id },
	{ "request_method",         put_method },
	{ "request_time",           put_duration },
	{ "request_uri",            put_uri },
	{ "route",                  put_route },
	{ "scheme",                 put_scheme },
	{ "server_protocol",        put_protocol },
	{ "ssl_cipher",             put_tls_cipher },
	{ "ssl_client_i_dn",        put_tls_client_issuer },
	{ "ssl_client_s_dn",        put_tls_client },
	{ "ssl_client_san",         put_tls_client_san },
	{ "ssl_client_serial",      put_tls_client_serial },
	{ "ssl_client_sha256",      put_tls_client_print },
	{ "ssl_client_verify",      put_tls_verified },
	{ "ssl_ja4",                put_tls_ja4 },
	{ "ssl_protocol",           put_tls_version },
	{ "ssl_server_name",        put_tls_name },
	{ "ssl_session_reused",     put_tls_resumed },
	{ "status",                 put_status },
	{ "time_iso8601",           put_iso },
	{ "time_local",             put_clf },
	{ "upstream_addr",          put_upstream },
	{ "upstream_response_time", put_upstream_time },
	{ "upstream_status",        put_upstream_status },
	{ "uri",                    put_path },
	/* clang-format on */
};

enum { VARIABLES_NR = sizeof(variables) / sizeof(*variables) };

/* ---- the formats that have a name ---- */

const char *const sl_log_formats[] = { "json", "combined", "common", NULL };

#define COMMON "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent"

/* In the same order; JSON is no template. */
static const struct sl_str templates[] = {
	{ NULL, 0 },
	SL_STR(COMMON " \"$http_referer\" \"$http_user_agent\""),
	SL_STR(COMMON),
};

/* ---- from text to pieces ---- */

struct parser {
	struct sl_str text; /* the template, owned by the arena */
	size_t pos;
	struct sl_log_piece pieces[SL_LOG_PIECES_MAX];
	unsigned pieces_nr;
	bool has_variable, has_ja4;
	const char *why;
	struct sl_str unknown;
};

static bool is_name_char(char c)
{
	c = sl_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static const struct variable *find_variable(struct sl_str name)
{
	for (unsigned i = 0; i < VARIABLES_NR; i++)
		if (sl_str_eq(name, sl_str_of(variables[i].name)))
			return &variables[i];
	return NULL;
}

void sl_log_variable_names(const char *ret_names[SL_LOG_VARIABLES_MAX])
{
	_Static_assert((int)VARIABLES_NR < (int)SL_LOG_VARIABLES_MAX, "one is kept for NULL");

	for (unsigned i = 0; i < VARIABLES_NR; i++)
		ret_names[i] = variables[i].name;
	ret_names[VARIABLES_NR] = NULL;
}

static bool add_piece(struct parser *p, const struct variable *variable, struct sl_str text)
{
	if (p->pieces_nr == SL_LOG_PIECES_MAX) {
		p->why = "has too many variables";
		return false;
	}
	p->pieces[p->pieces_nr++] = (struct sl_log_piece){ variable, text };
	return true;
}

/* What may follow a '$': another one, a name, or a name in braces. */
static bool parse_variable(struct parser *p)
{
	const char *at = p->text.ptr + p->pos + 1;
	size_t left = p->text.len - p->pos - 1, n = 0;
	bool is_braced = left && at[0] == '{';
	const struct variable *variable;
	struct sl_str name;

	if (left && at[0] == '$') {
		p->pos += 2;
		return add_piece(p, NULL, (struct sl_str){ at, 1 });
	}
	at += is_braced;
	left -= is_braced;
	while (n < left && is_name_char(at[n]))
		n++;
	name = (struct sl_str){ at, n };
	if (n == 0 || (is_braced && (n == left || at[n] != '}'))) {
		p->why = "has a '$' without a name; '$$' is a dollar sign";
		return false;
	}
	variable = find_variable(name);
	if (!variable) {
		p->why = "unknown variable";
		p->unknown = name;
		return false;
	}
	p->has_variable = true;
	p->has_ja4 = p->has_ja4 || variable->print == put_tls_ja4;
	p->pos += 1 + n + (is_braced ? 2 : 0);
	return add_piece(p, variable, (struct sl_str){ NULL, 0 });
}

static bool parse_text(struct parser *p)
{
	const char *at = p->text.ptr + p->pos;
	const char *dollar = memchr(at, '$', p->text.len - p->pos);
	size_t n = dollar ? (size_t)(dollar - at) : p->text.len - p->pos;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)at[i] < ' ' || at[i] == 0x7f) {
			p->why = "has a control character; a request is one line";
			return false;
		}
	p->pos += n;
	return add_piece(p, NULL, (struct sl_str){ at, n });
}

static int compile(struct sl_log_format *f, struct sl_str template_, struct sl_arena *arena,
		   struct parser *p)
{
	struct sl_log_piece *pieces;

	p->text = sl_arena_copy(arena, template_);
	if (!p->text.ptr)
		return -ENOMEM;
	while (p->pos < p->text.len)
		if (!(p->text.ptr[p->pos] == '$' ? parse_variable(p) : parse_text(p)))
			return -EINVAL;
	if (!p->has_variable)
		return -ENOENT;
	pieces = sl_arena_alloc(arena, p->pieces_nr * sizeof(*pieces));
	if (!pieces)
		return -ENOMEM;
	memcpy(pieces, p->pieces, p->pieces_nr * sizeof(*pieces));
	*f = (struct sl_log_format){
		.pieces = pieces,
		.pieces_nr = p->pieces_nr,
		.has_ja4 = p->has_ja4,
	};
	return 0;
}

int sl_log_format_parse(struct sl_log_format *f, struct sl_str text, struct sl_arena *arena,
			const char **ret_why, struct sl_str *ret_variable)
{
	struct parser p = { .pos = 0 };
	struct sl_str template_ = text;
	int ret;

	for (unsigned i = 0; sl_log_formats[i]; i++)
		if (sl_str_eq(text, sl_str_of(sl_log_formats[i])))
			template_ = templates[i];
	if (!template_.ptr) {
		*f = (struct sl_log_format){ .pieces_nr = 0 };
		return 0;
	}
	*ret_variable = (struct sl_str){ NULL, 0 };
	*ret_why = "is longer than 4096 bytes";
	if (template_.len > SL_LOG_TEMPLATE_MAX)
		return -EINVAL;
	ret = compile(f, template_, arena, &p);
	*ret_why = p.why;
	*ret_variable = p.unknown;
	return ret;
}

/* ---- printing ---- */

void sl_template_print(const struct sl_log_format *f, const struct sl_redact *redact,
		       struct sl_wall *wall, uint64_t now_ns, struct sl_out *o,
		       const struct sl_access *a)
{
	const struct line line = { .a = a, .redact = redact, .wall = wall, .now_ns = now_ns };

	for (unsigned i = 0; i < f->pieces_nr; i++) {
		const struct sl_log_piece *p = &f->pieces[i];

		if (p->variable)
			p->variable->print(&line, o);
		else
			sl_out_str(o, p->text);
	}
	sl_out_char(o, '\n');
}

// SPDX-License-Identifier: Apache-2.0
// Log lines by template: what each variable is, what cannot be compiled, and no forged lines.
#include "observe/template.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "tap.h"

enum { NOW_NS = 5 };

static struct sl_arena arena;
/* 10 October 2000, 13:55:36.042: as a clock that was just read. */
static struct sl_wall wall = {
	.valid_until_ns = SL_NEVER,
	.iso = "2000-10-10T13:55:36",
	.iso_len = 19,
	.clf = "10/Oct/2000:13:55:36 +0000",
	.clf_len = 26,
	.epoch_s = 971186136,
};
static struct sl_str secret = SL_STR("token");
static struct sl_redact redact = { .names = &secret, .names_nr = 1 };

static struct sl_access plain(void)
{
	return (struct sl_access){
		.client = SL_STR("192.0.2.7"),
		.client_port = 4711,
		.request_id = SL_STR("abc"),
		.method = SL_STR("GET"),
		.host = SL_STR("example.com"),
		.path = SL_STR("/path"),
		.query = SL_STR("query&token=x"),
		.consumer = SL_STR("acme"),
		.route = SL_STR("r"),
		.upstream = SL_STR("127.0.0.1:1"),
		.user_agent = SL_STR("agent"),
		.referer = SL_STR("http://r/?token=x"),
		.error = "oops",
		.detail = "refused",
		.upstream_status = 503,
		.status = 200,
		.minor = 1,
		.bytes_received = 17,
		.bytes_sent = 2326,
		.duration_us = 1002999,
		.upstream_us = 999,
		.tls_version = SL_STR("TLSv1.3"),
		.tls_cipher = SL_STR("CIPHER"),
		.tls_name = SL_STR("sni.example"),
		.tls_ja4 = SL_STR("t13d"),
		.tls_client = SL_STR("CN=c"),
		.tls_client_issuer = SL_STR("CN=i"),
		.tls_client_serial = SL_STR("0A"),
		.tls_client_print = SL_STR("ab12"),
		.tls_client_san = SL_STR("DNS:c, IP:::1"),
		.is_tls_resumed = true,
	};
}

static struct sl_str line(const char *template_, const struct sl_access *a)
{
	static char mem[8192];
	struct sl_log_format f;
	struct sl_str variable;
	const char *why;
	struct sl_out o;
	int ret = sl_log_format_parse(&f, sl_str_of(template_), &arena, &why, &variable);

	is_int(ret, 0, "%s: is compiled", template_);
	sl_out_init(&o, mem, sizeof(mem));
	if (ret == 0)
		sl_log_format_print(&f, &redact, &wall, NOW_NS + 42 * SL_MS, &o, a);
	ok(sl_out_len(&o) && o.pos[-1] == '\n', "%s: its end is a line's", template_);
	return (struct sl_str){ mem, sl_out_len(&o) - 1 };
}

static const struct {
	const char *name, *full, *empty;
} variables[] = {
	{ "args", "query&token=REDACTED", "-" },
	{ "body_bytes_sent", "2326", "0" },
	{ "bytes_received", "17", "0" },
	{ "consumer", "acme", "-" },
	{ "error", "oops", "-" },
	{ "error_detail", "refused", "-" },
	{ "host", "example.com", "-" },
	{ "http_referer", "http://r/?token=REDACTED", "-" },
	{ "http_user_agent", "agent", "-" },
	{ "msec", "971186136.042", "971186136.042" },
	{ "remote_addr", "192.0.2.7", "-" },
	{ "remote_port", "4711", "0" },
	{ "remote_user", "acme", "-" },
	{ "request", "GET /path?query&token=REDACTED HTTP/1.1", "-" },
	{ "request_id", "abc", "-" },
	{ "request_method", "GET", "-" },
	{ "request_time", "1.002", "0.000" },
	{ "request_uri", "/path?query&token=REDACTED", "-" },
	{ "route", "r", "-" },
	{ "scheme", "https", "http" },
	{ "server_protocol", "HTTP/1.1", "HTTP/1.0" },
	{ "ssl_cipher", "CIPHER", "-" },
	{ "ssl_client_i_dn", "CN=i", "-" },
	{ "ssl_client_s_dn", "CN=c", "-" },
	{ "ssl_client_san", "DNS:c, IP:::1", "-" },
	{ "ssl_client_serial", "0A", "-" },
	{ "ssl_client_sha256", "ab12", "-" },
	{ "ssl_client_verify", "SUCCESS", "-" },
	{ "ssl_ja4", "t13d", "-" },
	{ "ssl_protocol", "TLSv1.3", "-" },
	{ "ssl_server_name", "sni.example", "-" },
	{ "ssl_session_reused", "r", "-" },
	{ "status", "200", "0" },
	{ "time_iso8601", "2000-10-10T13:55:36+00:00", "2000-10-10T13:55:36+00:00" },
	{ "time_local", "10/Oct/2000:13:55:36 +0000", "10/Oct/2000:13:55:36 +0000" },
	{ "upstream_addr", "127.0.0.1:1", "-" },
	{ "upstream_response_time", "0.000", "-" },
	{ "upstream_status", "503", "-" },
	{ "uri", "/path", "-" },
};

static void every_variable(void)
{
	const char *names[SL_LOG_VARIABLES_MAX];
	struct sl_access full = plain(), empty = { .status = 0 };
	char template_[64];
	unsigned nr = 0;

	sl_log_variable_names(names);
	for (; names[nr] && nr < sizeof(variables) / sizeof(*variables); nr++) {
		ok(strcmp(names[nr], variables[nr].name) == 0, "%s is tested", names[nr]);
		snprintf(template_, sizeof(template_), "$%s", variables[nr].name);
		is_str(line(template_, &full), variables[nr].full, "%s of a request", template_);
		is_str(line(template_, &empty), variables[nr].empty, "%s of none", template_);
	}
	ok(!names[nr] && nr == sizeof(variables) / sizeof(*variables), "these are all");
}

static void known_formats(void)
{
	struct sl_access a = plain();

	a.query = SL_S("query");
	a.referer = SL_S("referer");
	is_str(line("combined", &a),
	       "192.0.2.7 - acme [10/Oct/2000:13:55:36 +0000] \"GET /path?query HTTP/1.1\" 200 "
	       "2326 "
	       "\"referer\" \"agent\"",
	       "combined");
	is_str(line("common", &a),
	       "192.0.2.7 - acme [10/Oct/2000:13:55:36 +0000] \"GET /path?query HTTP/1.1\" 200 "
	       "2326",
	       "common");
	ok(line("json", &a).ptr[0] == '{', "json");
	is_str(line("${status}ms $$5 a$status", &a), "200ms $5 a200", "braces, dollars and text");
}

static void refused(void)
{
	static char long_text[SL_LOG_TEMPLATE_MAX + 2], many[SL_LOG_PIECES_MAX * 2 + 40];
	static const struct {
		const char *text;
		int want;
		const char *why, *variable;
	} cases[] = {
		{ "", -ENOENT, NULL, NULL },
		{ "Json", -ENOENT, NULL, NULL },
		{ "$$", -ENOENT, NULL, NULL },
		{ "$statsu x", -EINVAL, "unknown variable", "statsu" },
		{ "${statsu}", -EINVAL, "unknown variable", "statsu" },
		{ "$status $", -EINVAL, "has a '$' without a name; '$$' is a dollar sign", NULL },
		{ "$-", -EINVAL, "has a '$' without a name; '$$' is a dollar sign", NULL },
		{ "${status", -EINVAL, "has a '$' without a name; '$$' is a dollar sign", NULL },
		{ "${}", -EINVAL, "has a '$' without a name; '$$' is a dollar sign", NULL },
		{ "$status\n", -EINVAL, "has a control character; a request is one line", NULL },
		{ long_text, -EINVAL, "is longer than 4096 bytes", NULL },
		{ many, -EINVAL, "has too many variables", NULL },
	};
	struct sl_log_format f;
	struct sl_str variable;
	const char *why;

	memset(long_text, 'x', SL_LOG_TEMPLATE_MAX + 1);
	for (unsigned i = 0; i <= SL_LOG_PIECES_MAX; i++)
		memcpy(many + 2 * i, "$$", 2);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		variable = (struct sl_str){ NULL, 0 };
		why = NULL;
		is_int(sl_log_format_parse(&f, sl_str_of(cases[i].text), &arena, &why, &variable),
		       cases[i].want, "refused: %.40s", cases[i].text);
		ok(!cases[i].why || (why && strcmp(why, cases[i].why) == 0), "for its reason");
		ok(!cases[i].variable || sl_str_eq(variable, sl_str_of(cases[i].variable)),
		   "with its word");
	}
}

/* Any byte anywhere: no line end, quote or backslash of a client's gets through as itself. */
static void hostile_bytes(void)
{
	struct sl_access a = plain();
	char bytes[256];
	struct sl_str out;
	unsigned quotes = 0, bad = 0;

	for (unsigned c = 0; c < 256; c++)
		bytes[c] = (char)c;
	a.path = a.query = a.user_agent = a.referer = a.method = (struct sl_str){ bytes, 256 };
	out = line("combined", &a);
	for (size_t i = 0; i < out.len; i++) {
		quotes += out.ptr[i] == '"';
		bad += (unsigned char)out.ptr[i] < ' ' || (unsigned char)out.ptr[i] > 0x7e;
	}
	is_int(quotes, 6, "the quotes are the format's own");
	is_int(bad, 0, "and every byte is printable");
	ok(memmem(out.ptr, out.len, "\\x0A", 4) && memmem(out.ptr, out.len, "\\xFF", 4) &&
		   memmem(out.ptr, out.len, "\\x22", 4) && memmem(out.ptr, out.len, "\\x5C", 4),
	   "the others are written as nginx does");
}

int main(void)
{
	sl_arena_init(&arena, NULL, 0, 1 << 20);
	wall.second_ns = NOW_NS;
	sl_redact_index(&redact);
	every_variable();
	known_formats();
	refused();
	hostile_bytes();
	sl_arena_fini(&arena);
	return done_testing();
}

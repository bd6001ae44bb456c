// SPDX-License-Identifier: Apache-2.0
// The JSON line of the access log, and which line it is to be.
#include "observe/format.h"

#include "observe/template.h"

static void put_text(struct sl_out *o, const char *key, size_t key_len, struct sl_str value)
{
	if (value.len == 0)
		return;
	sl_out_mem(o, key, key_len);
	sl_out_json(o, value);
}

#define put(o, key, value) put_text(o, ",\"" key "\":", sizeof(key) + 3, value)

static void put_number(struct sl_out *o, const char *key, size_t key_len, uint64_t value)
{
	sl_out_mem(o, key, key_len);
	sl_out_u64(o, value);
}

#define put_u64(o, key, value) put_number(o, ",\"" key "\":", sizeof(key) + 3, value)

static void put_tls(struct sl_out *o, const struct sl_access *a)
{
	put(o, "tls", a->tls_version);
	put(o, "tls_cipher", a->tls_cipher);
	put(o, "tls_name", a->tls_name);
	put(o, "tls_ja4", a->tls_ja4);
	put(o, "tls_client", a->tls_client);
	put(o, "tls_client_issuer", a->tls_client_issuer);
	put(o, "tls_client_serial", a->tls_client_serial);
	put(o, "tls_client_sha256", a->tls_client_print);
	put(o, "tls_client_san", a->tls_client_san);
	sl_out_str(o, a->is_tls_resumed ? SL_S(",\"tls_resumed\":true")
					: SL_S(",\"tls_resumed\":false"));
}

static void print_json(const struct sl_redact *redact, struct sl_wall *wall, uint64_t now_ns,
		       struct sl_out *o, const struct sl_access *a)
{
	sl_out_lit(o, "{\"time\":\"");
	sl_wall_print(wall, now_ns, o);
	sl_out_lit(o, "\",\"client\":\"");
	sl_out_str(o, a->client);
	sl_out_char(o, '"');
	put_u64(o, "client_port", a->client_port);
	put(o, "request_id", a->request_id);
	put(o, "method", a->method);
	put(o, "host", a->host);
	put(o, "path", a->path);
	if (a->query.len) {
		sl_out_lit(o, ",\"query\":\"");
		sl_redact_print(redact, o, a->query, sl_out_json_part);
		sl_out_char(o, '"');
	}
	if (a->minor)
		sl_out_lit(o, ",\"protocol\":\"HTTP/1.1\"");
	else
		sl_out_lit(o, ",\"protocol\":\"HTTP/1.0\"");
	if (a->tls_version.len)
		put_tls(o, a);
	put_u64(o, "status", a->status);
	put_u64(o, "bytes_received", a->bytes_received);
	put_u64(o, "bytes_sent", a->bytes_sent);
	put_u64(o, "duration_us", a->duration_us);
	put(o, "consumer", a->consumer);
	put(o, "route", a->route);
	if (a->upstream.len) {
		put(o, "upstream", a->upstream);
		put_u64(o, "upstream_us", a->upstream_us);
	}
	put(o, "user_agent", a->user_agent);
	if (a->referer.len) {
		sl_out_lit(o, ",\"referer\":\"");
		sl_redact_print_uri(redact, o, a->referer, sl_out_json_part);
		sl_out_char(o, '"');
	}
	if (a->error)
		put(o, "error", sl_str_of(a->error));
	if (a->detail)
		put(o, "detail", sl_str_of(a->detail));
	if (a->is_punished)
		sl_out_lit(o, ",\"punished\":true");
	sl_out_lit(o, "}\n");
}

void sl_log_format_print(const struct sl_log_format *f, const struct sl_redact *redact,
			 struct sl_wall *wall, uint64_t now_ns, struct sl_out *o,
			 const struct sl_access *a)
{
	if (f->pieces_nr)
		sl_template_print(f, redact, wall, now_ns, o, a);
	else
		print_json(redact, wall, now_ns, o, a);
}

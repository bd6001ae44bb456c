// SPDX-License-Identifier: Apache-2.0
// What of a request ties it to a target.
#include "gate/session.h"

#include "base/clock.h"
#include "upstream/ring.h"

enum { SESSION_DIGITS = 16, COOKIE_LINE_BYTES = 256 };

static bool find_header(const struct sl_exchange *x, struct sl_str name, struct sl_str *ret_value)
{
	for (unsigned i = 0; i < x->req.fields_nr; i++) {
		const struct sl_field *f = &x->req.fields[i];

		if (!sl_str_ieq((struct sl_str){ f->name, f->name_len }, name))
			continue;
		*ret_value = sl_field_value(f);
		return true;
	}
	return false;
}

/* RFC 6265 4.2.1: "a=1; b=2".  The first of a name counts. */
static bool find_in_line(struct sl_str line, struct sl_str name, struct sl_str *ret_value)
{
	while (line.len > 0) {
		const char *end = memchr(line.ptr, ';', line.len);
		size_t n = end ? (size_t)(end - line.ptr) : line.len;
		struct sl_str pair = sl_str_trim((struct sl_str){ line.ptr, n });

		if (pair.len > name.len && pair.ptr[name.len] == '=' && sl_str_starts(pair, name)) {
			*ret_value =
				(struct sl_str){ pair.ptr + name.len + 1, pair.len - name.len - 1 };
			return true;
		}
		n += end != NULL;
		line = (struct sl_str){ line.ptr + n, line.len - n };
	}
	return false;
}

static bool find_cookie(const struct sl_exchange *x, struct sl_str name, struct sl_str *ret_value)
{
	for (unsigned i = 0; i < x->req.fields_nr; i++) {
		const struct sl_field *f = &x->req.fields[i];

		if (f->id == SL_FIELD_OTHER &&
		    sl_str_ieq((struct sl_str){ f->name, f->name_len }, SL_S("cookie")) &&
		    find_in_line(sl_field_value(f), name, ret_value))
			return true;
	}
	return false;
}

static bool find_key(const struct sl_exchange *x, const struct sl_hash_conf *conf,
		     struct sl_str *ret_key)
{
	switch (conf->source) {
	case SL_HASH_PATH:
		*ret_key = x->uri.path;
		return true;
	case SL_HASH_HEADER:
		return find_header(x, conf->name, ret_key);
	case SL_HASH_COOKIE:
		return find_cookie(x, conf->name, ret_key);
	case SL_HASH_CLIENT:
		break;
	}
	*ret_key = x->client_text;
	return true;
}

/* 0 for what we have not written. */
static uint64_t parse_session(struct sl_str text)
{
	uint64_t v = 0;

	if (text.len != SESSION_DIGITS)
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return 0;
	}
	return v;
}

void sl_session_find(const struct sl_exchange *x, const struct sl_upstream_conf *conf,
		     struct sl_pick *pick)
{
	struct sl_str text;

	if (conf->sticky.cookie.len && find_cookie(x, conf->sticky.cookie, &text))
		pick->session = parse_session(text);
	if (conf->balance == SL_BALANCE_CONSISTENT_HASH && find_key(x, &conf->hash_on, &text)) {
		pick->hash = sl_ring_hash(text);
		pick->has_hash = true;
	}
}

void sl_session_bind(struct sl_exchange *x, const struct sl_upstream_conf *conf, uint64_t session)
{
	const struct sl_sticky_conf *sticky = &conf->sticky;
	char *mem;
	struct sl_out o;

	if (session == x->peer->target->conf->session)
		return;
	mem = sl_arena_alloc(&x->arena, COOKIE_LINE_BYTES);
	if (!mem)
		return;
	sl_out_init(&o, mem, COOKIE_LINE_BYTES);
	sl_out_lit(&o, "Set-Cookie: ");
	sl_out_str(&o, sticky->cookie);
	sl_out_char(&o, '=');
	sl_out_hex_fixed(&o, x->peer->target->conf->session, SESSION_DIGITS);
	sl_out_lit(&o, "; Path=/; HttpOnly; SameSite=Lax");
	if (sticky->max_age_ns) {
		sl_out_lit(&o, "; Max-Age=");
		sl_out_u64(&o, sticky->max_age_ns / SL_SEC);
	}
	if (sticky->secure)
		sl_out_lit(&o, "; Secure");
	sl_out_lit(&o, "\r\n");
	if (!o.overflow)
		x->set_cookie = sl_out_done(&o);
}

// SPDX-License-Identifier: Apache-2.0
// Checks of upstreams: what a table cannot say of them, and what is computed from them once.
#include <stdlib.h>

#include "config/check.h"
#include "http/field.h"
#include "http/uri.h"
#include "upstream/ring.h"

enum { COOKIE_NAME_MAX = 64, SECRET_MAX = 256, PATH_MAX_BYTES = 1024, HOST_MAX_BYTES = 256 };

static const struct sl_str header_prefix = SL_STR("header:"), cookie_prefix = SL_STR("cookie:");

static struct sl_str behind(struct sl_str text, struct sl_str prefix)
{
	return (struct sl_str){ text.ptr + prefix.len, text.len - prefix.len };
}

const char *sl_check_cookie_name(struct sl_str text)
{
	if (text.len > COOKIE_NAME_MAX || !sl_is_token(text))
		return "is not the name of a cookie: 1 to 64 characters of a token";
	return NULL;
}

const char *sl_check_hash_on(struct sl_str text)
{
	if (sl_str_starts(text, header_prefix))
		return sl_is_token(behind(text, header_prefix))
			       ? NULL
			       : "does not name a header field behind its colon";
	if (sl_str_starts(text, cookie_prefix))
		return sl_is_token(behind(text, cookie_prefix))
			       ? NULL
			       : "does not name a cookie behind its colon";
	if (sl_str_eq(text, SL_S("client")) || sl_str_eq(text, SL_S("path")))
		return NULL;
	return "must be \"client\", \"path\", \"header:NAME\" or \"cookie:NAME\"";
}

const char *sl_check_secret(struct sl_str text)
{
	return text.len > 0 && text.len <= SECRET_MAX ? NULL : "must have 1 to 256 bytes";
}

const char *sl_check_health_path(struct sl_str text)
{
	return text.len > PATH_MAX_BYTES ? "is longer than 1024 bytes"
					 : sl_check_rewrite_path(text);
}

const char *sl_check_health_host(struct sl_str text)
{
	struct sl_str host, port;

	return text.len <= HOST_MAX_BYTES && sl_authority_split(text, &host, &port)
		       ? NULL
		       : "is not a host such as \"api.example.com\" or \"api.example.com:80\"";
}

/* Three digits at the start of text; 0 when there are none of a status. */
static uint16_t status_at(struct sl_str text)
{
	if (text.len < 3 || text.ptr[0] < '1' || text.ptr[0] > '5')
		return 0;
	for (unsigned i = 1; i < 3; i++)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return 0;
	return (uint16_t)((text.ptr[0] - '0') * 100 + (text.ptr[1] - '0') * 10 + text.ptr[2] - '0');
}

/* "204" or "200-399". */
static bool parse_status_range(struct sl_str text, uint16_t *ret_first, uint16_t *ret_last)
{
	*ret_first = *ret_last = status_at(text);
	if (text.len == 7 && text.ptr[3] == '-')
		*ret_last = status_at((struct sl_str){ text.ptr + 4, 3 });
	else if (text.len != 3)
		return false;
	return *ret_first && *ret_first <= *ret_last;
}

const char *sl_check_status_range(struct sl_str text)
{
	uint16_t first, last;

	return parse_status_range(text, &first, &last)
		       ? NULL
		       : "must be a status such as \"204\" or a range such as \"200-399\"";
}

void sl_check_health(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_health_conf *self = &((struct sl_upstream_conf *)to)->health;

	if (self->status.len)
		parse_status_range(self->status, &self->status_first, &self->status_last);
}

void sl_check_outlier(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_outlier_conf *self = &((struct sl_upstream_conf *)to)->outlier;

	if (self->base_ns && self->max_ns && self->max_ns < self->base_ns)
		fault_member(r, "max_eject_for", "must not be less than 'eject_for'");
}

static void settle_hash(struct sl_hash_conf *hash)
{
	if (sl_str_starts(hash->text, header_prefix)) {
		hash->source = SL_HASH_HEADER;
		hash->name = behind(hash->text, header_prefix);
	} else if (sl_str_starts(hash->text, cookie_prefix)) {
		hash->source = SL_HASH_COOKIE;
		hash->name = behind(hash->text, cookie_prefix);
	} else if (sl_str_eq(hash->text, SL_S("path"))) {
		hash->source = SL_HASH_PATH;
	}
}

static void make_ring(struct sl_reader *r, struct sl_upstream_conf *u)
{
	uint32_t nr = sl_ring_size(u);
	struct sl_ring_point *ring = sl_reader_alloc(r, nr, sizeof(*ring));

	if (!ring)
		return;
	sl_ring_fill(u, ring);
	u->ring = ring;
	u->ring_nr = nr;
}

void sl_check_upstream(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_upstream_conf *self = to;

	if (self->name && json_object_set_new(r->upstreams, self->name,
					      json_integer(self - r->rules->upstreams)) < 0)
		r->out_of_memory = true;
	if (json_object_get(value, "hash_on") && self->balance != SL_BALANCE_CONSISTENT_HASH)
		fault_member(r, "hash_on", "does nothing without 'balance': 'consistent_hash'");
	settle_hash(&self->hash_on);
	sl_check_upstream_tls(r, self);
}

void sl_config_finish_upstreams(struct sl_reader *r)
{
	for (unsigned i = 0; i < r->rules->upstreams_nr; i++) {
		struct sl_upstream_conf *u = &r->rules->upstreams[i];

		for (uint32_t k = 0; k < u->targets_nr; k++)
			u->targets[k].session = sl_session_of(u, &u->targets[k]);
		if (u->balance == SL_BALANCE_CONSISTENT_HASH)
			make_ring(r, u);
	}
}

/* Logs and counters show targets, so they are called as they are written: "${ORIGIN}:80". */
static const char *written_address(struct sl_reader *r, json_t *value)
{
	const char *written;

	if (json_is_string(value)) {
		written = sl_report_written(&r->report);
		return written ? written : json_string_value(value);
	}
	sl_report_enter_member(&r->report, "address");
	written = sl_report_written(&r->report);
	sl_report_leave(&r->report);
	return written ? written : json_string_value(json_object_get(value, "address"));
}

void sl_check_target(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_target_conf *self = to;
	json_t *address = json_is_string(value) ? value : json_object_get(value, "address");
	const char *written = written_address(r, value);

	if (!written || !json_is_string(address))
		return;
	sl_reader_store_text(r, sizeof(self->name), &self->name, sl_str_of(written));
	sl_reader_store_text(r, sizeof(self->text), &self->text,
			     sl_str_of(json_string_value(address)));
	self->key = self->text;
}

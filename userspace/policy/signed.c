// SPDX-License-Identifier: Apache-2.0
// Reads Signature-Input, and makes the text that was signed.
#include "policy/signed.h"

#include <errno.h>

#include "base/out.h"
#include "policy/dictionary.h"

enum { DIGITS_MAX = 15 }; /* RFC 8941 3.3.1 */

/* ---- Signature-Input ---- */

static bool take(struct sl_str *text, char c)
{
	if (!text->len || text->ptr[0] != c)
		return false;
	text->ptr++;
	text->len--;
	return true;
}

/* What is escaped in it stays so: names and ids have no such thing, others are not looked at. */
static bool take_string(struct sl_str *text, struct sl_str *ret)
{
	size_t i = 1;

	if (!text->len || text->ptr[0] != '"')
		return false;
	for (; i < text->len && text->ptr[i] != '"'; i++) {
		if (text->ptr[i] == '\\' && ++i < text->len && text->ptr[i] != '"' &&
		    text->ptr[i] != '\\')
			return false;
		if (i < text->len && (text->ptr[i] < ' ' || text->ptr[i] > '~'))
			return false;
	}
	if (i >= text->len)
		return false;
	*ret = (struct sl_str){ text->ptr + 1, i - 1 };
	*text = (struct sl_str){ text->ptr + i + 1, text->len - i - 1 };
	return true;
}

/* Without a sign: there is no time before 1970. */
static bool take_number(struct sl_str *text, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++) {
		if (i == DIGITS_MAX || (i == 1 && text->ptr[0] == '0'))
			return false;
		n = n * 10 + (uint64_t)(text->ptr[i] - '0');
	}
	*text = (struct sl_str){ text->ptr + i, text->len - i };
	*ret = n;
	return i > 0;
}

static bool take_component(struct sl_signed *s, struct sl_str *text)
{
	struct sl_str name;

	if (s->components_nr == SL_SIGNED_COMPONENTS_MAX || !take_string(text, &name))
		return false;
	for (unsigned i = 0; i < s->components_nr; i++)
		if (sl_str_eq(s->components[i], name))
			return false; /* other parameters would tell them apart: none is known */
	s->is_odd |= sl_signed_check_component(name) != NULL;
	s->components[s->components_nr++] = name;
	return true;
}

/* "(" names with a space between ")". */
static bool take_components(struct sl_signed *s, struct sl_str *text)
{
	if (!take(text, '('))
		return false;
	if (take(text, ')'))
		return true;
	do {
		if (!take_component(s, text))
			return false;
		while (text->len && text->ptr[0] == ';') {
			/* ";sf", ";key=...": they say how to read a field, and we do not. */
			struct sl_str key, value;

			s->is_odd = true;
			take(text, ';');
			key = sl_dictionary_key(*text);
			*text = (struct sl_str){ text->ptr + key.len, text->len - key.len };
			if (!key.len || (take(text, '=') && !take_string(text, &value)))
				return false;
		}
	} while (take(text, ' '));
	return take(text, ')');
}

static bool take_text(struct sl_str *text, struct sl_str *ret)
{
	return !ret->ptr && take_string(text, ret);
}

static bool take_time(struct sl_str *text, bool *ret_has, uint64_t *ret_s)
{
	bool is_first = !*ret_has;

	*ret_has = true;
	return is_first && take_number(text, ret_s);
}

/* Of RFC 9421 2.3; another one would be signed too, but nobody here knows what it asks for. */
static bool take_parameter(struct sl_signed *s, struct sl_str *text)
{
	struct sl_str key = sl_dictionary_key(*text);

	*text = (struct sl_str){ text->ptr + key.len, text->len - key.len };
	if (!take(text, '='))
		return false;
	if (sl_str_eq(key, SL_S("created")))
		return take_time(text, &s->has_created, &s->created_s);
	if (sl_str_eq(key, SL_S("expires")))
		return take_time(text, &s->has_expires, &s->expires_s);
	if (sl_str_eq(key, SL_S("keyid")))
		return take_text(text, &s->keyid);
	if (sl_str_eq(key, SL_S("nonce")))
		return take_text(text, &s->nonce);
	if (sl_str_eq(key, SL_S("alg")))
		return take_text(text, &s->alg);
	return sl_str_eq(key, SL_S("tag")) && take_text(text, &s->tag);
}

bool sl_signed_read(struct sl_str value, struct sl_signed *ret_signed)
{
	*ret_signed = (struct sl_signed){ .params = value };
	if (!take_components(ret_signed, &value))
		return false;
	while (take(&value, ';'))
		if (!take_parameter(ret_signed, &value))
			return false;
	return value.len == 0;
}

/* ---- components ---- */

static const struct sl_str derived[] = {
	SL_STR("@method"), SL_STR("@authority"),  SL_STR("@scheme"), SL_STR("@request-target"),
	SL_STR("@path"),   SL_STR("@target-uri"), SL_STR("@query"),
};

const char *sl_signed_check_component(struct sl_str name)
{
	for (unsigned i = 0; i < sizeof(derived) / sizeof(*derived); i++)
		if (sl_str_eq(name, derived[i]))
			return NULL;
	if (!sl_is_token(name))
		return "is neither the name of a header field nor '@method', '@authority', "
		       "'@scheme', '@target-uri', '@request-target', '@path' or '@query'";
	for (size_t i = 0; i < name.len; i++)
		if (sl_lower(name.ptr[i]) != name.ptr[i])
			return "has to be in lower case, as it is signed (RFC 9421 2.1)";
	return NULL;
}

static bool names(const struct sl_signed *s, struct sl_str component)
{
	for (unsigned i = 0; i < s->components_nr; i++)
		if (sl_str_eq(s->components[i], component))
			return true;
	return false;
}

static struct sl_str query_of(const struct sl_head *head)
{
	const char *at = memchr(head->target.ptr, '?', head->target.len);

	if (!at)
		return (struct sl_str){ NULL, 0 };
	return (struct sl_str){ at, head->target.len - (size_t)(at - head->target.ptr) };
}

bool sl_signed_has(const struct sl_signed *s, const struct sl_head *head, struct sl_str component)
{
	bool is_query = sl_str_eq(component, SL_S("@query"));

	if (names(s, component))
		return true;
	if (is_query && !query_of(head).ptr)
		return true;
	if (is_query || sl_str_eq(component, SL_S("@path")))
		return names(s, SL_S("@target-uri")) || names(s, SL_S("@request-target"));
	if (sl_str_eq(component, SL_S("@authority")) || sl_str_eq(component, SL_S("@scheme")))
		return names(s, SL_S("@target-uri"));
	return sl_str_eq(component, SL_S("content-digest")) && head->body == SL_BODY_NONE;
}

/* ---- the text that was signed ---- */

static bool is_named(const struct sl_field *f, struct sl_str name)
{
	return f->name_len == name.len && sl_str_ieq((struct sl_str){ f->name, f->name_len }, name);
}

int sl_signed_field(const struct sl_signed_request *req, struct sl_str name,
		    struct sl_str *ret_value)
{
	const struct sl_head *head = req->head;
	size_t room = 0;
	unsigned nr = 0;
	struct sl_out o;
	char *mem;

	for (unsigned i = 0; i < head->fields_nr; i++)
		if (is_named(&head->fields[i], name)) {
			*ret_value = sl_field_value(&head->fields[i]);
			room += head->fields[i].value_len + 2;
			nr++;
		}
	if (nr < 2)
		return (int)nr;
	mem = sl_arena_alloc(req->arena, room);
	if (!mem)
		return -ENOMEM;
	sl_out_init(&o, mem, room);
	for (unsigned i = 0; i < head->fields_nr; i++) {
		if (!is_named(&head->fields[i], name))
			continue;
		if (sl_out_len(&o))
			sl_out_lit(&o, ", ");
		sl_out_str(&o, sl_field_value(&head->fields[i]));
	}
	*ret_value = sl_out_done(&o);
	return 1;
}

static struct sl_str scheme_of(const struct sl_signed_request *req)
{
	return req->is_secure ? SL_S("https") : SL_S("http");
}

/* In lower case, without the port that the scheme has anyway (RFC 9421 2.2.3). */
static int authority_of(const struct sl_signed_request *req, struct sl_str *ret)
{
	struct sl_str from = req->head->authority,
		      port = req->is_secure ? SL_S(":443") : SL_S(":80");
	char *mem;

	if (!from.len)
		return 0; /* HTTP/1.0 */
	mem = sl_arena_alloc(req->arena, from.len);
	if (!mem)
		return -ENOMEM;
	for (size_t i = 0; i < from.len; i++)
		mem[i] = sl_lower(from.ptr[i]);
	if (from.len > port.len && memcmp(mem + from.len - port.len, port.ptr, port.len) == 0)
		from.len -= port.len;
	*ret = (struct sl_str){ mem, from.len };
	return 1;
}

static struct sl_str path_of(const struct sl_head *head)
{
	struct sl_str query = query_of(head);
	size_t len = head->target.len - query.len;

	return len ? (struct sl_str){ head->target.ptr, len } : SL_S("/");
}

static int uri_of(const struct sl_signed_request *req, struct sl_str *ret)
{
	struct sl_str scheme = scheme_of(req), path = path_of(req->head), authority;
	struct sl_str query = query_of(req->head);
	int found = authority_of(req, &authority);
	struct sl_out o;
	size_t room;
	char *mem;

	if (found <= 0)
		return found;
	room = scheme.len + 3 + authority.len + path.len + query.len;
	mem = sl_arena_alloc(req->arena, room);
	if (!mem)
		return -ENOMEM;
	sl_out_init(&o, mem, room);
	sl_out_str(&o, scheme);
	sl_out_lit(&o, "://");
	sl_out_str(&o, authority);
	sl_out_str(&o, path);
	sl_out_str(&o, query);
	*ret = sl_out_done(&o);
	return 1;
}

/* 1 with its value; 0: the request has none; -ENOMEM. */
static int value_of(const struct sl_signed_request *req, struct sl_str name, struct sl_str *ret)
{
	const struct sl_head *head = req->head;

	if (name.ptr[0] != '@')
		return sl_signed_field(req, name, ret);
	if (sl_str_eq(name, SL_S("@authority")))
		return authority_of(req, ret);
	if (sl_str_eq(name, SL_S("@target-uri")))
		return uri_of(req, ret);
	if (sl_str_eq(name, SL_S("@request-target"))) {
		*ret = head->target;
		return head->form == SL_TARGET_ORIGIN; /* of others only a part is kept */
	}
	if (sl_str_eq(name, SL_S("@method")))
		*ret = head->method;
	else if (sl_str_eq(name, SL_S("@scheme")))
		*ret = scheme_of(req);
	else if (sl_str_eq(name, SL_S("@path")))
		*ret = path_of(head);
	else
		*ret = query_of(head).ptr ? query_of(head) : SL_S("?");
	return 1;
}

#define PARAMS_NAME "@signature-params"

static void put_line(struct sl_out *o, struct sl_str name, struct sl_str value)
{
	sl_out_char(o, '"');
	sl_out_str(o, name);
	sl_out_lit(o, "\": ");
	sl_out_str(o, value);
}

int sl_signed_base(const struct sl_signed *s, const struct sl_signed_request *req,
		   struct sl_str *ret_base)
{
	struct sl_str values[SL_SIGNED_COMPONENTS_MAX];
	size_t room = sizeof(PARAMS_NAME) + 4 + s->params.len;
	struct sl_out o;
	char *mem;

	for (unsigned i = 0; i < s->components_nr; i++) {
		int found = value_of(req, s->components[i], &values[i]);

		if (found <= 0)
			return found < 0 ? found : -ENOENT;
		room += s->components[i].len + values[i].len + 5;
	}
	mem = sl_arena_alloc(req->arena, room);
	if (!mem)
		return -ENOMEM;
	sl_out_init(&o, mem, room);
	for (unsigned i = 0; i < s->components_nr; i++) {
		put_line(&o, s->components[i], values[i]);
		sl_out_char(&o, '\n');
	}
	put_line(&o, SL_S(PARAMS_NAME), s->params);
	*ret_base = sl_out_done(&o);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// What Connection says (RFC 9110 7.6.1): whether it stays open, and which fields end at this hop.

#include <errno.h>

#include "http1/parse.h"

/* Each option is looked up among all fields; nobody needs more than a handful. */
enum { OPTIONS_MAX = 32 };

struct options {
	unsigned nr;
	bool close, keep_alive, upgrade;
};

/*
 * A client must not be able to strip what it did not send alone, or what says who it is: an origin
 * that trusts such a field would take its absence for "came from inside".  RFC 9110 7.6.1 forbids
 * senders to name fields that are meant for all recipients, so nobody honest is hurt.
 */
static bool is_protected(struct sl_str name)
{
	static const uint64_t ids = H1_BIT(SL_FIELD_HOST) | H1_BIT(SL_FIELD_CONTENT_LENGTH) |
				    H1_BIT(SL_FIELD_CONTENT_TYPE) | H1_BIT(SL_FIELD_AUTHORIZATION) |
				    H1_BIT(SL_FIELD_DATE) | H1_BIT(SL_FIELD_FORWARDED) |
				    H1_BIT(SL_FIELD_VIA) | H1_BIT(SL_FIELD_X_REAL_IP) |
				    H1_BIT(SL_FIELD_X_REQUEST_ID);
	static const struct sl_str family = SL_STR("x-forwarded-");

	if (ids & H1_BIT(sl_field_id_of(name)))
		return true;
	if (sl_str_ieq(name, SL_S("cookie")))
		return true;
	return name.len >= family.len &&
	       sl_str_ieq((struct sl_str){ name.ptr, family.len }, family);
}

static void mark_named(struct sl_head *head, struct sl_str name)
{
	if (is_protected(name))
		return;
	for (size_t i = 0; i < head->fields_nr; i++) {
		struct sl_field *f = &head->fields[i];

		if (sl_str_ieq((struct sl_str){ f->name, f->name_len }, name))
			f->is_hop = true;
	}
}

static int read_option(struct h1_in *in, struct options *o, struct sl_str name)
{
	if (name.len == 0)
		return 0; /* RFC 9110 5.6.1: empty elements count for nothing */
	if (!sl_is_token(name) || o->nr++ == OPTIONS_MAX)
		return h1_refuse(in->head, 400, "The Connection field is malformed or too long.");
	if (sl_str_ieq(name, SL_S("close")))
		o->close = true;
	else if (sl_str_ieq(name, SL_S("keep-alive")))
		o->keep_alive = true;
	else if (sl_str_ieq(name, SL_S("upgrade")))
		o->upgrade = true;
	else
		mark_named(in->head, name);
	return 0;
}

static int read_options(struct h1_in *in, struct options *o)
{
	struct sl_head *head = in->head;
	struct sl_str list, name;
	int ret;

	for (size_t i = 0; i < head->fields_nr; i++) {
		if (head->fields[i].id != SL_FIELD_CONNECTION)
			continue;
		list = sl_field_value(&head->fields[i]);
		while (sl_str_list_next(&list, &name)) {
			ret = read_option(in, o, name);
			if (ret < 0)
				return ret;
		}
	}
	return 0;
}

int h1_connection_judge(struct h1_in *in)
{
	struct options o = { .nr = 0 };
	struct sl_head *head = in->head;
	int ret;

	if (h1_has(in, SL_FIELD_CONNECTION)) {
		ret = read_options(in, &o);
		if (ret < 0)
			return ret;
	}
	/* RFC 9112 9.3 */
	head->keep_alive = !o.close && (head->minor == 1 || o.keep_alive);
	/* Several Upgrade fields are an offer that we need not understand: RFC 9110 7.8. */
	if (!o.upgrade || head->minor == 0 || !h1_has(in, SL_FIELD_UPGRADE) ||
	    (in->repeated & H1_BIT(SL_FIELD_UPGRADE)))
		return 0;
	head->upgrade = h1_value(in, SL_FIELD_UPGRADE);
	head->is_upgrade = head->upgrade.len > 0;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A route's changes to header fields: what is taken away, what is written instead.
#include "gate/edit.h"

#include "gate/fill.h"

/* To CGI and its heirs "X_Tenant" and "X-Tenant" are one name (RFC 3875 4.1.18): what is taken away
 * under one must not come in under the other. */
static bool is_same_name(struct sl_str a, struct sl_str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char x = a.ptr[i] == '_' ? '-' : sl_lower(a.ptr[i]);
		char y = b.ptr[i] == '_' ? '-' : sl_lower(b.ptr[i]);

		if (x != y)
			return false;
	}
	return true;
}

bool sl_edit_drops(const struct sl_header_edit *e, struct sl_str name)
{
	for (unsigned i = 0; i < e->remove_nr; i++)
		if (is_same_name(e->remove[i], name))
			return true;
	for (unsigned i = 0; i < e->set_nr; i++)
		if (is_same_name(e->set[i].name, name))
			return true;
	return false;
}

static size_t fields_len(const struct sl_exchange *x, const struct sl_header_conf *fields,
			 unsigned nr)
{
	size_t len = 0;

	for (unsigned i = 0; i < nr; i++)
		len += fields[i].name.len + sl_fill_len(x, fields[i].value) + 4;
	return len;
}

size_t sl_edit_len(const struct sl_exchange *x, const struct sl_header_edit *e)
{
	return fields_len(x, e->set, e->set_nr) + fields_len(x, e->add, e->add_nr);
}

static void put_fields(const struct sl_exchange *x, const struct sl_header_conf *fields,
		       unsigned nr, struct sl_out *o)
{
	for (unsigned i = 0; i < nr; i++) {
		sl_out_str(o, fields[i].name);
		sl_out_lit(o, ": ");
		sl_fill(x, fields[i].value, o);
		sl_out_lit(o, "\r\n");
	}
}

void sl_edit_put(const struct sl_exchange *x, const struct sl_header_edit *e, struct sl_out *o)
{
	put_fields(x, e->set, e->set_nr, o);
	put_fields(x, e->add, e->add_nr, o);
}

// SPDX-License-Identifier: Apache-2.0
// A route's changes to header fields: what is taken away, what is written instead.
#include "gate/edit.h"

#include "gate/fill.h"

bool sl_edit_drops(const struct sl_header_edit *e, struct sl_str name)
{
	for (unsigned i = 0; i < e->remove_nr; i++)
		if (sl_str_ieq(e->remove[i], name))
			return true;
	for (unsigned i = 0; i < e->set_nr; i++)
		if (sl_str_ieq(e->set[i].name, name))
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

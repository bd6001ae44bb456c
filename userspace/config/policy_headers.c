// SPDX-License-Identifier: Apache-2.0
// Policies that change header fields: their changes become those of the routes that ask them.
#include "config/check.h"
#include "policy/headers.h"
#include "policy/request_id.h"

static bool edits(const struct sl_header_edit *e, struct sl_str name)
{
	for (unsigned i = 0; i < e->set_nr; i++)
		if (sl_str_ieq(e->set[i].name, name))
			return true;
	for (unsigned i = 0; i < e->add_nr; i++)
		if (sl_str_ieq(e->add[i].name, name))
			return true;
	for (unsigned i = 0; i < e->remove_nr; i++)
		if (sl_str_ieq(e->remove[i], name))
			return true;
	return false;
}

/* Which of two changes of one field would come first is not for the reader to guess. */
static bool is_twice(struct sl_reader *r, const struct sl_header_edit *to, struct sl_str name)
{
	if (!edits(to, name))
		return false;
	sl_report_fault(&r->report, "'%.64s' is changed by another policy, or by the route itself",
			name.ptr);
	return true;
}

/* The changes of both; the arrays may be shared by routes, so they are made anew. */
static void join(struct sl_reader *r, const void *first, unsigned first_nr, const void *second,
		 unsigned second_nr, size_t size, void *ret)
{
	char *all = sl_reader_alloc(r, (size_t)first_nr + second_nr + 1, size);

	if (!all)
		return;
	if (first_nr)
		memcpy(all, first, first_nr * size);
	if (second_nr)
		memcpy(all + first_nr * size, second, second_nr * size);
	memcpy(ret, &all, sizeof(all));
}

static void merge(struct sl_reader *r, struct sl_header_edit *to, const struct sl_header_edit *e)
{
	bool is_wrong = false;

	for (unsigned i = 0; i < e->set_nr; i++)
		is_wrong |= is_twice(r, to, e->set[i].name);
	for (unsigned i = 0; i < e->add_nr; i++)
		is_wrong |= is_twice(r, to, e->add[i].name);
	for (unsigned i = 0; i < e->remove_nr; i++)
		is_wrong |= is_twice(r, to, e->remove[i]);
	if (is_wrong)
		return;
	join(r, to->set, to->set_nr, e->set, e->set_nr, sizeof(*e->set), &to->set);
	join(r, to->add, to->add_nr, e->add, e->add_nr, sizeof(*e->add), &to->add);
	join(r, to->remove, to->remove_nr, e->remove, e->remove_nr, sizeof(*e->remove),
	     &to->remove);
	if (r->out_of_memory)
		return;
	to->set_nr += e->set_nr;
	to->add_nr += e->add_nr;
	to->remove_nr += e->remove_nr;
}

static void link_edits(struct sl_reader *r, struct sl_route *route, const struct sl_headers *conf)
{
	if (r->report.count == 0) {
		sl_check_route_edit(r, route, "request", &conf->request);
		sl_check_route_edit(r, route, "response", &conf->response);
	}
	merge(r, &route->request_headers, &conf->request);
	merge(r, &route->response_headers, &conf->response);
}

static void link_id(struct sl_reader *r, struct sl_route *route, const struct sl_request_id *conf)
{
	struct sl_header_conf field = { conf->header, SL_STR("{request_id}") };

	merge(r, &route->response_headers, &(struct sl_header_edit){ .set = &field, .set_nr = 1 });
}

bool sl_config_link_headers(struct sl_reader *r, struct sl_route *route,
			    const struct sl_policy *policy)
{
	if (policy->headers)
		link_edits(r, route, policy->headers);
	if (policy->request_id)
		link_id(r, route, policy->request_id);
	return policy->headers || policy->request_id;
}

void sl_check_headers(struct sl_reader *r, json_t *value, void *to)
{
	if (json_object_size(value) == 0)
		sl_report_fault(&r->report, "needs 'request' or 'response'");
}

// SPDX-License-Identifier: Apache-2.0
// Targets by name: each becomes as many targets as the name has addresses.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "upstream/names.h"

/* "192.0.2.53:53,[2001:db8::53]:53", or NULL: those of the system. */
static const char *join_servers(struct sl_reader *r)
{
	const struct sl_dns *dns = &r->rules->dns;
	size_t room = dns->servers_nr * 64 + 1;
	struct sl_out o;
	char *mem;

	if (dns->servers_nr == 0)
		return NULL;
	mem = sl_reader_alloc(r, room, 1);
	if (!mem)
		return NULL;
	sl_out_init(&o, mem, room - 1);
	for (unsigned i = 0; i < dns->servers_nr; i++) {
		if (i > 0)
			sl_out_char(&o, ',');
		sl_addr_print(&o, &dns->servers[i]);
	}
	return mem;
}

/* What the running configuration knows is used if it asks the same servers. */
static struct sl_names *get_names(struct sl_reader *r)
{
	const struct sl_dns *dns = &r->rules->dns;
	struct sl_names_conf conf = {
		.servers = join_servers(r),
		.timeout_ns = dns->timeout_ns,
		.min_ns = dns->min_ns,
		.max_ns = dns->max_ns,
	};

	if (r->rules->names)
		return r->rules->names;
	if (r->running && r->running->names && sl_names_is_like(r->running->names, &conf))
		r->rules->names = sl_names_ref(r->running->names);
	else if (sl_names_new(&r->rules->names, &conf, r->changed_fd) < 0)
		r->out_of_memory = true;
	if (r->rules->names)
		sl_names_begin(r->rules->names);
	return r->rules->names;
}

static void fault_target(struct sl_reader *r, uint32_t index, const struct sl_target_conf *t,
			 int error)
{
	sl_report_enter_member(&r->report, "targets");
	sl_report_enter_element(&r->report, index);
	if (error == -ETIMEDOUT)
		sl_report_fault(&r->report, "no name server answers for '%.64s'", t->text);
	else
		sl_report_fault(&r->report, "the host name of '%.64s' does not resolve", t->text);
	sl_report_leave(&r->report);
	sl_report_leave(&r->report);
}

static bool has_name(const struct sl_target_conf *t)
{
	return t->address.len == 0;
}

static const char *print_key(struct sl_reader *r, const struct sl_addr *addr)
{
	const char *key = NULL;
	char mem[64];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	sl_addr_print(&o, addr);
	sl_reader_store_text(r, sizeof(key), &key, sl_out_done(&o));
	return key ? key : "";
}

/* Fills in one target for each address of t, which is the index-th; how many. */
static uint32_t expand_target(struct sl_reader *r, uint32_t index, const struct sl_target_conf *t,
			      struct sl_target_conf *ret)
{
	struct sl_addr found[SL_NAME_ADDRESSES_MAX];
	struct sl_names *names = get_names(r);
	struct sl_str host;
	uint16_t port;
	int nr;

	if (!names || !sl_addr_split_name(sl_str_of(t->text), &host, &port))
		return 0;
	nr = sl_names_lookup(names, host, found, SL_NAME_ADDRESSES_MAX);
	if (nr <= 0)
		fault_target(r, index, t, nr);
	for (int i = 0; i < nr; i++) {
		ret[i] = *t;
		ret[i].address = found[i];
		sl_addr_set_port(&ret[i].address, port);
		ret[i].key = print_key(r, &ret[i].address);
	}
	return nr > 0 ? (uint32_t)nr : 0;
}

/* The array of all addresses, the caller's to free, and how many; NULL without memory. */
static struct sl_target_conf *expand(struct sl_reader *r, const struct sl_upstream_conf *u,
				     uint32_t *ret_nr)
{
	struct sl_target_conf *all =
		calloc((size_t)u->targets_nr * SL_NAME_ADDRESSES_MAX, sizeof(*all));

	*ret_nr = 0;
	for (uint32_t i = 0; all && i < u->targets_nr; i++) {
		if (has_name(&u->targets[i]))
			*ret_nr += expand_target(r, i, &u->targets[i], &all[*ret_nr]);
		else
			all[(*ret_nr)++] = u->targets[i];
	}
	return all;
}

static bool has_names(const struct sl_upstream_conf *u)
{
	for (uint32_t i = 0; i < u->targets_nr; i++)
		if (has_name(&u->targets[i]))
			return true;
	return false;
}

static void expand_upstream(struct sl_reader *r, struct sl_upstream_conf *u)
{
	struct sl_target_conf *all, *kept;
	uint32_t nr;

	all = expand(r, u, &nr);
	kept = all && nr > 0 ? sl_reader_alloc(r, nr, sizeof(*kept)) : NULL;
	if (kept) {
		memcpy(kept, all, nr * sizeof(*kept));
		u->targets = kept;
		u->targets_nr = nr;
	} else if (!all) {
		r->out_of_memory = true;
	}
	free(all);
}

static void ask_for_targets(struct sl_reader *r, const struct sl_upstream_conf *u)
{
	struct sl_names *names = has_names(u) ? get_names(r) : NULL;
	struct sl_str host;
	uint16_t port;

	for (uint32_t i = 0; names && i < u->targets_nr; i++)
		if (has_name(&u->targets[i]) &&
		    sl_addr_split_name(sl_str_of(u->targets[i].text), &host, &port) &&
		    sl_names_ask(names, host) == -ENOMEM)
			r->out_of_memory = true;
}

void sl_config_expand_names(struct sl_reader *r)
{
	struct sl_upstream_conf *upstreams = r->rules->upstreams;
	uint32_t nr = r->rules->upstreams_nr;

	for (uint32_t i = 0; i < nr; i++)
		ask_for_targets(r, &upstreams[i]);
	sl_report_enter_member(&r->report, "upstreams");
	for (uint32_t i = 0; i < nr && !r->out_of_memory; i++) {
		struct sl_upstream_conf *u = &upstreams[i];

		if (!has_names(u))
			continue;
		sl_report_enter_member(&r->report, u->name);
		expand_upstream(r, u);
		sl_report_leave(&r->report);
	}
	sl_report_leave(&r->report);
}

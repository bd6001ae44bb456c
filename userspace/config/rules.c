// SPDX-License-Identifier: Apache-2.0
// Rules over several keys of an object, or over several objects.
#include "config/check.h"
#include "config/rundir.h"

void sl_check_gateway(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_rules *rules = to;
	char path[SL_RUN_DIR_MAX];

	if (rules->group && !rules->user)
		sl_reader_fault_member(r, "group", "does nothing without 'user'");
	if (rules->run_dir)
		return;
	sl_run_dir_default(path);
	sl_reader_store_text(r, sizeof(rules->run_dir), &rules->run_dir, sl_str_of(path));
}

/* The kernel would share the connections out between them (SO_REUSEPORT), and nobody means that. */
static bool is_of_this_machine(const struct sl_addr *addr)
{
	struct sl_ip ip = sl_addr_ip(addr);

	if (addr->sa.sa_family == AF_UNIX)
		return true;
	if (sl_ip_is_v4(&ip))
		return ip.b[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&addr->in6.sin6_addr);
}

static void check_mode(struct sl_reader *r, const struct sl_addr *addr, enum sl_socket_mode mode)
{
	if (mode != SL_SOCKET_UMASK && addr->sa.sa_family != AF_UNIX)
		fault_member(r, "mode", "is of an address such as \"unix:/path\"");
}

/* It tells who asks what of the gateway to whoever connects. */
void sl_check_admin(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_admin_conf *self = to;

	if (!self->address.len)
		return;
	check_mode(r, &self->address, self->mode);
	if (!self->is_public && !is_of_this_machine(&self->address))
		fault_member(r, "address",
			     "can be reached from elsewhere, and 'public' does not allow that");
	for (unsigned i = 0; i < r->rules->listeners_nr; i++)
		if (sl_addr_eq(&r->rules->listeners[i].address, &self->address))
			fault_member(r, "address", "is the address of listener '%.64s'",
				     r->rules->listeners[i].name);
}

void sl_check_listener(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_listener_conf *self = to;

	sl_check_tls(r, self);
	if (self->address.len)
		check_mode(r, &self->address, self->mode);
	for (const struct sl_listener_conf *l = r->rules->listeners; l < self; l++)
		/* One without a length was no address, which is told already. */
		if (l->name && l->address.len && sl_addr_eq(&l->address, &self->address)) {
			sl_report_fault(&r->report, "listener '%.64s' has the same address",
					l->name);
			return;
		}
}

void sl_check_respond(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_respond_conf *self = to;

	/* RFC 9110 15.3.5, 15.3.6, 15.4.5: these never have content. */
	if (self->body.len && (self->status == 204 || self->status == 205 || self->status == 304))
		sl_reader_fault_member(r, "body", "a %u has no body", self->status);
}

// SPDX-License-Identifier: Apache-2.0
// A listener's certificates and keys: read and checked with the configuration that names them.
#include <errno.h>

#include "config/check.h"
#include "tls/files.h"
#include "tls/ja4.h"
#include "tls/server.h"
#include "tls/tickets.h"

static void tell(void *arg, enum sl_tls_member member, unsigned index, const char *path,
		 const char *why)
{
	static const struct {
		const char *name, *of_element;
		bool is_element;
	} where[] = {
		[SL_TLS_CERTIFICATE] = { "certificates", "certificate", true },
		[SL_TLS_KEY] = { "certificates", "key", true },
		[SL_TLS_OCSP] = { "certificates", "ocsp", true },
		[SL_TLS_TICKET_KEY] = { "ticket_keys", NULL, true },
		[SL_TLS_CLIENT_CA] = { "client_ca", NULL, false },
		[SL_TLS_CLIENT_CRL] = { "client_crl", NULL, false },
	};
	struct sl_reader *r = arg;

	sl_report_enter_member(&r->report, where[member].name);
	if (where[member].is_element)
		sl_report_enter_element(&r->report, index);
	if (where[member].of_element)
		sl_report_enter_member(&r->report, where[member].of_element);
	sl_report_fault(&r->report, "%.256s: %s", path, why);
	if (where[member].of_element)
		sl_report_leave(&r->report);
	if (where[member].is_element)
		sl_report_leave(&r->report);
	sl_report_leave(&r->report);
}

static bool is_complete(const struct sl_tls_conf *conf)
{
	for (unsigned i = 0; i < conf->certificates_nr; i++)
		if (!conf->certificates[i].certificate || !conf->certificates[i].key)
			return false;
	for (unsigned i = 0; i < conf->ticket_keys_nr; i++)
		if (!conf->ticket_keys[i].path)
			return false;
	for (unsigned i = 0; i < conf->deny_ja4_nr; i++)
		if (!conf->deny_ja4[i].text)
			return false;
	return conf->certificates_nr > 0;
}

/* Sessions outlive a reload. */
static bool find_tickets(struct sl_reader *r)
{
	struct sl_rules *rules = r->rules;

	if (!rules->tickets && r->running && r->running->tickets)
		rules->tickets = sl_tickets_get(r->running->tickets);
	if (!rules->tickets)
		rules->tickets = sl_tickets_new();
	return rules->tickets != NULL;
}

const char *sl_check_ja4(struct sl_str text)
{
	return sl_ja4_is_valid(text) ? NULL
				     : "is no JA4 of TLS over TCP: 't', nine characters, and two "
				       "times '_' and twelve hexadecimal digits in lower case";
}

/* What says something of clients' certificates, where nobody is asked for one. */
void sl_check_tls_clients(struct sl_reader *r, json_t *value, void *to)
{
	static const char *const names[] = { "client_certificate", "client_depth", "client_crl",
					     "client_headers" };
	const struct sl_tls_conf *conf = to;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names) && !conf->client_ca; i++)
		if (json_object_get(value, names[i]))
			fault_member(r, names[i], "does nothing without 'client_ca'");
}

/* Once for all listeners: what it takes is loaded into the kernel by this, as long as we may. */
static void try_kernel(struct sl_reader *r, struct sl_tls_conf *conf)
{
	char why[SL_KTLS_WHY_BYTES];

	if (conf->kernel == SL_TLS_KERNEL_OFF)
		return;
	if (!r->has_tried_ktls)
		r->ktls = sl_ktls_probe();
	r->has_tried_ktls = true;
	conf->ktls = r->ktls;
	sl_ktls_explain(&conf->ktls, why);
	if (conf->kernel == SL_TLS_KERNEL_REQUIRE && why[0])
		fault_member(r, "kernel_tls", "cannot be \"require\": %s", why);
}

void sl_check_tls(struct sl_reader *r, const struct sl_listener_conf *l)
{
	const struct sl_tls_faults faults = { tell, r };
	struct sl_tls_conf *conf = l->tls;
	int ret;

	if (!conf || !l->name || !is_complete(conf))
		return;
	if (!conf->tickets && conf->ticket_keys_nr)
		fault_member(r, "tls", "'ticket_keys' do nothing without 'session_tickets'");
	if (!find_tickets(r)) {
		r->out_of_memory = true;
		return;
	}
	sl_report_enter_member(&r->report, "tls");
	try_kernel(r, conf);
	conf->files_print = sl_tls_files_print(conf); /* before: a change meanwhile is seen later */
	ret = sl_tls_server_new(&conf->server, conf, sl_str_of(l->name), r->rules->tickets,
				&faults);
	sl_report_leave(&r->report);
	if (ret == -ENOMEM)
		r->out_of_memory = true;
}

void sl_config_free_tls(struct sl_rules *rules)
{
	for (unsigned i = 0; i < rules->listeners_nr; i++)
		if (rules->listeners[i].tls)
			sl_tls_server_put(rules->listeners[i].tls->server);
	sl_tickets_put(rules->tickets);
}

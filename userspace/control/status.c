// SPDX-License-Identifier: Apache-2.0
// Command "status": what the daemon is and has counted.
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/command.h"
#include "control/kernel.h"
#include "control/ktls.h"
#include "control/sandbox.h"
#include "upstream/names.h"

enum { NAMES_MAX = 1000 }; /* listed */

static json_t *make_counters(const struct sl_daemon *d)
{
	json_t *counters = json_object();

#define SUM_UP(name, ...)                                                                          \
	do {                                                                                       \
		uint64_t sum = 0;                                                                  \
		for (unsigned i = 0; i < d->rules->workers; i++)                                   \
			sum += __atomic_load_n(&sl_metrics_stats(d->shared.metrics, i)->name,      \
					       __ATOMIC_RELAXED);                                  \
		json_object_set_new(counters, #name, json_integer((json_int_t)sum));               \
	} while (0);
	SL_STATS(SUM_UP)
#undef SUM_UP
	return counters;
}

static json_t *make_listeners(const struct sl_rules *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->listeners_nr; i++) {
		json_t *item = json_object();

		json_object_set_new(item, "name", json_string(r->listeners[i].name));
		json_object_set_new(item, "address", sl_command_addr(&r->listeners[i].address));
		if (r->listeners[i].tls)
			json_object_set_new(item, "tls", sl_ktls_status(r->listeners[i].tls));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *make_upstreams(const struct sl_rules *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->upstreams_nr; i++) {
		json_t *item = json_object(), *targets = json_array();

		for (unsigned k = 0; k < r->upstreams[i].targets_nr; k++)
			json_array_append_new(targets,
					      json_string(r->upstreams[i].targets[k].name));
		json_object_set_new(item, "name", json_string(r->upstreams[i].name));
		json_object_set_new(item, "targets", targets);
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *make_names(const struct sl_rules *r)
{
	struct sl_name_status *names = calloc(NAMES_MAX, sizeof(*names));
	unsigned nr = names && r->names ? sl_names_list(r->names, names, NAMES_MAX) : 0;
	json_t *list = json_array();

	for (unsigned i = 0; i < nr; i++)
		json_array_append_new(list, json_pack("{s:s,s:i,s:b,s:I}", "host", names[i].host,
						      "addresses", (int)names[i].addresses_nr,
						      "stale", names[i].is_stale, "failures",
						      (json_int_t)names[i].failures));
	free(names);
	return list;
}

json_t *sl_command_status(struct sl_daemon *d, const struct sl_command_args *args)
{
	json_t *status = json_object();

	json_object_set_new(status, "version", json_string(SL_VERSION));
	json_object_set_new(status, "pid", json_integer(getpid()));
	json_object_set_new(status, "uptime_s",
			    json_integer((json_int_t)((sl_now_ns() - d->start_ns) / SL_SEC)));
	json_object_set_new(
		status, "state",
		json_string(atomic_load(&d->shared.is_draining) ? "stopping" : "running"));
	json_object_set_new(status, "config", json_string(d->rules->file));
	json_object_set_new(status, "generation", json_integer((json_int_t)d->generation));
	json_object_set_new(status, "needs_restart", sl_command_restart_keys(d->restart_needed));
	json_object_set_new(status, "workers", json_integer(d->rules->workers));
	json_object_set_new(status, "routes", json_integer(d->rules->routes_nr));
	json_object_set_new(status, "access_log",
			    d->rules->logs.access_path ? json_string(d->rules->logs.access_path)
						       : json_null());
	json_object_set_new(status, "log_level",
			    json_string(sl_log_level_names[sl_log_get_level()]));
	json_object_set_new(status, "listeners", make_listeners(d->rules));
	json_object_set_new(status, "upstreams", make_upstreams(d->rules));
	json_object_set_new(status, "names", make_names(d->rules));
	json_object_set_new(status, "certificates", sl_command_certificates_sum(d));
	json_object_set_new(status, "kernel", sl_kernel_status(d));
	json_object_set_new(status, "sandbox", sl_sandbox_status(d));
	json_object_set_new(status, "counters", make_counters(d));
	return status;
}

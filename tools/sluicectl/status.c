// SPDX-License-Identifier: Apache-2.0
// sluicectl status: what the daemon is, what it has counted, where it listens and sends to.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

/* Counters come as one flat list; the front of a name says which line it belongs to. */
static const char *const groups[] = { "connections", "requests", "responses",
				      "upstream",    "tls",	 NULL };

#define LABEL "%-13s"

static void print_uptime(json_int_t seconds)
{
	if (seconds >= 86400)
		printf("%" JSON_INTEGER_FORMAT "d ", seconds / 86400);
	if (seconds >= 3600)
		printf("%" JSON_INTEGER_FORMAT "h ", seconds / 3600 % 24);
	if (seconds >= 60)
		printf("%" JSON_INTEGER_FORMAT "m ", seconds / 60 % 60);
	printf("%" JSON_INTEGER_FORMAT "s\n", seconds % 60);
}

/* What the daemon did not tell has no line. */
static void print_member(const json_t *status, const char *name, const char *label)
{
	const json_t *value = json_object_get(status, name);
	char mem[512];

	if (json_is_string(value))
		printf(LABEL "%s\n", label, ctl_printable(value, mem, sizeof(mem)));
	else if (json_is_integer(value))
		printf(LABEL "%" JSON_INTEGER_FORMAT "\n", label, json_integer_value(value));
}

/* Who enforces lists and limits, and what is lost where it is not the kernel. */
static void print_kernel(const json_t *kernel)
{
	const json_t *lost = json_object_get(kernel, "lost");
	char by[64], why[512];

	if (!kernel || json_is_null(kernel))
		return;
	printf(LABEL "%s\n", "enforced by",
	       ctl_printable(json_object_get(kernel, "enforced_by"), by, sizeof(by)));
	if (json_string_length(lost))
		printf(LABEL "%s\n", "lost", ctl_printable(lost, why, sizeof(why)));
}

/* What workers cannot do whoever takes them over, and what they still can. */
static void print_sandbox(const json_t *sandbox)
{
	json_int_t refused = json_integer_value(json_object_get(sandbox, "refused"));
	const json_t *item;
	char name[64], reason[128];
	size_t i;

	if (!sandbox)
		return;
	printf(LABEL "%s", "sandbox",
	       ctl_printable(json_object_get(sandbox, "mode"), name, sizeof(name)));
	json_array_foreach(json_object_get(sandbox, "in_force"), i, item)
		printf("%s %s", i ? "," : ":", ctl_printable(item, name, sizeof(name)));
	if (refused)
		printf("; %" JSON_INTEGER_FORMAT " calls refused", refused);
	putchar('\n');
	json_array_foreach(json_object_get(sandbox, "lost"), i, item)
		printf(LABEL "%s: %s\n", "lost",
		       ctl_printable(json_object_get(item, "layer"), name, sizeof(name)),
		       ctl_printable(json_object_get(item, "reason"), reason, sizeof(reason)));
}

static void print_certificates(const json_t *sum)
{
	json_int_t nr = json_integer_value(json_object_get(sum, "count"));
	json_int_t left_s = json_integer_value(json_object_get(sum, "left_s"));
	char name[300];

	if (nr == 0)
		return;
	ctl_printable(json_object_get(sum, "first_to_end"), name, sizeof(name));
	printf(LABEL "%" JSON_INTEGER_FORMAT "; ", "certificates", nr);
	if (left_s > 0)
		printf("%s ends in %" JSON_INTEGER_FORMAT " days\n", name, left_s / 86400);
	else
		printf("%s has expired\n", name);
}

static void print_daemon(const json_t *status)
{
	char version[64], state[64];

	printf("sluiced %s, %s for ",
	       ctl_printable(json_object_get(status, "version"), version, sizeof(version)),
	       ctl_printable(json_object_get(status, "state"), state, sizeof(state)));
	print_uptime(json_integer_value(json_object_get(status, "uptime_s")));
	print_member(status, "pid", "pid");
	print_member(status, "config", "config");
	print_member(status, "generation", "generation");
	print_member(status, "workers", "workers");
	print_member(status, "routes", "routes");
	print_member(status, "access_log", "access log");
	print_member(status, "log_level", "log level");
	print_kernel(json_object_get(status, "kernel"));
	print_sandbox(json_object_get(status, "sandbox"));
	print_certificates(json_object_get(status, "certificates"));
	ctl_print_restart_keys(status);
}

/* Whether the kernel has a part in its TLS, and why not. */
static void print_listener_tls(const json_t *tls)
{
	const json_t *lost = json_object_get(tls, "lost");
	char mode[32], why[256];

	if (!tls)
		return;
	printf("%-24skernel_tls %s%s%s\n", "",
	       ctl_printable(json_object_get(tls, "kernel_tls"), mode, sizeof(mode)),
	       json_is_string(lost) ? ", lost: " : "",
	       json_is_string(lost) ? ctl_printable(lost, why, sizeof(why)) : "");
}

static void print_listeners(const json_t *listeners)
{
	char name[128], address[256];
	const json_t *item;
	size_t i;

	puts("\nlisteners");
	json_array_foreach(listeners, i, item)
	{
		ctl_printable(json_object_get(item, "name"), name, sizeof(name));
		ctl_printable(json_object_get(item, "address"), address, sizeof(address));
		printf("  %-22s%s\n", name, address);
		print_listener_tls(json_object_get(item, "tls"));
	}
}

static void print_upstreams(const json_t *upstreams)
{
	const json_t *item, *targets, *target;
	char name[128], address[256];
	size_t i, k;

	if (json_array_size(upstreams) > 0)
		puts("\nupstreams");
	json_array_foreach(upstreams, i, item)
	{
		targets = json_object_get(item, "targets");
		ctl_printable(json_object_get(item, "name"), name, sizeof(name));
		json_array_foreach(targets, k, target)
		{
			ctl_printable(target, address, sizeof(address));
			printf("  %-22s%s\n", k ? "" : name, address);
		}
	}
}

/* NULL for a name of no group. */
static const char *group_of(const char *name)
{
	for (unsigned i = 0; groups[i]; i++) {
		size_t n = strlen(groups[i]);

		if (strncmp(name, groups[i], n) == 0 && (!name[n] || name[n] == '_'))
			return groups[i];
	}
	return NULL;
}

/* "requests_bad" is "bad" on the line of "requests", and "requests" itself is "total". */
static void print_counters(json_t *counters, const char *group)
{
	size_t skip = group ? strlen(group) : 0;
	bool is_first = true;
	const char *name;
	json_t *value;

	json_object_foreach(counters, name, value)
	{
		if (group_of(name) != group)
			continue;
		if (is_first)
			printf(LABEL, group ? group : "other");
		printf("%s%s %" JSON_INTEGER_FORMAT, is_first ? "" : "  ",
		       !group	    ? name
		       : name[skip] ? name + skip + 1
				    : "total",
		       json_integer_value(value));
		is_first = false;
	}
	if (!is_first)
		putchar('\n');
}

static void print_status(const json_t *status)
{
	json_t *counters = json_object_get(status, "counters");

	print_daemon(status);
	putchar('\n');
	for (unsigned i = 0; groups[i]; i++)
		print_counters(counters, groups[i]);
	print_counters(counters, NULL);
	print_listeners(json_object_get(status, "listeners"));
	print_upstreams(json_object_get(status, "upstreams"));
}

enum ctl_exit ctl_status_show(struct ctl *ctl, char **arguments)
{
	json_t *status;
	enum ctl_exit code = ctl_ask(ctl, "status", &status);

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, status);
	print_status(status);
	json_decref(status);
	return CTL_OK;
}

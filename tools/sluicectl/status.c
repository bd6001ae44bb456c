// SPDX-License-Identifier: Apache-2.0
// sluicectl status: what the daemon is, where it listens, where it sends to, what it has counted.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

/* Counters come as one flat list; the front of a name says where it belongs. */
static const char *const groups[] = { "connections", "requests", "responses", "upstream", NULL };

/* Names come from a file that somebody wrote: no control character of theirs moves our cursor. */
static const char *printable(const json_t *value, char *mem, size_t size)
{
	const char *from = json_string_value(value);
	size_t n = 0;

	for (; from && from[n] && n < size - 1; n++)
		mem[n] = (unsigned char)from[n] < ' ' || from[n] == 0x7f ? '?' : from[n];
	mem[n] = '\0';
	return mem;
}

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

static void print_daemon(const json_t *status)
{
	char mem[512];

	printf("sluiced %s\n", printable(json_object_get(status, "version"), mem, sizeof(mem)));
	printf("  %-22s%" JSON_INTEGER_FORMAT "\n", "pid",
	       json_integer_value(json_object_get(status, "pid")));
	printf("  %-22s", "uptime");
	print_uptime(json_integer_value(json_object_get(status, "uptime_s")));
	printf("  %-22s%s\n", "config",
	       printable(json_object_get(status, "config"), mem, sizeof(mem)));
	printf("  %-22s%" JSON_INTEGER_FORMAT "\n", "workers",
	       json_integer_value(json_object_get(status, "workers")));
}

static void print_listeners(const json_t *listeners)
{
	char name[128], address[256];
	const json_t *item;
	size_t i;

	puts("\nlisteners");
	json_array_foreach(listeners, i, item)
		printf("  %-22s%s\n", printable(json_object_get(item, "name"), name, sizeof(name)),
		       printable(json_object_get(item, "address"), address, sizeof(address)));
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
		printable(json_object_get(item, "name"), name, sizeof(name));
		json_array_foreach(targets, k, target) printf(
			"  %-22s%s\n", k ? "" : name, printable(target, address, sizeof(address)));
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

/* "requests_bad" is "bad" below "requests", and "requests" itself is "total". */
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
			printf("\n%s\n", group ? group : "other");
		is_first = false;
		printf("  %-22s%" JSON_INTEGER_FORMAT "\n",
		       !group	    ? name
		       : name[skip] ? name + skip + 1
				    : "total",
		       json_integer_value(value));
	}
}

static void print_status(const json_t *status)
{
	json_t *counters = json_object_get(status, "counters");

	print_daemon(status);
	print_listeners(json_object_get(status, "listeners"));
	print_upstreams(json_object_get(status, "upstreams"));
	for (unsigned i = 0; groups[i]; i++)
		print_counters(counters, groups[i]);
	print_counters(counters, NULL);
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

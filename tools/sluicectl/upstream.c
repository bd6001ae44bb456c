// SPDX-License-Identifier: Apache-2.0
// sluicectl upstream: how the targets fare, and taking one out of service.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static json_int_t number(const json_t *t, const char *key)
{
	return json_integer_value(json_object_get(t, key));
}

/* How it fails and for how long it has, or how long ago something failed. */
static void describe_failure(const json_t *t, char *ret_text, size_t size)
{
	char word[24];

	ctl_printable(json_object_get(t, "last_error"), word, sizeof(word));
	if (!json_object_get(t, "last_error"))
		snprintf(ret_text, size, "-");
	else if (json_object_get(t, "failing_ms"))
		snprintf(ret_text, size, "%s for %" JSON_INTEGER_FORMAT " s", word,
			 number(t, "failing_ms") / 1000);
	else
		snprintf(ret_text, size, "%s %" JSON_INTEGER_FORMAT " s ago", word,
			 number(t, "last_error_ms") / 1000);
}

static void print_target(const char *upstream, const json_t *t)
{
	char name[128], address[128], state[32], failure[64];

	ctl_printable(json_object_get(t, "name"), name, sizeof(name));
	ctl_printable(json_object_get(t, "address"), address, sizeof(address));
	ctl_printable(json_object_get(t, "state"), state, sizeof(state));
	describe_failure(t, failure, sizeof(failure));
	printf("%-16s %-28s %-10s %6" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT
	       " %11" JSON_INTEGER_FORMAT " %10" JSON_INTEGER_FORMAT " %8" JSON_INTEGER_FORMAT
	       "  %s%s%s\n",
	       upstream, name, state, number(t, "weight"), number(t, "in_flight"),
	       number(t, "connections"), number(t, "requests"), number(t, "failures"), failure,
	       strcmp(name, address) ? "  " : "", strcmp(name, address) ? address : "");
}

enum ctl_exit ctl_upstream_show(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL, *upstream, *target;
	enum ctl_exit code = ctl_ask(ctl, "upstream show", &answer);
	char name[128];
	size_t i, k;

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	printf("%-16s %-28s %-10s %6s %9s %11s %10s %8s  %s\n", "UPSTREAM", "TARGET", "STATE",
	       "WEIGHT", "IN_FLIGHT", "CONNECTIONS", "REQUESTS", "FAILURES", "LAST_ERROR");
	json_array_foreach(json_object_get(answer, "upstreams"), i, upstream)
	{
		ctl_printable(json_object_get(upstream, "name"), name, sizeof(name));
		json_array_foreach(json_object_get(upstream, "targets"), k, target)
			print_target(name, target);
	}
	json_decref(answer);
	return CTL_OK;
}

static enum ctl_exit set(struct ctl *ctl, const char *verb, const char *target)
{
	char line[512];
	json_t *answer = NULL;
	enum ctl_exit code;

	if (strlen(target) > 400 || strchr(target, ' ') || strchr(target, '\n'))
		return ctl_fail(ctl, CTL_USAGE, "'%.64s' is no target", target);
	snprintf(line, sizeof(line), "upstream %s %s", verb, target);
	code = ctl_ask(ctl, line, &answer);
	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	printf("%s: %s\n", target, json_string_value(json_object_get(answer, "state")));
	json_decref(answer);
	return CTL_OK;
}

enum ctl_exit ctl_upstream_drain(struct ctl *ctl, char **arguments)
{
	return set(ctl, "drain", arguments[0]);
}

enum ctl_exit ctl_upstream_disable(struct ctl *ctl, char **arguments)
{
	return set(ctl, "disable", arguments[0]);
}

enum ctl_exit ctl_upstream_enable(struct ctl *ctl, char **arguments)
{
	return set(ctl, "enable", arguments[0]);
}

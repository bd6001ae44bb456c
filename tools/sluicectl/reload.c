// SPDX-License-Identifier: Apache-2.0
// sluicectl config reload: the daemon reads its file again.
#include <inttypes.h>
#include <stdio.h>

#include "ctl.h"

static enum ctl_exit print_refusal(const json_t *answer)
{
	const char *reason = json_string_value(json_object_get(answer, "reason"));
	const json_t *fault;
	size_t i;

	json_array_foreach(json_object_get(answer, "faults"), i, fault)
		fprintf(stderr, "%s\n", json_string_value(fault));
	if (reason)
		fprintf(stderr, "%s\n", reason);
	fputs("not reloaded: the running configuration goes on\n", stderr);
	return CTL_FAULTS;
}

static enum ctl_exit print_success(const json_t *answer)
{
	printf("reloaded: generation %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " ms\n",
	       json_integer_value(json_object_get(answer, "generation")),
	       json_integer_value(json_object_get(answer, "ms")));
	ctl_print_restart_keys(answer);
	return CTL_OK;
}

enum ctl_exit ctl_config_reload(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL;
	enum ctl_exit code = ctl_ask(ctl, "config reload", &answer);

	if (code != CTL_OK)
		return code;
	code = json_is_true(json_object_get(answer, "reloaded")) ? CTL_OK : CTL_FAULTS;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer) == CTL_OK ? code : CTL_FAILED;
	code = code == CTL_OK ? print_success(answer) : print_refusal(answer);
	json_decref(answer);
	return code;
}

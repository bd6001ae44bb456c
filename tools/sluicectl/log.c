// SPDX-License-Identifier: Apache-2.0
// sluicectl log: turns the daemon's own log up or down, and has the logs opened anew.
#include <stdio.h>

#include "base/log.h"
#include "ctl.h"

enum ctl_exit ctl_log_level(struct ctl *ctl, char **arguments)
{
	char line[64] = "log level", mem[64];
	enum ctl_exit code = CTL_OK;
	const char *level;
	json_t *answer;

	if (arguments[0]) {
		level = ctl_find_word(ctl, "level", arguments[0], sl_log_level_names, "log help",
				      &code);
		if (!level)
			return code;
		snprintf(line, sizeof(line), "log level %s", level);
	}
	code = ctl_ask(ctl, line, &answer);
	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	puts(ctl_printable(json_object_get(answer, "level"), mem, sizeof(mem)));
	json_decref(answer);
	return CTL_OK;
}

static void print_file(const char *what, const json_t *path)
{
	char mem[512];

	if (json_is_string(path))
		printf("%-12s%s\n", what, ctl_printable(path, mem, sizeof(mem)));
}

enum ctl_exit ctl_log_reopen(struct ctl *ctl, char **arguments)
{
	json_t *answer;
	enum ctl_exit code = ctl_ask(ctl, "log reopen", &answer);

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	print_file("access log", json_object_get(answer, "access"));
	print_file("error log", json_object_get(answer, "error_log"));
	json_decref(answer);
	return CTL_OK;
}

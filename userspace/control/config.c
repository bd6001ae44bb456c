// SPDX-License-Identifier: Apache-2.0
// Command "config reload".
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/command.h"
#include "control/reload.h"

/* A line a fault, as the file's own check prints them. */
static json_t *split_lines(char *text)
{
	json_t *lines = json_array(), *item;
	char *save, *line;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		item = json_string(line);
		json_array_append_new(lines, item ? item : json_string("(not UTF-8)"));
	}
	return lines;
}

static json_t *refused(char *faults, int error)
{
	json_t *answer = json_pack("{s:b}", "reloaded", 0);

	if (error == -EINVAL || (faults && faults[0]))
		json_object_set_new(answer, "faults", split_lines(faults));
	else
		json_object_set_new(answer, "reason", json_string(strerror(-error)));
	return answer;
}

static json_t *reloaded(struct sl_daemon *d, uint64_t start_ns)
{
	json_t *answer =
		json_pack("{s:b,s:I,s:I}", "reloaded", 1, "generation", (json_int_t)d->generation,
			  "ms", (json_int_t)((sl_now_ns() - start_ns) / SL_MS));
	json_t *keys = json_array();
	const char *key;

	for (unsigned i = 0; (key = sl_daemon_needs_restart(d, i)); i++)
		json_array_append_new(keys, json_string(key));
	json_object_set_new(answer, "needs_restart", keys);
	return answer;
}

json_t *sl_command_reload(struct sl_daemon *d, const struct sl_command_args *args)
{
	uint64_t start_ns = sl_now_ns();
	char *faults = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&faults, &len);
	json_t *answer;
	int ret;

	if (!errors)
		return sl_command_error("out of memory");
	ret = sl_daemon_reload(d, errors);
	fclose(errors);
	if (ret < 0 && faults)
		fputs(faults, stderr); /* whoever reads the log wants to know too */
	answer = ret < 0 ? refused(faults, ret) : reloaded(d, start_ns);
	free(faults);
	return answer;
}

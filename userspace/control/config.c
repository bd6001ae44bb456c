// SPDX-License-Identifier: Apache-2.0
// Commands "config reload", "config show" and "config diff".
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
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

	json_object_set_new(answer, "needs_restart", sl_command_restart_keys(d->restart_needed));
	return answer;
}

/* Runs `load` with a stream for its faults; *ret_faults is the caller's to free. */
static int with_faults(struct sl_daemon *d,
		       int (*load)(struct sl_daemon *d, FILE *errors, void *arg), void *arg,
		       char **ret_faults)
{
	size_t len = 0;
	FILE *errors = open_memstream(ret_faults, &len);
	int ret;

	if (!errors)
		return -ENOMEM;
	ret = load(d, errors, arg);
	return fclose(errors) == 0 ? ret : -ENOMEM;
}

static int reload(struct sl_daemon *d, FILE *errors, void *arg)
{
	return sl_daemon_reload(d, errors);
}

static int load_fresh(struct sl_daemon *d, FILE *errors, void *arg)
{
	struct sl_config_after running = { .running = d->rules, .changed_fd = -1 };

	return sl_config_load(d->file, &running, errors, arg);
}

json_t *sl_command_reload(struct sl_daemon *d, const struct sl_command_args *args)
{
	uint64_t start_ns = sl_now_ns();
	char *faults = NULL;
	json_t *answer;
	int ret = with_faults(d, reload, NULL, &faults);

	if (ret < 0 && faults)
		fputs(faults, stderr); /* whoever reads the log wants to know too */
	answer = ret < 0 ? refused(faults, ret) : reloaded(d, start_ns);
	free(faults);
	return answer;
}

json_t *sl_command_config_show(struct sl_daemon *d, const struct sl_command_args *args)
{
	json_t *document = NULL;

	if (sl_config_show(d->rules, SL_SHOW_EFFECTIVE, &document) < 0)
		return sl_command_error("out of memory");
	return json_pack("{s:o}", "config", document);
}

json_t *sl_command_config_diff(struct sl_daemon *d, const struct sl_command_args *args)
{
	struct sl_rules *fresh = NULL;
	json_t *changes = NULL, *answer;
	char *faults = NULL;
	int ret = with_faults(d, load_fresh, &fresh, &faults);

	if (ret == 0)
		ret = sl_config_diff(d->rules, fresh, &changes);
	answer = ret < 0 ? refused(faults, ret)
			 : json_pack("{s:o, s:o}", "changes", changes, "needs_restart",
				     sl_command_restart_keys(sl_daemon_needs_restart(d, fresh)));
	sl_config_free(fresh);
	free(faults);
	return answer;
}

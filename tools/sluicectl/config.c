// SPDX-License-Identifier: Apache-2.0
// sluicectl config: checks a configuration as the daemon would, without one.
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* One string a line; the file's text is quoted in them, and may be of any bytes. */
static json_t *split_lines(const char *text)
{
	json_t *lines = json_array(), *line;
	size_t n;

	for (; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		line = json_stringn(text, n);
		if (!line)
			line = json_string("(a line that is not UTF-8)");
		json_array_append_new(lines, line);
	}
	return lines;
}

static enum ctl_exit print_result(const struct ctl *ctl, const char *file, int ret,
				  const char *faults)
{
	enum ctl_exit code = ret < 0 ? CTL_FAULTS : CTL_OK;

	if (!ctl->is_json) {
		fputs(faults, stderr);
		printf("%s: %s\n", file, ret < 0 ? "has faults" : "is fine");
		return code;
	}
	if (ctl_print_json(ctl, json_pack("{s:s?, s:b, s:o}", "file", file, "ok", ret == 0,
					  "faults", split_lines(faults))) != CTL_OK)
		return CTL_FAILED;
	return code;
}

enum ctl_exit ctl_config_check(struct ctl *ctl, char **arguments)
{
	struct sl_rules *rules = NULL;
	enum ctl_exit code;
	char *faults = NULL;
	size_t len;
	FILE *errors = open_memstream(&faults, &len);
	int ret;

	if (!errors)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	ret = sl_config_load(arguments[0], errors, &rules);
	if (fclose(errors) == 0)
		code = print_result(ctl, arguments[0], ret, faults);
	else
		code = ctl_fail(ctl, CTL_FAILED, "out of memory");
	sl_config_free(rules);
	free(faults);
	return code;
}

// SPDX-License-Identifier: Apache-2.0
// sluicectl config: reads configurations as the daemon would, without one.
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

/* CTL_OK with *ret_rules, the caller's to free; else the reason was printed. */
static enum ctl_exit load(const struct ctl *ctl, const char *file, bool is_check,
			  struct sl_rules **ret_rules)
{
	enum ctl_exit code = CTL_OK;
	char *faults = NULL;
	size_t len;
	FILE *errors = open_memstream(&faults, &len);
	int ret;

	if (!errors)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	ret = sl_config_load(file, NULL, errors, ret_rules);
	if (fclose(errors) != 0) {
		code = ctl_fail(ctl, CTL_FAILED, "out of memory");
		sl_config_free(ret < 0 ? NULL : *ret_rules);
	} else if (is_check || ret < 0) {
		code = print_result(ctl, file, ret, faults);
	}
	free(faults);
	return code;
}

enum ctl_exit ctl_load(const struct ctl *ctl, const char *file, struct sl_rules **ret_rules)
{
	return load(ctl, file, false, ret_rules);
}

enum ctl_exit ctl_config_check(struct ctl *ctl, char **arguments)
{
	struct sl_rules *rules = NULL;
	enum ctl_exit code = load(ctl, arguments[0], true, &rules);

	if (code == CTL_OK)
		sl_config_free(rules);
	return code;
}

static enum ctl_exit show_file(const struct ctl *ctl, const char *file, json_t **ret_document)
{
	struct sl_rules *rules = NULL;
	enum ctl_exit code = ctl_load(ctl, file, &rules);

	if (code == CTL_OK)
		sl_config_show(rules, SL_SHOW_EFFECTIVE, ret_document);
	sl_config_free(rules);
	return code;
}

static enum ctl_exit show_running(const struct ctl *ctl, json_t **ret_document)
{
	json_t *answer = NULL;
	enum ctl_exit code = ctl_ask(ctl, "config show", &answer);

	*ret_document = json_incref(json_object_get(answer, "config"));
	json_decref(answer);
	return code;
}

enum ctl_exit ctl_config_show(struct ctl *ctl, char **arguments)
{
	struct ctl pretty = *ctl;
	json_t *document = NULL;
	enum ctl_exit code = arguments[0] ? show_file(ctl, arguments[0], &document)
					  : show_running(ctl, &document);

	if (code != CTL_OK)
		return code;
	pretty.is_pretty |= !ctl->is_json; /* it is for people, and JSON is what they write */
	return ctl_print_json(&pretty, document);
}

static void print_value(const char *before, json_t *value)
{
	fputs(before, stdout);
	json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
}

/* ~ /limits/memory: "256MiB" -> "1GiB" */
static void print_change(json_t *change)
{
	json_t *old = json_object_get(change, "old"), *new = json_object_get(change, "new");
	const char *name = json_string_value(json_object_get(change, "name"));

	printf("%c %s",
	       old && new ? '~'
	       : new	  ? '+'
			  : '-',
	       json_string_value(json_object_get(change, "pointer")));
	if (name)
		printf(" (%s)", name);
	print_value(": ", old ? old : new);
	if (old && new)
		print_value(" -> ", new);
	putchar('\n');
}

static enum ctl_exit print_changes(const struct ctl *ctl, json_t *changes)
{
	enum ctl_exit code = json_array_size(changes) ? CTL_FAULTS : CTL_OK;
	json_t *change;
	size_t i;

	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:O}", "changes", changes)) == CTL_OK
			       ? code
			       : CTL_FAILED;
	json_array_foreach(changes, i, change) print_change(change);
	return code;
}

/* With what the file has otherwise and a reload does not change: that is a difference too. */
static enum ctl_exit print_running_changes(const struct ctl *ctl, json_t *answer, json_t *changes)
{
	json_t *keys = json_object_get(answer, "needs_restart");
	enum ctl_exit code = CTL_FAULTS;

	if (ctl->is_json) {
		json_incref(answer); /* printing takes it over */
		code = ctl_print_json(ctl, answer);
		if (code != CTL_OK)
			return code;
	} else {
		print_changes(ctl, changes);
		ctl_print_restart_keys(answer);
	}
	return json_array_size(changes) || json_array_size(keys) ? CTL_FAULTS : CTL_OK;
}

/* What a reload would change: the daemon reads its file, and goes on as it is. */
static enum ctl_exit diff_running(const struct ctl *ctl)
{
	json_t *answer = NULL, *changes, *fault;
	enum ctl_exit code = ctl_ask(ctl, "config diff", &answer);
	size_t i;

	if (code != CTL_OK)
		return code;
	changes = json_object_get(answer, "changes");
	if (changes) {
		code = print_running_changes(ctl, answer, changes);
		json_decref(answer);
		return code;
	}
	json_array_foreach(json_object_get(answer, "faults"), i, fault)
		fprintf(stderr, "%s\n", json_string_value(fault));
	json_decref(answer);
	return ctl_fail(ctl, CTL_FAILED, "the daemon's file has faults");
}

enum ctl_exit ctl_config_diff(struct ctl *ctl, char **arguments)
{
	struct sl_rules *old = NULL, *new = NULL;
	json_t *changes = NULL;
	enum ctl_exit code;

	if (!arguments[0])
		return diff_running(ctl);
	if (!arguments[1])
		return ctl_fail(ctl, CTL_USAGE, "NEW is missing: two files, or none");
	if (ctl_load(ctl, arguments[0], &old) != CTL_OK)
		return CTL_FAILED; /* CTL_FAULTS says that they differ */
	if (ctl_load(ctl, arguments[1], &new) != CTL_OK) {
		sl_config_free(old);
		return CTL_FAILED;
	}
	if (sl_config_diff(old, new, &changes) == 0)
		code = print_changes(ctl, changes);
	else
		code = ctl_fail(ctl, CTL_FAILED, "out of memory");
	json_decref(changes);
	sl_config_free(old);
	sl_config_free(new);
	return code;
}

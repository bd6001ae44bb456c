// SPDX-License-Identifier: Apache-2.0
// What sluicectl says: errors and JSON, each in one place.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/report.h"
#include "ctl.h"

static void print_error(const struct ctl *ctl, const char *text)
{
	if (ctl->is_quiet)
		return;
	if (ctl->is_json)
		ctl_print_json(ctl, json_pack("{s:s%}", "error", text, strlen(text)));
	else
		fprintf(stderr, "sluicectl: %s%s%s\n", ctl->what, ctl->what[0] ? ": " : "", text);
}

enum ctl_exit ctl_fail(const struct ctl *ctl, enum ctl_exit code, const char *fmt, ...)
{
	char *text;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	print_error(ctl, n < 0 ? "out of memory" : text);
	if (n >= 0)
		free(text);
	return code;
}

enum ctl_exit ctl_print_json(const struct ctl *ctl, json_t *json)
{
	int ret;

	if (!json) {
		fputs("sluicectl: out of memory\n", stderr);
		return CTL_FAILED;
	}
	if (ctl->outputs)
		return json_array_append_new(ctl->outputs, json) < 0 ? CTL_FAILED : CTL_OK;
	ret = json_dumpf(json, stdout, ctl->is_pretty ? JSON_INDENT(2) : JSON_COMPACT);
	json_decref(json);
	putchar('\n');
	return ret < 0 ? CTL_FAILED : CTL_OK;
}

const char *ctl_printable(const json_t *value, char *mem, size_t size)
{
	const char *from = json_string_value(value);
	size_t n = 0;

	for (; from && from[n] && n < size - 1; n++)
		mem[n] = (unsigned char)from[n] < ' ' || from[n] == 0x7f ? '?' : from[n];
	mem[n] = '\0';
	return mem;
}

void ctl_print_restart_keys(const json_t *answer)
{
	char mem[128];
	json_t *key;
	size_t i;

	json_array_foreach(json_object_get(answer, "needs_restart"), i, key)
		printf("  %s is not what the file says, and needs a restart\n",
		       ctl_printable(key, mem, sizeof(mem)));
}

static const char *suggest(const char *word, const char *const *list)
{
	const struct sl_report no_faults = { 0 };

	return sl_suggest(&no_faults, sl_str_of(word), list);
}

enum ctl_exit ctl_fail_word(const struct ctl *ctl, const char *kind, const char *word,
			    const char *const *list, const char *help)
{
	const char *guess = suggest(word, list);

	if (guess)
		return ctl_fail(ctl, CTL_USAGE, "unknown %s '%.64s'; did you mean '%s'?", kind,
				word, guess);
	return ctl_fail(ctl, CTL_USAGE, "unknown %s '%.64s'; try: sluicectl %s", kind, word, help);
}

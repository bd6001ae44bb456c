// SPDX-License-Identifier: Apache-2.0
// The table of commands, and how a line finds its own.
#include "control/command.h"

#include <string.h>

struct command {
	const char *words; /* one or two, as in the line */
	unsigned args_min, args_max;
	json_t *(*run)(struct sl_daemon *d, const struct sl_command_args *args);
};

static const struct command commands[] = {
	{ "status", 0, 0, sl_command_status },
};

json_t *sl_command_error(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

/* What follows the words in the line, or NULL when the line does not begin with them. */
static char *skip_words(char *line, const char *words)
{
	size_t n = strlen(words);

	if (strncmp(line, words, n) != 0)
		return NULL;
	if (line[n] == ' ')
		return line + n + 1;
	return line[n] == '\0' ? line + n : NULL;
}

static bool cut(char *rest, struct sl_command_args *args)
{
	char *save, *word;

	*args = (struct sl_command_args){ .nr = 0 };
	for (word = strtok_r(rest, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (args->nr == SL_COMMAND_ARGS_MAX)
			return false;
		args->word[args->nr++] = word;
	}
	return true;
}

json_t *sl_command_run(struct sl_daemon *d, char *line)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct command *c = &commands[i];
		struct sl_command_args args;
		char *rest = skip_words(line, c->words);

		if (!rest)
			continue;
		if (!cut(rest, &args) || args.nr < c->args_min || args.nr > c->args_max)
			return sl_command_error("wrong number of words for this command");
		return c->run(d, &args);
	}
	return sl_command_error("unknown command");
}

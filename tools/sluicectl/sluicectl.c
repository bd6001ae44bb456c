// SPDX-License-Identifier: Apache-2.0
// sluicectl: the table of objects and commands, and how a command is found in it.
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static enum ctl_exit show_help(struct ctl *ctl, char **arguments);
static enum ctl_exit show_version(struct ctl *ctl, char **arguments);

/* clang-format off */
static const struct ctl_command commands[] = {
	{ "status",  "show",   "",        0, ctl_status_show,   "what the daemon is and counts" },
	{ "config",  "check",  "FILE",    1, ctl_config_check,  "all that is wrong in a file" },
	{ "config",  "show",   "FILE",    1, ctl_config_show,   "a file with all its defaults" },
	{ "config",  "diff",   "OLD NEW", 2, ctl_config_diff,   "what changes between two" },
	{ "config",  "reload", "",        0, ctl_config_reload, "the daemon reads its file again" },
	{ "version", NULL,     "",        0, show_version,      "the version of sluicectl" },
	{ "help",    NULL,     "",        0, show_help,         "this" },
};
/* clang-format on */

enum { COMMANDS_NR = sizeof(commands) / sizeof(*commands) };

/* ---- help ---- */

static enum ctl_exit show_version(struct ctl *ctl, char **arguments)
{
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:s}", "version", SL_VERSION));
	puts("sluicectl " SL_VERSION);
	return CTL_OK;
}

/* The verb "show" may be left out where nothing else is to be said. */
static bool is_default_of_object(const struct ctl_command *c)
{
	return c->verb && c->arguments_nr == 0 && strcmp(c->verb, "show") == 0;
}

/* Every command of an object, or of all.  An object whose verb may be left out shows it in
 * brackets. */
static void print_commands(const char *object)
{
	char text[64];

	for (unsigned i = 0; i < COMMANDS_NR; i++) {
		const struct ctl_command *c = &commands[i];
		bool is_default = is_default_of_object(c);

		if (object && strcmp(c->object, object) != 0)
			continue;
		snprintf(text, sizeof(text), "%s%s%s%s%s%s", c->object, c->verb ? " " : "",
			 is_default ? "[" : "", c->verb ? c->verb : "", is_default ? "] " : " ",
			 c->arguments);
		fprintf(stderr, "  sluicectl [OPTIONS] %-20s %s\n", text, c->doc);
	}
}

static enum ctl_exit show_help(struct ctl *ctl, char **arguments)
{
	fputs("usage: sluicectl [OPTIONS] OBJECT { COMMAND | help }\n\n", stderr);
	print_commands(NULL);
	ctl_print_options();
	fputs("\nExit status: 0 done, 1 failed, 2 faults found, 64 misused, 69 no daemon there, "
	      "77 not permitted.\n",
	      stderr);
	return CTL_OK;
}

static enum ctl_exit help_on(const char *object)
{
	fputs("usage:\n", stderr);
	print_commands(object);
	ctl_print_options();
	return CTL_OK;
}

/* ---- errors ---- */

static enum ctl_exit fail_object(const struct ctl *ctl, const char *word)
{
	const char *list[COMMANDS_NR + 1] = { NULL };

	for (unsigned i = 0; i < COMMANDS_NR; i++)
		list[i] = commands[i].object;
	return ctl_fail_word(ctl, "object", word, list, "help");
}

static enum ctl_exit fail_verb(struct ctl *ctl, const char *object, const char *word)
{
	const char *list[COMMANDS_NR + 2] = { "help", NULL };
	char help[64];
	unsigned n = 1;

	for (unsigned i = 0; i < COMMANDS_NR; i++)
		if (strcmp(commands[i].object, object) == 0 && commands[i].verb)
			list[n++] = commands[i].verb;
	snprintf(help, sizeof(help), "%s help", object);
	snprintf(ctl->what, sizeof(ctl->what), "%s", object);
	if (!word)
		return ctl_fail(ctl, CTL_USAGE, "a command is missing; try: sluicectl %s", help);
	return ctl_fail_word(ctl, "command", word, list, help);
}

/* ---- the command ---- */

/* NULL when no command has this name. */
static const struct ctl_command *find_command(const char *object, const char *verb)
{
	for (unsigned i = 0; i < COMMANDS_NR; i++) {
		const struct ctl_command *c = &commands[i];

		if (strcmp(c->object, object) != 0)
			continue;
		if (!c->verb || (verb ? strcmp(c->verb, verb) == 0 : is_default_of_object(c)))
			return c;
	}
	return NULL;
}

static bool is_object(const char *word)
{
	for (unsigned i = 0; i < COMMANDS_NR; i++)
		if (strcmp(commands[i].object, word) == 0)
			return true;
	return false;
}

static enum ctl_exit run_command(struct ctl *ctl, const struct ctl_command *c, char **arguments)
{
	int n = 0;

	snprintf(ctl->what, sizeof(ctl->what), "%s%s%s", c->object, c->verb ? " " : "",
		 c->verb ? c->verb : "");
	while (n <= c->arguments_nr && arguments[n])
		n++;
	if (n < c->arguments_nr)
		return ctl_fail(ctl, CTL_USAGE, "%s is missing", c->arguments);
	if (n > c->arguments_nr)
		return ctl_fail(ctl, CTL_USAGE, "'%.64s' is one word too many",
				arguments[c->arguments_nr]);
	return c->run(ctl, arguments);
}

static enum ctl_exit run(struct ctl *ctl, struct ctl_words *words)
{
	const char *object = words->word[0], *verb = words->nr > 1 ? words->word[1] : NULL;
	const struct ctl_command *c;

	if (words->wants_version)
		return show_version(ctl, NULL);
	if (!object) {
		show_help(ctl, NULL);
		return words->wants_help ? CTL_OK : CTL_USAGE;
	}
	if (!is_object(object))
		return fail_object(ctl, object);
	if (words->wants_help || (verb && strcmp(verb, "help") == 0))
		return help_on(object);
	c = find_command(object, verb);
	if (!c)
		return fail_verb(ctl, object, verb);
	return run_command(ctl, c, &words->word[c->verb && verb ? 2 : 1]);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	struct ctl_words words = { .nr = 0 };
	enum ctl_exit code;

	ctl_set_default_socket(&ctl);
	code = ctl_read_words(&ctl, argv, &words);
	if (code == CTL_OK)
		code = run(&ctl, &words);
	/* A full disk or a closed pipe behind us: what was asked for did not get there. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("sluicectl: standard output");
		return code == CTL_OK ? CTL_FAILED : code;
	}
	return code;
}

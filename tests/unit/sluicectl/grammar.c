// SPDX-License-Identifier: Apache-2.0
// Words to commands: whole words, beginnings of them, and those that could mean two.
#include "../../../tools/sluicectl/grammar.c"

#include <stdarg.h>

#include "tap.h"

static char said[512];
static const struct ctl_command *ran;
static unsigned arguments_nr;

/* What the other files of sluicectl do, seen from here. */
enum ctl_exit ctl_fail(const struct ctl *ctl, enum ctl_exit code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	return code;
}

enum ctl_exit ctl_fail_word(const struct ctl *ctl, const char *kind, const char *word,
			    const char *const *list, const char *help)
{
	return ctl_fail(ctl, CTL_USAGE, "unknown %s '%s'; try: %s", kind, word, help);
}

enum ctl_exit ctl_print_json(const struct ctl *ctl, json_t *json)
{
	json_decref(json);
	return CTL_OK;
}

void ctl_print_options(FILE *to)
{
}

json_t *ctl_options_json(void)
{
	return json_array();
}

static enum ctl_exit note(const struct ctl_command *c, char **arguments)
{
	ran = c;
	for (arguments_nr = 0; arguments[arguments_nr];)
		arguments_nr++;
	return CTL_OK;
}

#define RUN(nr)                                                                                    \
	static enum ctl_exit run_##nr(struct ctl *ctl, char **arguments)                           \
	{                                                                                          \
		return note(&ctl_commands[nr], arguments);                                         \
	}
RUN(0)
RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)

const struct ctl_command ctl_commands[] = {
	{ "config", "check", "FILE", 1, 1, run_0, "" },
	{ "config", "reload", "", 0, 0, run_1, "" },
	{ "connection", "show", "[NAME]", 0, 1, run_2, "" },
	{ "route", "match", "METHOD URL [FIELD...]", 2, 4, run_3, "" },
	{ "route", "matches", "", 0, 0, run_4, "" },
	{ "upstream", "show", "NAME", 1, 1, run_5, "" },
	{ "version", NULL, "", 0, 0, run_6, "" },
	{ NULL, NULL, NULL, 0, 0, NULL, NULL },
};

static const struct {
	const char *line;
	int command; /* -1: none */
	unsigned arguments_nr;
	const char *said;
} cases[] = {
	{ "config check f", 0, 1, "" },
	{ "conf c f", 0, 1, "" },
	{ "config r", 1, 0, "" },
	{ "con", -1, 0, "ambiguous object 'con': 'config' or 'connection'" },
	{ "conn", 2, 0, "" },
	{ "connection s x", 2, 1, "" },
	{ "connection x", -1, 0, "unknown command 'x'; try: connection help" },
	{ "connection s x y", -1, 0, "'y' is one word too many" },
	{ "config", -1, 0, "a command is missing; try: sluicectl config help" },
	{ "config check", -1, 0, "FILE is missing" },
	{ "route match", -1, 0, "METHOD URL [FIELD...] is missing" },
	{ "route match a b", 3, 2, "" },
	{ "route match a b c d", 3, 4, "" },
	{ "route match a b c d e", -1, 0, "'e' is one word too many" },
	{ "route mat", -1, 0, "ambiguous command 'mat': 'match' or 'matches'" },
	{ "r match a b", 3, 2, "" },
	{ "upstream", -1, 0, "a command is missing; try: sluicectl upstream help" },
	{ "u s x", 5, 1, "" },
	{ "version", 6, 0, "" },
	{ "v", 6, 0, "" },
	{ "version x", -1, 0, "'x' is one word too many" },
	{ "versions", -1, 0, "unknown object 'versions'; try: help" },
	{ "Config check f", -1, 0, "unknown object 'Config'; try: help" },
};

static void run_line(const char *line)
{
	struct ctl_words words = { .nr = 0 };
	struct ctl ctl = { 0 };
	char mem[128], *save;
	enum ctl_exit code;

	strcpy(mem, line);
	for (char *w = strtok_r(mem, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words.word[words.nr++] = w;
	ran = NULL;
	arguments_nr = 0;
	said[0] = '\0';
	code = ctl_run(&ctl, &words);
	is_int(code, said[0] ? CTL_USAGE : CTL_OK, "%s", line);
}

int main(void)
{
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		run_line(cases[i].line);
		ok(ran == (cases[i].command < 0 ? NULL : &ctl_commands[cases[i].command]),
		   "runs what it should");
		is_int(arguments_nr, cases[i].arguments_nr, "with its arguments");
		is_str(sl_str_of(said), cases[i].said, "and says what it should");
	}
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// The options of sluicectl, and where it looks for the daemon.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "config/rundir.h"
#include "ctl.h"
#include "kern/gate.h"
#include "sluice/admin.h"

/* clang-format off */
static const struct option {
	char letter;
	const char *name, *argument, *doc;
} options[] = {
	{ 'j', "json",    NULL,   "print JSON" },
	{ 'p', "pretty",  NULL,   "print JSON for people to read" },
	{ 'c', "config",  "FILE", "the routes of a file, instead of the daemon's" },
	{ 's', "socket",  "PATH", "the daemon's control socket" },
	{ 'r', "run-dir", "DIR",  "the daemon's run_dir, which that socket is in" },
	{ 'P', "pins",    "DIR",  "where the kernel half's maps are pinned" },
	{ 'o', "once",    NULL,   "top: show one interval, and end" },
	{ 'V', "version", NULL,   "print the version" },
	{ 'h', "help",    NULL,   "print this" },
};
/* clang-format on */

/* Keywords that people write as options: "--count 5" is "count 5". */
static const char *const keywords[] = { "access-log", "alg",  "at",	 "audience",
					"count",      "for",  "issuer",	 "jwks",
					"leeway",     "list", "max-age", "pcap",
					"punishment", "rate", "typ",	 NULL };

enum { OPTIONS_NR = sizeof(options) / sizeof(*options) };

void ctl_print_options(FILE *to)
{
	char text[64];

	fputs("\nOPTIONS\n", to);
	for (unsigned i = 0; i < OPTIONS_NR; i++) {
		const struct option *o = &options[i];

		snprintf(text, sizeof(text), "--%s %s", o->name, o->argument ? o->argument : "");
		fprintf(to, "  -%c, %-16s %s\n", o->letter, text, o->doc);
	}
}

json_t *ctl_options_json(void)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < OPTIONS_NR; i++) {
		const struct option *o = &options[i];

		json_array_append_new(list, json_pack("{s:s#, s:s, s:s?, s:s}", "letter",
						      &o->letter, 1, "name", o->name, "argument",
						      o->argument, "doc", o->doc));
	}
	return list;
}

static const struct option *find_option(const char *name, size_t len)
{
	for (unsigned i = 0; i < OPTIONS_NR; i++)
		if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

static const struct option *find_letter(char letter)
{
	for (unsigned i = 0; i < OPTIONS_NR; i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

static enum ctl_exit fail_option(const struct ctl *ctl, const char *name)
{
	const char *list[OPTIONS_NR + 1] = { NULL };

	for (unsigned i = 0; i < OPTIONS_NR; i++)
		list[i] = options[i].name;
	return ctl_fail_word(ctl, "option", name, list, "help");
}

static enum ctl_exit set_socket(struct ctl *ctl, const char *dir, const char *name)
{
	size_t size = sizeof(ctl->daemon.sun_path);
	int n;

	ctl->daemon.sun_family = AF_UNIX;
	n = snprintf(ctl->daemon.sun_path, size, "%s%s%s", dir, *name ? "/" : "", name);
	if (n < (int)size)
		return CTL_OK;
	return ctl_fail(ctl, CTL_USAGE,
			"'%s': too long: the path of a socket has at most %zu bytes", dir,
			size - 1);
}

/* The daemon's own rule for a configuration without gateway.run_dir. */
void ctl_set_default_socket(struct ctl *ctl)
{
	char path[SL_RUN_DIR_MAX];

	sl_run_dir_default(path);
	/* Not a stranger's, and without a daemon of ours the one of the system may be for us. */
	if (!sl_run_dir_is_safe(path))
		strcpy(path, SL_ADMIN_RUN_DIR);
	set_socket(ctl, path, SL_ADMIN_SOCKET);
}

void ctl_set_default_pins(struct ctl *ctl)
{
	const char *dir = getenv("SLUICE_PINS");

	ctl->pins = dir && *dir ? dir : SL_BPFFS "/" SL_ABI_DIR;
}

static enum ctl_exit apply_option(struct ctl *ctl, struct ctl_words *words, char letter,
				  const char *argument)
{
	switch (letter) {
	case 'p':
		ctl->is_pretty = true;
		ctl->is_json = true;
		return CTL_OK;
	case 'j':
		ctl->is_json = true;
		return CTL_OK;
	case 'c':
		ctl->file = argument;
		return CTL_OK;
	case 's':
		return set_socket(ctl, argument, "");
	case 'r':
		return set_socket(ctl, argument, SL_ADMIN_SOCKET);
	case 'P':
		ctl->pins = argument;
		return CTL_OK;
	case 'o':
		ctl->is_once = true;
		return CTL_OK;
	case 'V':
		words->wants_version = true;
		return CTL_OK;
	default:
		words->wants_help = true;
		return CTL_OK;
	}
}

/* A keyword that has dashes before it, and perhaps its value behind a '='. */
static bool take_keyword(struct ctl_words *words, char *text)
{
	size_t len = strcspn(text, "=");

	for (const char *const *k = keywords; *k; k++) {
		if (strlen(*k) != len || memcmp(*k, text, len) != 0 ||
		    words->nr + 2 > CTL_WORDS_MAX)
			continue;
		words->word[words->nr++] = (char *)*k;
		if (text[len])
			words->word[words->nr++] = text + len + 1;
		return true;
	}
	return false;
}

/* "--name", "--name=VALUE" or "--name VALUE"; no short form of a name, which a later one could
 * take. */
static enum ctl_exit read_long(struct ctl *ctl, struct ctl_words *words, char ***next)
{
	char *text = *(*next)++ + 2;
	const char *equals = strchrnul(text, '=');
	const struct option *o = find_option(text, (size_t)(equals - text));

	if (!o && take_keyword(words, text))
		return CTL_OK;
	if (!o)
		return fail_option(ctl, text);
	if (!o->argument && *equals)
		return ctl_fail(ctl, CTL_USAGE, "option '--%s' takes no value", o->name);
	if (!o->argument)
		return apply_option(ctl, words, o->letter, NULL);
	if (*equals)
		return apply_option(ctl, words, o->letter, equals + 1);
	if (!**next)
		return ctl_fail(ctl, CTL_USAGE, "option '--%s' needs a %s", o->name, o->argument);
	return apply_option(ctl, words, o->letter, *(*next)++);
}

/* "-jp", "-rDIR" or "-r DIR". */
static enum ctl_exit read_letters(struct ctl *ctl, struct ctl_words *words, char ***next)
{
	enum ctl_exit code = CTL_OK;

	for (const char *text = *(*next)++ + 1; *text && code == CTL_OK; text++) {
		const struct option *o = find_letter(*text);

		if (!o)
			return ctl_fail(ctl, CTL_USAGE, "unknown option '-%c'; try: sluicectl help",
					*text);
		if (!o->argument) {
			code = apply_option(ctl, words, o->letter, NULL);
			continue;
		}
		if (text[1])
			return apply_option(ctl, words, o->letter, text + 1);
		if (!**next)
			return ctl_fail(ctl, CTL_USAGE, "option '-%c' needs a %s", o->letter,
					o->argument);
		return apply_option(ctl, words, o->letter, *(*next)++);
	}
	return code;
}

/* Options may stand anywhere; "--" ends them. */
enum ctl_exit ctl_read_words(struct ctl *ctl, char **argv, struct ctl_words *words)
{
	enum ctl_exit code = CTL_OK;
	bool has_ended = false;
	char **next = argv + 1;

	while (code == CTL_OK && *next) {
		const char *text = *next;

		if (!has_ended && strcmp(text, "--") == 0) {
			has_ended = true;
			next++;
		} else if (!has_ended && strncmp(text, "--", 2) == 0) {
			code = read_long(ctl, words, &next);
		} else if (!has_ended && text[0] == '-' && text[1]) {
			code = read_letters(ctl, words, &next);
		} else if (words->nr == CTL_WORDS_MAX) {
			code = ctl_fail(ctl, CTL_USAGE, "'%.64s': too many words", text);
		} else {
			words->word[words->nr++] = *next++;
		}
	}
	return code;
}

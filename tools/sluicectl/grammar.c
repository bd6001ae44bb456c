// SPDX-License-Identifier: Apache-2.0
// From words to a command of the table, and the help, which is the same table printed.
#include <stdio.h>
#include <string.h>

#include "ctl.h"

enum { LIST_MAX = 64 };

/* ---- help ---- */

/* The verb "show" may be left out where nothing else has to be said. */
static bool is_default_of_object(const struct ctl_command *c)
{
	return c->verb && c->args_min == 0 && strcmp(c->verb, "show") == 0;
}

/* A command that may be left out stands in brackets, with what nobody can say without it. */
static void write_usage(const struct ctl_command *c, char *text, size_t size)
{
	const char *space = c->arguments[0] ? " " : "";

	if (is_default_of_object(c))
		snprintf(text, size, "%s [%s%s%s]", c->object, c->verb, space, c->arguments);
	else
		snprintf(text, size, "%s%s%s %s", c->object, c->verb ? " " : "",
			 c->verb ? c->verb : "", c->arguments);
}

static void print_commands(FILE *to, const char *object)
{
	char text[128];

	for (const struct ctl_command *c = ctl_commands; c->object; c++) {
		if (object && strcmp(c->object, object) != 0)
			continue;
		write_usage(c, text, sizeof(text));
		fprintf(to, "  %-43s  %s\n", text, c->doc);
	}
}

void ctl_print_help(FILE *to, const char *object)
{
	if (object)
		fprintf(to, "usage: sluicectl [OPTIONS] %s { COMMAND | help }\n\n", object);
	else
		fputs("usage: sluicectl [OPTIONS] OBJECT { COMMAND | help }\n\n", to);
	print_commands(to, object);
	ctl_print_options(to);
	fputs("\nA word may be cut as long as it is the only one that begins so.\n"
	      "Exit status: 0 done, 1 failed, 2 faults found, 64 misused, 69 no daemon there,\n"
	      "77 not permitted.\n",
	      to);
}

static json_t *commands_json(const char *object)
{
	json_t *list = json_array();

	for (const struct ctl_command *c = ctl_commands; c->object; c++)
		if (!object || strcmp(c->object, object) == 0)
			json_array_append_new(list,
					      json_pack("{s:s, s:s?, s:s, s:s}", "object",
							c->object, "command", c->verb, "arguments",
							c->arguments, "doc", c->doc));
	return list;
}

static enum ctl_exit show_help(const struct ctl *ctl, const char *object)
{
	if (ctl->is_json)
		return ctl_print_json(ctl,
				      json_pack("{s:o, s:o}", "commands", commands_json(object),
						"options", ctl_options_json()));
	ctl_print_help(stdout, object);
	return CTL_OK;
}

enum ctl_exit ctl_help_show(struct ctl *ctl, char **arguments)
{
	return show_help(ctl, NULL);
}

/* ---- words ---- */

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "a, b or c" of those that the word could mean; how many there are. */
static unsigned list_meanings(const char *word, const char *const *list, char *text, size_t size)
{
	const char *found[LIST_MAX];
	unsigned nr = 0;
	size_t len = 0;

	for (; *list && nr < LIST_MAX; list++)
		if (begins_with(*list, word))
			found[nr++] = *list;
	for (unsigned i = 0; i < nr && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s'%s'",
					i == 0	      ? ""
					: i + 1 == nr ? " or "
						      : ", ",
					found[i]);
	return nr;
}

const char *ctl_find_word(const struct ctl *ctl, const char *kind, const char *word,
			  const char *const *list, const char *help, enum ctl_exit *ret_code)
{
	const char *found = NULL;
	char text[256];
	unsigned nr;

	for (const char *const *w = list; *w; w++) {
		if (strcmp(*w, word) == 0)
			return *w;
		if (begins_with(*w, word))
			found = *w;
	}
	nr = *word ? list_meanings(word, list, text, sizeof(text)) : 0;
	if (nr == 1)
		return found;
	if (nr > 1)
		*ret_code = ctl_fail(ctl, CTL_USAGE, "ambiguous %s '%.64s': %s", kind, word, text);
	else
		*ret_code = ctl_fail_word(ctl, kind, word, list, help);
	return NULL;
}

static bool begins_one_of(const char *word, const char *const *list)
{
	while (*list && !begins_with(*list, word))
		list++;
	return *list != NULL;
}

/* "[error|warn|info|debug]": is the word one of these? */
static bool is_argument(const char *arguments, const char *word)
{
	size_t len = strlen(word);

	if (!strchr(arguments, '|') || !len)
		return false;
	for (const char *p = arguments; (p = strstr(p, word)); p += len)
		if (p > arguments && strchr("[|{", p[-1]) && strchr("]|}", p[len]))
			return true;
	return false;
}

/* The one command that the word is the verb of, or, with its object said, an argument of. */
static const struct ctl_command *guess_command(const char *object, const char *word)
{
	const struct ctl_command *found = NULL;

	for (const struct ctl_command *c = ctl_commands; c->object; c++) {
		bool is_meant = object ? strcmp(c->object, object) == 0 && c->verb &&
						 is_argument(c->arguments, word)
				       : c->verb && strcmp(c->verb, word) == 0;

		if (is_meant && found)
			return NULL;
		if (is_meant)
			found = c;
	}
	return found;
}

/* A word in the wrong place: the command that it belongs to is named.  CTL_OK when it has none. */
static enum ctl_exit guess(const struct ctl *ctl, const char *kind, const char *object,
			   const char *word, const char *const *list)
{
	const struct ctl_command *c =
		begins_one_of(word, list) ? NULL : guess_command(object, word);

	if (!c)
		return CTL_OK;
	return ctl_fail(ctl, CTL_USAGE, "unknown %s '%.64s'; did you mean '%s %s%s%s'?", kind, word,
			c->object, c->verb, object ? " " : "", object ? word : "");
}

/* Each once, in the order of the table. */
static const char *find_object(struct ctl *ctl, const char *word, enum ctl_exit *ret_code)
{
	const char *list[LIST_MAX + 1];
	unsigned nr = 0;

	for (const struct ctl_command *c = ctl_commands; c->object && nr < LIST_MAX; c++)
		if (nr == 0 || strcmp(list[nr - 1], c->object) != 0)
			list[nr++] = c->object;
	list[nr] = NULL;
	*ret_code = guess(ctl, "object", NULL, word, list);
	return *ret_code == CTL_OK ? ctl_find_word(ctl, "object", word, list, "help", ret_code)
				   : NULL;
}

static const char *find_verb(struct ctl *ctl, const char *object, const char *word,
			     enum ctl_exit *ret_code)
{
	const char *list[LIST_MAX + 2];
	char help[64];
	unsigned nr = 0;

	for (const struct ctl_command *c = ctl_commands; c->object && nr < LIST_MAX; c++)
		if (c->verb && strcmp(c->object, object) == 0)
			list[nr++] = c->verb;
	list[nr++] = "help";
	list[nr] = NULL;
	snprintf(help, sizeof(help), "%s help", object);
	snprintf(ctl->what, sizeof(ctl->what), "%s", object);
	*ret_code = guess(ctl, "command", object, word, list);
	return *ret_code == CTL_OK ? ctl_find_word(ctl, "command", word, list, help, ret_code)
				   : NULL;
}

/* verb NULL: the object stands alone, or its command was left out. */
static const struct ctl_command *find_command(const char *object, const char *verb)
{
	for (const struct ctl_command *c = ctl_commands; c->object; c++) {
		if (strcmp(c->object, object) != 0)
			continue;
		if (!c->verb || (verb ? strcmp(c->verb, verb) == 0 : is_default_of_object(c)))
			return c;
	}
	return NULL;
}

static bool stands_alone(const char *object)
{
	const struct ctl_command *c = find_command(object, NULL);

	return c && !c->verb;
}

/* ---- the command ---- */

static enum ctl_exit run_command(struct ctl *ctl, const struct ctl_command *c, char **arguments)
{
	unsigned n = 0;

	snprintf(ctl->what, sizeof(ctl->what), "%s%s%s", c->object, c->verb ? " " : "",
		 c->verb ? c->verb : "");
	while (arguments[n])
		n++;
	if (n > 0 && n < c->args_min)
		return ctl_fail(ctl, CTL_USAGE, "'%.64s' is not all: it takes %s", arguments[0],
				c->arguments);
	if (n < c->args_min)
		return ctl_fail(ctl, CTL_USAGE, "%s is missing", c->arguments);
	if (n > c->args_max)
		return ctl_fail(ctl, CTL_USAGE, "'%.64s' is one word too many",
				arguments[c->args_max]);
	if (ctl->file && strcmp(c->object, "route") != 0)
		return ctl_fail(ctl, CTL_USAGE, "option '--config' is for 'route' only");
	return c->run(ctl, arguments);
}

enum ctl_exit ctl_run(struct ctl *ctl, struct ctl_words *words)
{
	const char *object, *verb = NULL;
	const struct ctl_command *c;
	enum ctl_exit code = CTL_OK;

	ctl->what[0] = '\0';
	object = words->nr ? find_object(ctl, words->word[0], &code) : NULL;
	if (code == CTL_OK && object && words->nr > 1 &&
	    (!stands_alone(object) || strcmp(words->word[1], "help") == 0))
		verb = find_verb(ctl, object, words->word[1], &code);
	if (code != CTL_OK)
		return code;
	if (words->nr > 1 && !verb && strcmp(words->word[1], "help") == 0)
		verb = "help"; /* of one that stands alone */
	if (!object || words->wants_help || (verb && strcmp(verb, "help") == 0))
		return show_help(ctl, object);
	c = find_command(object, verb);
	if (!c)
		return ctl_fail(ctl, CTL_USAGE, "a command is missing; try: sluicectl %s help",
				object);
	return run_command(ctl, c, &words->word[verb ? 2 : 1]);
}

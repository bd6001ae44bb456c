// SPDX-License-Identifier: Apache-2.0
// sluicectl deny list and allow list: named lists, the files that they are made of, and reading
// those again.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/links.h"
#include "lists.h"

/* ---- where a list came from ---- */

/*
 * A symbolic link beside the pins says what a list was made of: the file and the keywords, a line
 * each.  A BPF file system has no files, but links may say anything; and this one goes when the
 * list does.
 */
#define SOURCE_MAX 4096

static bool is_good_name(const char *name)
{
	return *name && strlen(name) < SL_RULE_NAME_MAX &&
	       name[strspn(name,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] ==
		       '\0';
}

static void source_path(const struct ctl *ctl, bool denies, const char *name, char path[static 512])
{
	int n = snprintf(path, 512, "%s/" SL_LIST_PREFIX "%s_", ctl->pins,
			 denies ? "deny" : "allow");

	snprintf(path + n, n < 512 ? (size_t)(512 - n) : 0, "%s", name);
	for (char *c = path + n; n < 512 && *c; c++)
		if (*c == '.') /* such names are the kernel's own there */
			*c = ':';
}

/* False: nobody knows. */
static bool read_source(const struct ctl *ctl, bool denies, const char *name,
			char source[static SOURCE_MAX])
{
	char path[512];
	ssize_t n;

	if (!is_good_name(name))
		return false;
	source_path(ctl, denies, name, path);
	n = readlink(path, source, SOURCE_MAX - 1);
	if (n <= 0)
		return false;
	source[n] = '\0';
	return true;
}

static bool begins(const char *word, const char *beginning, size_t least)
{
	return strlen(beginning) >= least && strncmp(word, beginning, strlen(beginning)) == 0;
}

/* File and keywords, without those that are about this one change. */
static int write_source(const struct ctl *ctl, bool denies, const char *name, const char *file,
			char **words)
{
	char source[SOURCE_MAX], path[512];
	int n = snprintf(source, sizeof(source), "%s", file);

	while (*words && n < SOURCE_MAX) {
		bool is_once = begins("force", *words, 3) || begins("confirm-within", *words, 3);
		bool is_alone = begins("force", *words, 3) || begins("skip-bad", *words, 1);

		for (int i = 0; i < 2 - is_alone && *words; i++, words++)
			if (!is_once && n < SOURCE_MAX)
				n += snprintf(source + n, (size_t)(SOURCE_MAX - n), "\n%s", *words);
	}
	if (n >= SOURCE_MAX)
		return -ENAMETOOLONG;
	source_path(ctl, denies, name, path);
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return symlink(source, path) < 0 ? -errno : 0;
}

/* ---- show ---- */

static json_t *count_lists(const struct lists *l, bool denies)
{
	json_t *counts = json_object();

	for (size_t i = 0; i < l->all.nr; i++) {
		const struct sl_rule *rule = &l->all.rules[l->all.prefixes[i].rule];
		json_t *count = json_object_get(counts, rule->list);

		if (sl_rule_denies(rule) != denies)
			continue;
		if (count)
			json_integer_set(count, json_integer_value(count) + 1);
		else
			json_object_set_new(counts, rule->list, json_integer(1));
	}
	return counts;
}

static enum ctl_exit show_lists(struct ctl *ctl, bool denies, const char *name)
{
	char source[SOURCE_MAX];
	json_t *counts, *list = json_array(), *count;
	enum ctl_exit code;
	const char *key;
	struct lists l;

	code = lists_open(ctl, false, &l);
	if (code != CTL_OK)
		return code;
	counts = count_lists(&l, denies);
	lists_close(&l);
	if (!ctl->is_json)
		printf("%-32s %10s %s\n", "LIST", "ENTRIES", "FILE");
	json_object_foreach(counts, key, count)
	{
		if (name && strcmp(name, key) != 0)
			continue;
		/* The first word of where it came from. */
		if (!read_source(ctl, denies, key, source))
			source[0] = '\0';
		source[strcspn(source, "\n")] = '\0';
		json_array_append_new(list, json_pack("{s:s, s:O, s:s?}", "list", key, "entries",
						      count, "file", source[0] ? source : NULL));
		if (!ctl->is_json)
			printf("%-32s %10" JSON_INTEGER_FORMAT " %s\n", key,
			       json_integer_value(count), source[0] ? source : "-");
	}
	json_decref(counts);
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:o}", "lists", list));
	json_decref(list);
	return CTL_OK;
}

/* ---- add, reload, del ---- */

/* words: CTL_WORDS_MAX of them at most. */
static enum ctl_exit load_named(struct ctl *ctl, bool denies, const char *name, const char *file,
				char **words)
{
	char *arguments[CTL_WORDS_MAX + 4] = { (char *)file, "list", (char *)name };

	for (unsigned i = 3; *words && i < CTL_WORDS_MAX + 3; i++)
		arguments[i] = *words++;
	return denies ? ctl_deny_load(ctl, arguments) : ctl_allow_load(ctl, arguments);
}

static enum ctl_exit add_list(struct ctl *ctl, bool denies, char **arguments)
{
	const char *name = arguments[0], *file = name ? arguments[1] : NULL;
	enum ctl_exit code;
	char *whole;
	int ret;

	if (!file)
		return ctl_fail(ctl, CTL_USAGE, "%s is missing", name ? "FILE" : "NAME");
	if (!is_good_name(name))
		return ctl_fail(ctl, CTL_USAGE,
				"'%.64s': a name is up to %d letters, digits, '-', '_' and '.'",
				name, SL_RULE_NAME_MAX - 1);
	whole = realpath(file, NULL);
	if (!whole)
		return ctl_fail(ctl, CTL_FAILED, "%s: %s", file, strerror(errno));
	for (char **word = arguments + 2; *word; word++)
		if (strchr(*word, '\n') || strchr(whole, '\n')) {
			free(whole);
			return ctl_fail(ctl, CTL_USAGE, "a line end cannot be kept");
		}
	code = load_named(ctl, denies, name, whole, arguments + 2);
	ret = code == CTL_OK ? write_source(ctl, denies, name, whole, arguments + 2) : 0;
	free(whole);
	if (ret < 0)
		return ctl_fail(ctl, CTL_FAILED,
				"the list holds, but cannot be reloaded by its name: %s",
				strerror(-ret));
	return code;
}

/* What was said when it was added, and what is said now. */
static enum ctl_exit reload_list(struct ctl *ctl, bool denies, char **arguments)
{
	char source[SOURCE_MAX], *words[CTL_WORDS_MAX + 1] = { NULL }, *rest = source, *file;
	unsigned nr = 0;

	if (!arguments[0])
		return ctl_fail(ctl, CTL_USAGE, "NAME is missing");
	if (!read_source(ctl, denies, arguments[0], source))
		return ctl_fail(ctl, CTL_FAILED,
				"'%.64s': no list was added by this name; see: %s list",
				arguments[0], denies ? "deny" : "allow");
	file = strsep(&rest, "\n");
	while (rest && nr < CTL_WORDS_MAX)
		words[nr++] = strsep(&rest, "\n");
	for (char **word = arguments + 1; *word && nr < CTL_WORDS_MAX; word++)
		words[nr++] = *word;
	return load_named(ctl, denies, arguments[0], file, words);
}

static enum ctl_exit del_list(struct ctl *ctl, bool denies, char **arguments)
{
	char *words[CTL_WORDS_MAX + 2] = { "list" }, path[512];
	enum ctl_exit code;

	if (!arguments[0])
		return ctl_fail(ctl, CTL_USAGE, "NAME is missing");
	for (unsigned i = 0; arguments[i] && i < CTL_WORDS_MAX; i++)
		words[i + 1] = arguments[i];
	code = denies ? ctl_deny_flush(ctl, words) : ctl_allow_flush(ctl, words);
	if (code == CTL_OK && is_good_name(arguments[0])) {
		source_path(ctl, denies, arguments[0], path);
		unlink(path);
	}
	return code;
}

static enum ctl_exit list(struct ctl *ctl, bool denies, char **arguments)
{
	static const char *const verbs[] = { "show", "add", "reload", "del", NULL };
	enum ctl_exit code = CTL_OK;
	const char *verb = verbs[0];

	if (arguments[0])
		verb = ctl_find_word(ctl, "command", arguments[0], verbs, "deny help", &code);
	if (!verb)
		return code;
	if (strcmp(verb, "add") == 0)
		return add_list(ctl, denies, arguments + 1);
	if (strcmp(verb, "reload") == 0)
		return reload_list(ctl, denies, arguments + 1);
	if (strcmp(verb, "del") == 0)
		return del_list(ctl, denies, arguments + 1);
	if (arguments[0] && arguments[1] && arguments[2])
		return ctl_fail(ctl, CTL_USAGE, "'%.64s' is one word too many", arguments[2]);
	return show_lists(ctl, denies, arguments[0] ? arguments[1] : NULL);
}

LISTS_BOTH(list)

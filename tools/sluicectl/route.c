// SPDX-License-Identifier: Apache-2.0
// sluicectl route: what the routes are, and which of them takes a request, and why.
#include "config/routes.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "ctl.h"
#include "sluice/admin.h"

/* ---- a route in one line ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Names come from a file that somebody wrote: no control character of theirs moves our cursor. */
static void print_safe(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void print_list(const json_t *list, const char *none)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		fputs(none, stdout);
	json_array_foreach(list, i, item)
	{
		fputs(i ? "," : "", stdout);
		print_safe(json_string_value(item) ? json_string_value(item) : "");
	}
}

/* " header a=1", " query b~[0-9]+", " header !c" */
static void print_conditions(const char *kind, json_t *conditions)
{
	const char *name;
	json_t *value;

	json_object_foreach(conditions, name, value)
	{
		const char *regex = json_string_value(json_object_get(value, "regex"));

		printf(" %s %s", kind, json_is_false(json_object_get(value, "present")) ? "!" : "");
		print_safe(name);
		if (regex)
			putchar('~');
		else if (json_is_string(value))
			putchar('=');
		print_safe(regex ? regex : json_is_string(value) ? json_string_value(value) : "");
	}
}

static void print_action(const json_t *route)
{
	json_t *status = json_object_get(route, "respond");

	fputs("  -> ", stdout);
	if (status)
		printf("respond %" JSON_INTEGER_FORMAT, json_integer_value(status));
	else if (json_object_get(route, "redirect"))
		fputs("redirect ", stdout);
	print_safe(text_of(route, "redirect"));
	print_safe(text_of(route, "upstream"));
}

static void print_match(const json_t *route)
{
	print_list(json_object_get(route, "methods"), "*");
	putchar(' ');
	print_list(json_object_get(route, "hosts"), "*");
	fputs(json_object_get(route, "path_regex") ? " ~" : " ", stdout);
	print_safe(text_of(route, "path"));
	print_safe(text_of(route, "path_regex"));
	print_conditions("header", json_object_get(route, "headers"));
	print_conditions("query", json_object_get(route, "query"));
}

static void print_name(const json_t *route)
{
	fputs("  ", stdout);
	print_safe(text_of(route, "name"));
	for (size_t n = strlen(text_of(route, "name")); n < 20; n++)
		putchar(' ');
	fputs("  ", stdout);
}

static enum ctl_exit show_file(const struct ctl *ctl, json_t **ret_answer)
{
	struct sl_rules *rules = NULL;

	if (ctl_load(ctl, ctl->file, &rules) != CTL_OK)
		return CTL_FAILED;
	*ret_answer = sl_routes_show(rules);
	sl_config_free(rules);
	return *ret_answer ? CTL_OK : ctl_fail(ctl, CTL_FAILED, "out of memory");
}

enum ctl_exit ctl_route_show(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL, *route;
	enum ctl_exit code =
		ctl->file ? show_file(ctl, &answer) : ctl_ask(ctl, "route show", &answer);
	size_t i;

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	json_array_foreach(json_object_get(answer, "routes"), i, route)
	{
		print_name(route);
		print_match(route);
		print_action(route);
		putchar('\n');
	}
	json_decref(answer);
	return CTL_OK;
}

/* ---- which one takes a request ---- */

static void print_verdict(const json_t *candidate)
{
	static const struct {
		const char *verdict, *text;
	} texts[] = {
		{ "taken", "takes it" },
		{ "later", "comes later" },
		{ "header", "header fails: " },
		{ "query", "query parameter fails: " },
		{ "method", "does not take the method" },
		{ "not asked", "is not asked: a closer host has the path" },
	};
	const char *verdict = text_of(candidate, "verdict");

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(texts[i].verdict, verdict) == 0)
			fputs(texts[i].text, stdout);
	print_safe(text_of(candidate, "failed"));
}

static void print_params(json_t *params)
{
	const char *name;
	json_t *value;

	json_object_foreach(params, name, value)
	{
		fputs("  ", stdout);
		print_safe(name);
		fputs(" = ", stdout);
		print_safe(json_string_value(value) ? json_string_value(value) : "");
		putchar('\n');
	}
}

static void print_result(const json_t *answer)
{
	const json_t *takes = json_object_get(answer, "takes");

	if (takes) {
		print_safe(text_of(answer, "route"));
		print_action(takes);
		putchar('\n');
		print_params(json_object_get(answer, "params"));
		return;
	}
	printf("no route: %" JSON_INTEGER_FORMAT " ",
	       json_integer_value(json_object_get(answer, "status")));
	print_safe(text_of(answer, "result"));
	if (json_object_get(answer, "allow")) {
		fputs(", allowed: ", stdout);
		print_list(json_object_get(answer, "allow"), "");
	}
	if (json_object_get(answer, "why")) {
		fputs(": ", stdout);
		print_safe(text_of(answer, "why"));
	}
	putchar('\n');
}

static void print_candidates(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "candidates"), *candidate;
	json_int_t more = json_integer_value(json_object_get(answer, "candidates_nr"));
	size_t i;

	if (!list)
		return;
	puts("candidates, in their precedence");
	json_array_foreach(list, i, candidate)
	{
		print_name(candidate);
		print_match(candidate);
		fputs("  ", stdout);
		print_verdict(candidate);
		putchar('\n');
	}
	more -= (json_int_t)json_array_size(list);
	if (more > 0)
		printf("  and %" JSON_INTEGER_FORMAT " more\n", more);
	printf("  %" JSON_INTEGER_FORMAT " for other hosts, %" JSON_INTEGER_FORMAT
	       " for other paths\n",
	       json_integer_value(json_object_get(answer, "other_hosts")),
	       json_integer_value(json_object_get(answer, "other_paths")));
}

/* A word of the line: bytes that could not stand there are escaped.  False when it is too long. */
static bool put_word(char *line, size_t size, size_t *len, const char *word)
{
	bool fits = *len + 1 < size;

	if (fits)
		line[(*len)++] = ' ';
	for (; *word && fits; word++) {
		unsigned char c = (unsigned char)*word;
		int n = snprintf(line + *len, size - *len,
				 c <= ' ' || c >= 0x7f || c == '%' ? "%%%02X" : "%c", c);

		*len += (size_t)n;
		fits = *len < size;
	}
	return fits;
}

static enum ctl_exit check_words(const struct ctl *ctl, char **words)
{
	for (char **word = words; *word; word++) {
		if (!**word)
			return ctl_fail(ctl, CTL_USAGE, "a word is empty");
		if (word >= words + 2 && !strchr(*word, ':'))
			return ctl_fail(ctl, CTL_USAGE, "'%.64s' is not HEADER:VALUE", *word);
	}
	return CTL_OK;
}

static enum ctl_exit match_running(const struct ctl *ctl, char **words, json_t **ret_answer)
{
	char line[SL_ADMIN_LINE_MAX - 1] = "route match"; /* and its end */
	size_t len = strlen(line);

	for (char **word = words; *word; word++)
		if (!put_word(line, sizeof(line), &len, *word))
			return ctl_fail(ctl, CTL_USAGE,
					"'%.64s...': all words together are too long", *word);
	return ctl_ask(ctl, line, ret_answer);
}

/* CTL_FAULTS says that no route takes the request, not that the file has faults. */
static enum ctl_exit match_file(const struct ctl *ctl, char **words, json_t **ret_answer)
{
	struct sl_rules *rules = NULL;
	const char *error;
	unsigned nr = 0;

	if (ctl_load(ctl, ctl->file, &rules) != CTL_OK)
		return CTL_FAILED;
	while (words[nr])
		nr++;
	*ret_answer = sl_routes_match(rules, words, nr);
	sl_config_free(rules);
	if (!*ret_answer)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	error = json_string_value(json_object_get(*ret_answer, "error"));
	if (!error)
		return CTL_OK;
	ctl_fail(ctl, CTL_USAGE, "%s", error);
	json_decref(*ret_answer);
	return CTL_USAGE;
}

enum ctl_exit ctl_route_match(struct ctl *ctl, char **arguments)
{
	enum ctl_exit code = check_words(ctl, arguments);
	json_t *answer = NULL;

	if (code == CTL_OK)
		code = ctl->file ? match_file(ctl, arguments, &answer)
				 : match_running(ctl, arguments, &answer);
	if (code != CTL_OK)
		return code;
	code = json_object_get(answer, "takes") ? CTL_OK : CTL_FAULTS;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer) == CTL_OK ? code : CTL_FAILED;
	print_result(answer);
	print_candidates(answer);
	json_decref(answer);
	return code;
}

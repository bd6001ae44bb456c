// SPDX-License-Identifier: Apache-2.0
// sluicectl batch: the commands of a file, a line each, up to the first that fails.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

enum { LINE_MAX_BYTES = 64 << 10 };

struct batch {
	FILE *in;
	const char *name;
	unsigned line_nr, commands_nr;
	json_t *results;	   /* NULL: text */
	char line[LINE_MAX_BYTES]; /* with the lines that continue it */
};

/* ---- lines ---- */

/* 1 with a line, continued ones joined; 0 at the end; negative when it is too long. */
static int read_line(struct batch *b)
{
	size_t len = 0;

	b->line[0] = '\0';
	while (fgets(b->line + len, (int)(sizeof(b->line) - len), b->in)) {
		b->line_nr++;
		len += strlen(b->line + len);
		if (len == sizeof(b->line) - 1)
			return -E2BIG;
		if (len && b->line[len - 1] == '\n')
			b->line[--len] = '\0';
		if (len == 0 || b->line[len - 1] != '\\')
			return 1;
		b->line[len - 1] = ' ';
	}
	return len > 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A word without its quotes, in place, and what comes behind it; NULL when a quote has no end. */
static char *cut_word(char *p, char **ret_rest)
{
	char *to = p, quote = '\0';
	bool was_end;

	for (; *p && (quote || !is_blank(*p)); p++) {
		if (quote ? *p == quote : (*p == '"' || *p == '\''))
			quote = quote ? '\0' : *p;
		else
			*to++ = *p;
	}
	was_end = !*p;
	*to = '\0';
	*ret_rest = was_end ? p : p + 1;
	return quote ? NULL : p;
}

/* NULL, or what is wrong with the line.  '#' begins a comment where a word could begin. */
static const char *cut_line(char *p, struct ctl_words *words)
{
	char *rest;

	*words = (struct ctl_words){ .nr = 0 };
	for (;; p = rest) {
		while (is_blank(*p))
			p++;
		if (!*p || *p == '#')
			return NULL;
		if (words->nr == CTL_WORDS_MAX)
			return "too many words";
		words->word[words->nr++] = p;
		if (!cut_word(p, &rest))
			return "a quote without its partner";
	}
}

/* ---- commands ---- */

static json_t *words_json(const struct ctl_words *words)
{
	json_t *list = json_array(), *word;

	for (unsigned i = 0; i < words->nr; i++) {
		word = json_string(words->word[i]);
		json_array_append_new(list, word ? word : json_string("(not UTF-8)"));
	}
	return list;
}

/* With JSON, what the command prints becomes the "output" beside it. */
static enum ctl_exit run_words(struct ctl *ctl, struct ctl_words *words, json_t *results)
{
	json_t *command = words_json(words);
	enum ctl_exit code;

	ctl->outputs = results ? json_array() : NULL;
	code = ctl_run(ctl, words);
	if (results)
		json_array_append_new(results,
				      json_pack("{s:O, s:O?}", "command", command, "output",
						json_array_get(ctl->outputs, 0)));
	json_decref(ctl->outputs);
	json_decref(command);
	ctl->outputs = NULL;
	return code;
}

/* With JSON, the last of the results. */
static enum ctl_exit fail_line(struct ctl *ctl, const struct batch *b, const char *why)
{
	char *text;

	snprintf(ctl->what, sizeof(ctl->what), "batch file");
	if (!b->results)
		return ctl_fail(ctl, CTL_USAGE, "%s:%u: %s", b->name, b->line_nr, why);
	if (asprintf(&text, "%s:%u: %s", b->name, b->line_nr, why) < 0)
		return CTL_FAILED;
	json_array_append_new(b->results,
			      json_pack("{s:n, s:{s:s}}", "command", "output", "error", text));
	free(text);
	return CTL_USAGE;
}

static enum ctl_exit run_line(struct ctl *ctl, struct batch *b)
{
	struct ctl_words words;
	const char *why = cut_line(b->line, &words);
	enum ctl_exit code;

	if (why)
		return fail_line(ctl, b, why);
	if (words.nr == 0)
		return CTL_OK;
	code = run_words(ctl, &words, b->results);
	if (code == CTL_OK)
		b->commands_nr++;
	else if (!b->results) /* there, the reason is the last output */
		fprintf(stderr, "sluicectl: %s:%u: failed; what is behind it was not run\n",
			b->name, b->line_nr);
	return code;
}

static enum ctl_exit run_lines(struct ctl *ctl, struct batch *b)
{
	enum ctl_exit code = CTL_OK;
	int ret = 1;

	while (code == CTL_OK && (ret = read_line(b)) > 0)
		code = run_line(ctl, b);
	return ret < 0 ? fail_line(ctl, b, "the line is too long") : code;
}

static enum ctl_exit run_file(struct ctl *ctl, struct batch *b, const char *file)
{
	bool is_stdin = strcmp(file, "-") == 0;
	enum ctl_exit code;

	b->name = is_stdin ? "standard input" : file;
	b->in = is_stdin ? stdin : fopen(file, "re");
	if (!b->in)
		return ctl_fail(ctl, CTL_FAILED, "%s: %s", file, strerror(errno));
	b->results = ctl->is_json ? json_array() : NULL;
	code = run_lines(ctl, b);
	if (!is_stdin)
		fclose(b->in);
	if (b->results)
		ctl_print_json(ctl, b->results);
	else if (code == CTL_OK)
		printf("processed %u commands\n", b->commands_nr);
	return code;
}

enum ctl_exit ctl_batch_file(struct ctl *ctl, char **arguments)
{
	struct batch *b;
	enum ctl_exit code;

	if (ctl->is_batch)
		return ctl_fail(ctl, CTL_USAGE, "a batch in a batch");
	b = calloc(1, sizeof(*b));
	if (!b)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	ctl->is_batch = true;
	code = run_file(ctl, b, arguments[0]);
	ctl->is_batch = false;
	free(b);
	return code;
}

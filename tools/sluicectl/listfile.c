// SPDX-License-Identifier: Apache-2.0
// A file of prefixes, or standard input, for load and diff.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lists.h"

#define LIST_FORMAT_NAME(name, text) text,
const char *const lists_format_names[] = { SL_LIST_FORMATS(LIST_FORMAT_NAME) NULL };

static int read_all(int fd, char **ret_text, size_t *ret_len)
{
	size_t room = 1 << 20, len = 0;
	struct stat st;
	char *text, *grown;
	ssize_t n = 0;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < (off_t)SL_LIST_BYTES_MAX)
		room = (size_t)st.st_size + 1;
	text = malloc(room);
	while (text && (n = read(fd, text + len, room - len)) > 0) {
		len += (size_t)n;
		if (len < room)
			continue;
		room *= 2;
		grown = room <= SL_LIST_BYTES_MAX ? realloc(text, room) : NULL;
		if (!grown)
			free(text);
		text = grown;
	}
	if (!text)
		return -EFBIG;
	if (n < 0) {
		n = -errno;
		free(text);
		return (int)n;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

static void show_progress(struct sl_listfile *f, size_t done, size_t total)
{
	unsigned part = total ? (unsigned)(done * 40 / total) : 40;

	fprintf(stderr, "\r[%-40.*s] %zu prefixes", (int)part,
		"========================================", f->list.nr);
}

static void tell_faults(struct ctl *ctl, const char *name, const struct sl_listfile *f)
{
	size_t nr = f->faults_nr < SL_LIST_FAULTS_MAX ? f->faults_nr : SL_LIST_FAULTS_MAX;

	for (size_t i = 0; i < nr && !ctl->is_json; i++)
		fprintf(stderr, "sluicectl: %s:%zu: %s\n", name, f->faults[i].line,
			f->faults[i].text);
}

static enum ctl_exit fail_faults(struct ctl *ctl, const char *name, const struct sl_listfile *f)
{
	tell_faults(ctl, name, f);
	return ctl_fail(ctl, CTL_FAILED,
			"%s:%zu: %s (%zu %s; nothing is changed; with 'skip-bad' the rest is "
			"loaded)",
			name, f->faults[0].line, f->faults[0].text, f->faults_nr,
			f->faults_nr == 1 ? "bad line" : "bad lines in all");
}

static enum ctl_exit parse(struct ctl *ctl, const char *name, struct sl_str text,
			   const struct lists_words *w, struct sl_listfile *f)
{
	bool has_bar = isatty(STDERR_FILENO) && !ctl->is_json && text.len > 8 << 20;
	int ret;

	f->on_progress = has_bar ? show_progress : NULL;
	ret = sl_listfile_read(f, text);
	if (has_bar)
		fputs("\r\033[K", stderr);
	if (ret == -E2BIG)
		return ctl_fail(ctl, CTL_FAILED,
				"%s: more than %u prefixes, or more than %u different rules", name,
				SL_LIST_ENTRIES_MAX, SL_RULES_MAX);
	if (ret < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s: %s", name, strerror(-ret));
	if (f->faults_nr && !(w->given & LISTS_SKIP))
		return fail_faults(ctl, name, f);
	tell_faults(ctl, name, f);
	return CTL_OK;
}

static enum ctl_exit find_format(struct ctl *ctl, const struct lists_words *w,
				 enum sl_list_format *ret_format)
{
	enum ctl_exit code = CTL_OK;
	const char *name;

	*ret_format = SL_LIST_AUTO;
	if (!w->format)
		return CTL_OK;
	name = ctl_find_word(ctl, "format", w->format, lists_format_names, "deny help", &code);
	while (name && strcmp(lists_format_names[*ret_format], name) != 0)
		(*ret_format)++;
	return code;
}

enum ctl_exit lists_read_file(struct ctl *ctl, const char *file, const struct lists_words *w,
			      struct sl_listfile *f)
{
	bool is_stdin = strcmp(file, "-") == 0;
	const char *name = is_stdin ? "standard input" : file;
	enum ctl_exit code;
	char *text = NULL;
	size_t len = 0;
	int fd, ret;

	*f = (struct sl_listfile){ .defaults = w->entry,
				   .is_list_fixed = (w->given & LISTS_LIST) != 0 };
	code = find_format(ctl, w, &f->format);
	if (code != CTL_OK)
		return code;
	fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	ret = fd < 0 ? -errno : read_all(fd, &text, &len);
	if (fd >= 0 && !is_stdin)
		close(fd);
	if (ret < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s: %s", name, strerror(-ret));
	code = parse(ctl, name, (struct sl_str){ text, len }, w, f);
	free(text);
	return code;
}

// SPDX-License-Identifier: Apache-2.0
// Where texts come from.  A file of its own, so that a test can stand in front of it: no other file
// of this folder opens one.
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/source.h"

enum { READ_STEP = 64 << 10 };

static int read_all(int fd, size_t max, char **ret_text, size_t *ret_len)
{
	size_t len = 0, size = 0;
	char *text = NULL, *grown;
	ssize_t n;

	do {
		if (len == size) {
			size = size ? size * 2 : READ_STEP;
			grown = realloc(text, size);
			if (!grown)
				goto err_nomem;
			text = grown;
		}
		n = read(fd, text + len, size - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len <= max) || (n < 0 && errno == EINTR));
	if (n < 0 || len > max) {
		n = n < 0 ? -errno : -EFBIG;
		free(text);
		return (int)n;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
err_nomem:
	free(text);
	return -ENOMEM;
}

static int judge(int fd, bool is_plain, struct sl_source_id *ret_id)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (is_plain && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (is_plain && !S_ISREG(st.st_mode))
		return -ENOTSUP;
	*ret_id = (struct sl_source_id){ st.st_dev, st.st_ino };
	return 0;
}

static int read_file(const char *path, size_t max, bool is_plain, char **ret_text, size_t *ret_len,
		     struct sl_source_id *ret_id)
{
	/* A pipe without a writer would keep us waiting in open(2). */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_plain ? O_NONBLOCK : 0));
	int ret;

	if (fd < 0)
		return -errno;
	ret = judge(fd, is_plain, ret_id);
	if (ret == 0)
		ret = read_all(fd, max, ret_text, ret_len);
	close(fd);
	return ret;
}

int sl_source_read(const char *path, char **ret_text, size_t *ret_len, struct sl_source_id *ret_id)
{
	return read_file(path, SL_SOURCE_MAX_BYTES, false, ret_text, ret_len, ret_id);
}

int sl_source_read_plain(const char *path, size_t max, char **ret_text, size_t *ret_len,
			 struct sl_source_id *ret_id)
{
	return read_file(path, max, true, ret_text, ret_len, ret_id);
}

static bool is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

/* Takes over the names of g, sorted as they are. */
static int take_names(glob_t *g, char ***ret_names, size_t *ret_nr)
{
	char **names = calloc(g->gl_pathc + 1, sizeof(*names));
	size_t n;

	if (!names)
		return -ENOMEM;
	for (n = 0; n < g->gl_pathc; n++) {
		names[n] = strdup(g->gl_pathv[n]);
		if (!names[n]) {
			sl_source_list_free(names, n);
			return -ENOMEM;
		}
	}
	*ret_names = names;
	*ret_nr = n;
	return 0;
}

/* A directory that cannot be read is an error: what it holds would be missed in silence. */
static int list_pattern(const char *pattern, char ***ret_names, size_t *ret_nr)
{
	glob_t g = { 0 };
	int ret;

	errno = 0;
	ret = glob(pattern, GLOB_ERR, NULL, &g);
	if (ret == GLOB_NOSPACE)
		ret = -ENOMEM;
	else if (ret == GLOB_ABORTED)
		ret = errno ? -errno : -EACCES;
	else
		ret = take_names(&g, ret_names, ret_nr);
	globfree(&g);
	return ret;
}

/* The name of the directory is no pattern, whatever characters it has. */
static int list_directory(const char *path, char ***ret_names, size_t *ret_nr)
{
	char *pattern = malloc(2 * strlen(path) + sizeof("/*.json")), *p = pattern;
	int ret;

	if (!pattern)
		return -ENOMEM;
	for (; *path; path++) {
		if (strchr("*?[\\", *path))
			*p++ = '\\';
		*p++ = *path;
	}
	strcpy(p, "/*.json");
	ret = list_pattern(pattern, ret_names, ret_nr);
	free(pattern);
	return ret;
}

static int list_one(const char *path, char ***ret_names, size_t *ret_nr)
{
	char **names = calloc(2, sizeof(*names));

	if (names)
		names[0] = strdup(path);
	if (!names || !names[0]) {
		free(names);
		return -ENOMEM;
	}
	*ret_names = names;
	*ret_nr = 1;
	return 0;
}

int sl_source_list(const char *path, char ***ret_names, size_t *ret_nr)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? list_directory(path, ret_names, ret_nr)
					   : list_one(path, ret_names, ret_nr);
	if (is_pattern(path))
		return list_pattern(path, ret_names, ret_nr);
	return -errno;
}

void sl_source_list_free(char **names, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(names[i]);
	free(names);
}

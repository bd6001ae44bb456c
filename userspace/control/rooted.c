// SPDX-License-Identifier: Apache-2.0
// Goes along a path part by part, and looks whose each of them is.
#include "control/rooted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 16 };

struct walk {
	char rest[PATH_MAX]; /* what is still to go, from the directory `at` on */
	int at;
	unsigned links;
};

/* In a sticky one others may make what is not there; then that is theirs, which is looked at
 * next. */
static bool is_roots(const struct stat *st)
{
	return st->st_uid == 0 && (!(st->st_mode & (S_IWGRP | S_IWOTH)) || st->st_mode & S_ISVTX);
}

/* Takes over fd. */
static int enter(struct walk *w, int fd)
{
	struct stat st = { 0 };
	int ret = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;

	if (ret == 0 && !is_roots(&st))
		ret = -EPERM;
	if (ret < 0) {
		if (fd >= 0)
			close(fd);
		return ret;
	}
	if (w->at >= 0)
		close(w->at);
	w->at = fd;
	return 0;
}

static int enter_root(struct walk *w)
{
	return enter(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* What the link says comes before the rest. */
static int follow(struct walk *w, int link, const char *rest)
{
	char text[2 * PATH_MAX];
	ssize_t n = readlinkat(link, "", text, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	snprintf(text + n, sizeof(text) - (size_t)n, "/%s", rest);
	if (strlen(text) >= sizeof(w->rest))
		return -ENAMETOOLONG;
	strcpy(w->rest, text);
	return w->rest[0] == '/' ? enter_root(w) : 0;
}

/* One part further; rest is what comes behind it, and may lie in w->rest. */
static int step(struct walk *w, const char *part, const char *rest)
{
	int fd = openat(w->at, part, O_PATH | O_NOFOLLOW | O_CLOEXEC), ret;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
		ret = st.st_uid == 0 ? follow(w, fd, rest) : -EPERM;
		close(fd);
		return ret;
	}
	memmove(w->rest, rest, strlen(rest) + 1);
	if (S_ISDIR(st.st_mode))
		return enter(w, fd);
	close(fd);
	return -ENOTDIR;
}

static int go(struct walk *w)
{
	int ret = enter_root(w);

	while (ret == 0) {
		size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/");
		char part[NAME_MAX + 1];

		if (len == 0)
			return 0;
		if (len >= sizeof(part))
			return -ENAMETOOLONG;
		memcpy(part, w->rest + skip, len);
		part[len] = '\0';
		ret = step(w, part, w->rest + skip + len);
	}
	return ret;
}

int sl_open_rooted_parent(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	struct walk w = { .at = -1 };
	int ret;

	if (path[0] != '/' || !slash[1] || strcmp(slash, "/.") == 0 || strcmp(slash, "/..") == 0)
		return -EINVAL;
	if ((size_t)(slash - path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	memcpy(w.rest, path, (size_t)(slash - path));
	ret = go(&w);
	if (ret < 0) {
		if (w.at >= 0)
			close(w.at);
		return ret;
	}
	*ret_name = slash + 1;
	return w.at;
}

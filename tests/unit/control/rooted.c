// SPDX-License-Identifier: Apache-2.0
// Ways that only root can have laid, and all the others.
#include "control/rooted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

enum { NOBODY = 65534 };

static char top[] = "/tmp/sluice-rooted-XXXXXX";

static const char *in_top(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void make_dir(const char *name, uid_t uid, mode_t mode)
{
	if (mkdir(in_top(name), 0755) < 0 || chown(in_top(name), uid, (gid_t)-1) < 0 ||
	    chmod(in_top(name), mode) < 0)
		abort();
}

static void make_link(const char *name, const char *to, uid_t uid)
{
	if (symlink(to, in_top(name)) < 0 || lchown(in_top(name), uid, (gid_t)-1) < 0)
		abort();
}

static const struct {
	const char *path;
	int want; /* 0: it is opened */
	const char *name;
} ways[] = {
	{ "run", 0, "in a directory of root's" },
	{ "own/a/b", 0, "further down" },
	{ "//own//a/./b", 0, "written otherwise" },
	{ "link/b", 0, "along a link of root's" },
	{ "absolute/b", 0, "along an absolute one" },
	{ "sticky/b", 0, "in a sticky directory, as /tmp is" },
	{ "open/b", -EPERM, "in one that all may write to" },
	{ "group/b", -EPERM, "in one that a group may write to" },
	{ "theirs/b", -EPERM, "in somebody else's" },
	{ "theirs/a/b", -EPERM, "in root's own below that" },
	{ "theirs/../own/b", -EPERM, "through it and out again" },
	{ "their-link/b", -EPERM, "along somebody else's link, wherever to" },
	{ "theirs/link/b", -EPERM, "along root's link in somebody else's directory" },
	{ "to-theirs/b", -EPERM, "along root's link into it" },
	{ "round/b", -ELOOP, "along links without end" },
	{ "file/b", -ENOTDIR, "in a file" },
	{ "none/b", -ENOENT, "in what is not there" },
	{ "own/..", -EINVAL, "what is no name" },
	{ "own/", -EINVAL, "nor is nothing" },
};

static void lay_out(void)
{
	char own[64];

	make_dir("own", 0, 0755);
	make_dir("own/a", 0, 0755);
	make_dir("sticky", 0, 01777);
	make_dir("open", 0, 0777);
	make_dir("group", 0, 0775);
	make_dir("theirs", NOBODY, 0755);
	make_dir("theirs/a", 0, 0755);
	make_link("link", "own/a", 0);
	snprintf(own, sizeof(own), "%s/own", top);
	make_link("absolute", own, 0);
	make_link("their-link", "own", NOBODY);
	make_link("theirs/link", "../own", 0);
	make_link("to-theirs", "theirs", 0);
	make_link("round", "round", 0);
	fclose(fopen(in_top("file"), "w"));
}

static void clear(void)
{
	static const char *const names[] = { "link",	  "absolute", "their-link", "theirs/link",
					     "to-theirs", "round",    "file",	    "own/a",
					     "own",	  "sticky",   "open",	    "group",
					     "theirs/a",  "theirs",   "." };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove(in_top(names[i]));
	rmdir(top);
}

int main(void)
{
	if (geteuid() != 0) {
		puts("1..0 # SKIP only root can lay such ways");
		return 0;
	}
	if (!mkdtemp(top) || chmod(top, 0755) < 0)
		return 1;
	lay_out();
	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const char *name = NULL;
		int fd = sl_open_rooted_parent(in_top(ways[i].path), &name);

		ok(ways[i].want ? fd == ways[i].want : fd >= 0 && name, "%s", ways[i].name);
		if (fd >= 0)
			close(fd);
	}
	is_int(sl_open_rooted_parent("own/b", &(const char *){ NULL }), -EINVAL,
	       "a relative path is none");
	clear();
	return done_testing();
}

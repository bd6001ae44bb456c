// SPDX-License-Identifier: Apache-2.0
// The default run_dir: root's, a session's, and one in /tmp that is trusted only if it is ours.
#include "config/rundir.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static void expect(const char *session, const char *want, const char *name)
{
	char path[SL_RUN_DIR_MAX];

	if (session)
		setenv("XDG_RUNTIME_DIR", session, 1);
	else
		unsetenv("XDG_RUNTIME_DIR");
	sl_run_dir_default(path);
	is_str((struct sl_str){ path, strlen(path) }, want, "%s", name);
}

static void test_root(void)
{
	expect(NULL, "/run/sluice", "root");
	expect("/run/user/0", "/run/sluice", "root does not look at its session");
}

static void test_user(const char *shared)
{
	char session[SL_RUN_DIR_MAX] = "/", want[2 * SL_RUN_DIR_MAX];

	memset(session + 1, 'x', SL_RUN_DIR_MAX - 1 - strlen("//sluice"));
	snprintf(want, sizeof(want), "%s/sluice", session);
	expect(session, want, "a session's directory with the longest name");
	ok(!sl_run_dir_is_shared(want) && sl_run_dir_is_safe(want),
	   "nobody else can write there: nothing has to be asked");
	strcat(session, "x");
	expect(session, shared, "one with too long a name is none");
	expect("s", shared, "nor is a relative one");
	expect(NULL, shared, "without a session");
	ok(sl_run_dir_is_shared(shared), "that is where others may write");
}

/* As the user; the directory is not there at first, and not at the end. */
static void test_safety(const char *shared, uid_t uid)
{
	char elsewhere[96];

	snprintf(elsewhere, sizeof(elsewhere), "%s-elsewhere", shared);
	ok(!sl_run_dir_is_safe(shared), "what is not there is not safe");
	mkdir(shared, 0700);
	ok(sl_run_dir_is_safe(shared), "our own is");
	chmod(shared, 0710);
	ok(!sl_run_dir_is_safe(shared), "unless the group may enter");
	chmod(shared, 0701);
	ok(!sl_run_dir_is_safe(shared), "or anybody");
	chmod(shared, 0700);
	rename(shared, elsewhere);
	ok(symlink(elsewhere, shared) == 0 && !sl_run_dir_is_safe(shared), "a link to it is not");
	unlink(shared);
	rmdir(elsewhere);
	fclose(fopen(shared, "w"));
	ok(!sl_run_dir_is_safe(shared), "nor is a file");
	unlink(shared);
	ok(seteuid(0) == 0 && mkdir(shared, 0700) == 0 && seteuid(uid) == 0, "root makes one");
	ok(!sl_run_dir_is_safe(shared), "nor is somebody else's");
	ok(seteuid(0) == 0 && rmdir(shared) == 0, "root removes it");
}

int main(void)
{
	uid_t uid = 2000000 + (uid_t)getpid(); /* nobody's */
	char shared[SL_RUN_DIR_MAX];

	if (geteuid() != 0) {
		puts("1..0 # SKIP only root can be somebody else");
		return 0;
	}
	test_root();
	snprintf(shared, sizeof(shared), "/tmp/sluice-%u", uid);
	if (seteuid(uid) < 0)
		return 1;
	test_user(shared);
	test_safety(shared, uid);
	return done_testing();
}

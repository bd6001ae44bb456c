// SPDX-License-Identifier: Apache-2.0
// The default of gateway.run_dir.
#include "config/rundir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/admin.h"

static bool is_own_directory(const char *path, struct stat *st)
{
	return lstat(path, st) == 0 && S_ISDIR(st->st_mode) && st->st_uid == geteuid();
}

static void name_shared(char ret_path[SL_RUN_DIR_MAX])
{
	snprintf(ret_path, SL_RUN_DIR_MAX, "/tmp/sluice-%u", geteuid());
}

void sl_run_dir_default(char ret_path[SL_RUN_DIR_MAX])
{
	const char *session = geteuid() == 0 ? NULL : getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (session && session[0] == '/' &&
	    snprintf(ret_path, SL_RUN_DIR_MAX, "%s/sluice", session) < SL_RUN_DIR_MAX)
		return;
	if (geteuid() == 0 || is_own_directory(SL_ADMIN_RUN_DIR, &st))
		strcpy(ret_path, SL_ADMIN_RUN_DIR);
	else
		name_shared(ret_path);
}

bool sl_run_dir_is_shared(const char *path)
{
	char shared[SL_RUN_DIR_MAX];

	name_shared(shared);
	return strcmp(path, shared) == 0;
}

/* In a sticky /tmp nobody but us can put another one in its place afterwards. */
bool sl_run_dir_is_safe(const char *path)
{
	struct stat st;

	return !sl_run_dir_is_shared(path) ||
	       (is_own_directory(path, &st) && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0);
}

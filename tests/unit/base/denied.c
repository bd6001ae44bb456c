// SPDX-License-Identifier: Apache-2.0
// Who may not is told by name, but only where another user could.
#include "base/denied.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tap.h"

static void expect(uid_t uid, int error, const char *want)
{
	struct sl_denied mem;

	if (seteuid(uid) < 0)
		return;
	is_str(sl_str_of(sl_denied(&mem, error)), want, "error %d of user %u", error, uid);
	if (seteuid(0) < 0)
		return;
}

int main(void)
{
	if (geteuid() != 0) {
		puts("1..0 # SKIP only root can be somebody else");
		return 0;
	}
	expect(0, EACCES, "Permission denied");
	expect(65534, EACCES, "Permission denied for user nobody: it needs chown or chmod");
	expect(65534, EPERM, "Operation not permitted for user nobody: it needs chown or chmod");
	expect(65534, ENOENT, "No such file or directory");
	expect(3999999999, EACCES,
	       "Permission denied for user 3999999999: it needs chown or chmod");
	return done_testing();
}

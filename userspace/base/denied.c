// SPDX-License-Identifier: Apache-2.0
// Who may not, and what to do about it.
#include "base/denied.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *sl_denied(struct sl_denied *mem, int error)
{
	uid_t uid = geteuid();
	struct passwd entry, *found = NULL;
	char names[1024];

	if (uid == 0 || (error != EACCES && error != EPERM))
		return strerror(error);
	if (getpwuid_r(uid, &entry, names, sizeof(names), &found) == 0 && found)
		snprintf(mem->text, sizeof(mem->text), "%s for user %.64s: it needs chown or chmod",
			 strerror(error), found->pw_name);
	else
		snprintf(mem->text, sizeof(mem->text), "%s for user %u: it needs chown or chmod",
			 strerror(error), uid);
	return mem->text;
}

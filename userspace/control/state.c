// SPDX-License-Identifier: Apache-2.0
// Where what survives a restart is kept.
#include "control/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "policy/ledger.h"

#define STATE_DIR "/var/lib/sluice"

/* systemd names what StateDirectory= made, several with colons between. */
static bool take_from_environment(char ret_path[PATH_MAX])
{
	const char *directories = getenv("STATE_DIRECTORY");
	size_t len = directories ? strcspn(directories, ":") : 0;

	if (len == 0 || len >= PATH_MAX || *directories != '/')
		return false;
	memcpy(ret_path, directories, len);
	ret_path[len] = '\0';
	return true;
}

const char *sl_state_directory(const struct sl_daemon *d, char mem[PATH_MAX])
{
	if (d->state_dir)
		return d->state_dir;
	if (take_from_environment(mem))
		return mem;
	return geteuid() == 0 ? STATE_DIR : NULL;
}

int sl_state_make(const char *directory)
{
	return mkdir(directory, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_file(struct sl_daemon *d)
{
	char mem[PATH_MAX];
	const char *directory = sl_state_directory(d, mem);
	int ret;

	if (!directory) {
		sl_log_warn("state.quota",
			    "key=/gateway/state_dir effect=\"quotas begin anew with a restart\"");
		return -ENOENT;
	}
	ret = sl_state_make(directory);
	if (ret == 0)
		ret = sl_ledger_open(directory, &d->shared.ledger);
	if (ret < 0)
		sl_log_warn("state.quota",
			    "file=%s/sluice.quota error=\"%s\" key=/gateway/state_dir "
			    "effect=\"quotas begin anew with a restart\"",
			    directory,
			    ret == -EPROTO ? "it is no file of quotas, or another version's"
					   : strerror(-ret));
	return ret;
}

int sl_state_open_ledger(struct sl_daemon *d, const struct sl_rules *rules)
{
	if (!rules->has_quota || d->shared.ledger || open_file(d) == 0)
		return 0;
	return sl_ledger_open(NULL, &d->shared.ledger);
}

void sl_state_tick(struct sl_daemon *d)
{
	if (d->shared.ledger)
		sl_ledger_flush(d->shared.ledger);
}

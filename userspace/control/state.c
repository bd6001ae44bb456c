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
#include "policy/seen.h"

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

/* A table that is kept: what of it is lost without a file is told. */
struct kept {
	const char *event, *file, *effect;
	int (*open)(struct sl_daemon *d, const char *directory);
};

static int open_ledger(struct sl_daemon *d, const char *directory)
{
	return sl_ledger_open(directory, &d->shared.ledger);
}

static int open_seen(struct sl_daemon *d, const char *directory)
{
	return sl_seen_open(directory, &d->shared.seen);
}

static const struct kept ledger = { "state.quota", "sluice.quota",
				    "quotas begin anew with a restart", open_ledger };
static const struct kept seen = { "state.signatures", "sluice.signatures",
				  "a signature may be shown again behind a restart", open_seen };

static int open_file(struct sl_daemon *d, const struct kept *k)
{
	char mem[PATH_MAX];
	const char *directory = sl_state_directory(d, mem);
	int ret;

	if (!directory) {
		sl_log_warn(k->event, "key=/gateway/state_dir effect=\"%s\"", k->effect);
		return -ENOENT;
	}
	ret = sl_state_make(directory);
	if (ret == 0)
		ret = k->open(d, directory);
	if (ret < 0)
		sl_log_warn(k->event,
			    "file=%s/%s error=\"%s\" key=/gateway/state_dir effect=\"%s\"",
			    directory, k->file,
			    ret == -EPROTO ? "it is no such file, or another version's"
					   : strerror(-ret),
			    k->effect);
	return ret;
}

static int open_kept(struct sl_daemon *d, const struct kept *k)
{
	return open_file(d, k) == 0 ? 0 : k->open(d, NULL);
}

int sl_state_open(struct sl_daemon *d, const struct sl_rules *rules)
{
	int ret = 0;

	if (rules->has_quota && !d->shared.ledger)
		ret = open_kept(d, &ledger);
	if (ret == 0 && rules->has_hmac && !d->shared.seen)
		ret = open_kept(d, &seen);
	return ret;
}

void sl_state_tick(struct sl_daemon *d)
{
	if (d->shared.ledger)
		sl_ledger_flush(d->shared.ledger);
}

// SPDX-License-Identifier: Apache-2.0
// Gives up root: user, groups, capabilities.
#include "control/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "control/rooted.h"
#include "sluice/admin.h"

struct identity {
	const char *name;
	uid_t uid;
	gid_t gid;
};

void sl_user_give_up_gaining(void)
{
	/* A file's own capabilities, setcap(8), survive an upgrade: they are no gain. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* ---- who ---- */

static int look_up_group(const char *name, gid_t *ret_gid)
{
	const struct group *gr = getgrnam(name); // NOLINT(concurrency-mt-unsafe): nobody else asks

	if (!gr) {
		sl_log_error("user.unknown",
			     "group=%s error=\"there is no such group\" key=/gateway/group", name);
		return -ENOENT;
	}
	*ret_gid = gr->gr_gid;
	return 0;
}

static int look_up(struct identity *id, const struct sl_rules *rules)
{
	const struct passwd *pw = getpwnam(rules->user);

	if (!pw) {
		sl_log_error("user.unknown",
			     "user=%s error=\"there is no such user\" key=/gateway/user "
			     "hint=\"useradd --system %s\"",
			     rules->user, rules->user);
		return -ENOENT;
	}
	*id = (struct identity){ rules->user, pw->pw_uid, pw->pw_gid };
	return rules->group ? look_up_group(rules->group, &id->gid) : 0;
}

/* ---- the way down ---- */

/* Only what is missing, or root's own: a directory that somebody else made is not for us to give
 * away, and neither is "/run". */
static void give_dir_in(int parent, const char *name, const char *path, mode_t mode,
			const struct identity *id)
{
	bool is_made = mkdirat(parent, name, mode) == 0;
	struct stat st;
	int fd;

	if (!is_made && strcmp(path, SL_ADMIN_RUN_DIR) != 0)
		return;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return; /* who wants to use it will say why */
	if (fstat(fd, &st) == 0 && st.st_uid == 0 && fchown(fd, id->uid, id->gid) < 0)
		sl_log_warn("user.directory", "path=%s error=\"%s\"", path, strerror(errno));
	close(fd);
}

/* Where somebody else may have laid the way, root makes nothing: the user tries it himself, and the
 * log will say how that went. */
static void give_dir(const char *path, mode_t mode, const struct identity *id)
{
	const char *name;
	int parent = sl_open_rooted_parent(path, &name);

	if (parent < 0)
		return;
	give_dir_in(parent, name, path, mode, id);
	close(parent);
}

/* Without CAP_SETPCAP, as in some containers, they stay possible and out of reach: nothing that we
 * start may gain any. */
static void drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap != CAP_NET_BIND_SERVICE)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/* A reload may bring a listener on a port below 1024.  Ambient, so that an upgrade has it too. */
static int keep_net_bind(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	uint32_t kept = 1u << CAP_NET_BIND_SERVICE;

	if (syscall(SYS_capget, &head, caps) < 0)
		return -errno;
	kept &= caps[0].permitted; /* a container's root may lack it */
	memset(caps, 0, sizeof(caps));
	caps[0] = (struct __user_cap_data_struct){ kept, kept, kept };
	if (syscall(SYS_capset, &head, caps) < 0)
		return -errno;
	if (kept && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) < 0)
		return -errno;
	return 0;
}

/* The C library has all threads change their ids (nptl(7)).  A thread that waits for name servers
 * may run by now: it keeps no capability, as only this one asks to. */
static int change(const struct identity *id)
{
	int ret = 0;

	drop_bounding_set();
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || initgroups(id->name, id->gid) < 0 ||
	    setresgid(id->gid, id->gid, id->gid) < 0 || setresuid(id->uid, id->uid, id->uid) < 0)
		ret = -errno;
	if (ret == 0)
		ret = keep_net_bind();
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return ret;
}

/* Its memory has secrets: no core file, and no debugger but root's.  The kernel sees to it when ids
 * change, but not for who was started as this user: by an upgrade, or by a service manager. */
static void close_memory(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void warn_if_unreadable(const struct sl_rules *rules)
{
	if (access(rules->file, R_OK) < 0)
		sl_log_warn("user.file",
			    "file=%s user=%s error=\"%s\" effect=\"no reload and no upgrade: it "
			    "needs chown or chmod\"",
			    rules->file, rules->user, strerror(errno));
}

static int go_down(const struct sl_rules *rules, const struct identity *id)
{
	int ret;

	give_dir(rules->run_dir, 0755, id);
	if (rules->state_dir)
		give_dir(rules->state_dir, 0700, id);
	ret = change(id);
	if (ret < 0) {
		sl_log_error("user.change", "user=%s error=\"%s\"", id->name, strerror(-ret));
		return ret;
	}
	/* Whose run_dir is the default has to be found again by a reload and an upgrade, which are
	 * not root: root's own session is of no use for that. */
	setenv("XDG_RUNTIME_DIR", "/run", 1);
	close_memory();
	warn_if_unreadable(rules);
	sl_log_info("user", "user=%s uid=%u gid=%u", id->name, id->uid, id->gid);
	return 0;
}

/* Somebody else's process cannot change; the one that was upgraded has. */
static int stay(const struct sl_rules *rules)
{
	const struct passwd *pw = getpwnam(rules->user);

	if (pw && pw->pw_uid == geteuid())
		close_memory();
	else
		sl_log_warn("user.ignored", "user=%s uid=%u reason=\"only root can change\"",
			    rules->user, geteuid());
	return 0;
}

int sl_user_become(const struct sl_rules *rules)
{
	struct identity id;
	int ret;

	if (!rules->user) {
		if (geteuid() == 0)
			sl_log_warn(
				"user.root",
				"effect=\"all of it runs as root\" hint=\"name a gateway.user\"");
		return 0;
	}
	if (geteuid() != 0)
		return stay(rules);
	ret = look_up(&id, rules);
	if (ret < 0)
		return ret;
	return id.uid == 0 ? 0 : go_down(rules, &id);
}

// SPDX-License-Identifier: Apache-2.0
// Tries what a start would do, as far as that disturbs nobody.
#include "config/try.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/denied.h"
#include "config/check.h"

enum { SL_TRY_GROUPS_MAX = 256 };

/* names end with NULL. */
static void fault_said(struct sl_reader *r, const char *const *names, const char *what,
		       const char *why)
{
	unsigned nr = 0;

	for (; names[nr]; nr++)
		sl_report_enter_member(&r->report, names[nr]);
	sl_report_fault(&r->report, "%s: %s", what, why);
	while (nr--)
		sl_report_leave(&r->report);
}

static void fault_at(struct sl_reader *r, const char *const *names, const char *what, int error)
{
	struct sl_denied denied;

	fault_said(r, names, what, sl_denied(&denied, -error));
}

/* A log itself is made; a directory is not. */
static void fault_log(struct sl_reader *r, const char *const *names, const char *path, int error)
{
	if (error == -ENOENT)
		fault_said(r, names, path, "No such file or directory: make its directory first");
	else
		fault_at(r, names, path, error);
}

/* No chown helps against a port's number. */
static void fault_address(struct sl_reader *r, const char *const *names, const struct sl_addr *addr,
			  int error)
{
	static const char what[] = "cannot be listened at";

	if (error == -EACCES && addr->sa.sa_family != AF_UNIX)
		fault_said(r, names, what,
			   "Permission denied: ports below 1024 need CAP_NET_BIND_SERVICE, or a "
			   "start as root with gateway.user");
	else
		fault_at(r, names, what, error);
}

#define AT(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Could a file be made there? */
static int try_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int ret;

	if (!directory)
		return -ENOMEM;
	ret = faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
	free(directory);
	return ret;
}

/* Nothing is waited for, should it be a pipe; one that nobody reads is no fault of the path. */
static int try_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return errno == ENXIO ? 0 : errno == ENOENT ? try_directory_of(path) : -errno;
	close(fd);
	return 0;
}

/* Who the daemon will be when it opens them; nothing is changed unless root looks for another. */
struct identity {
	bool is_taken;
	gid_t groups[SL_TRY_GROUPS_MAX];
	int groups_nr;
};

static void become(struct identity *id, const struct sl_rules *rules)
{
	// NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else asks
	const struct passwd *user = rules->user ? getpwnam(rules->user) : NULL;
	const struct group *group = rules->group ? getgrnam(rules->group) : NULL; // NOLINT

	*id = (struct identity){ .is_taken = false };
	if (geteuid() != 0 || !user || (rules->group && !group))
		return;
	id->groups_nr = getgroups(SL_TRY_GROUPS_MAX, id->groups);
	id->is_taken = id->groups_nr >= 0 &&
		       initgroups(user->pw_name, group ? group->gr_gid : user->pw_gid) == 0 &&
		       setegid(group ? group->gr_gid : user->pw_gid) == 0 &&
		       seteuid(user->pw_uid) == 0;
}

/* It was root, so nothing of this can fail for want of a right. */
static void be_root_again(const struct identity *id)
{
	if (geteuid() != 0 && id->is_taken && seteuid(0) < 0)
		abort();
	if (id->groups_nr > 0 && geteuid() == 0 &&
	    (setegid(0) < 0 || setgroups((size_t)id->groups_nr, id->groups) < 0))
		abort();
}

static void try_logs(struct sl_reader *r)
{
	const struct sl_logs *logs = &r->rules->logs;
	int ret = 0;

	if (logs->access_path && strcmp(logs->access_path, "-") != 0)
		ret = try_log(logs->access_path);
	if (ret < 0)
		fault_log(r, AT("logs", "access", "path"), logs->access_path, ret);
	ret = logs->error_path ? try_log(logs->error_path) : 0;
	if (ret < 0)
		fault_log(r, AT("logs", "error", "path"), logs->error_path, ret);
}

/* Nobody but root becomes another one. */
static void try_user(struct sl_reader *r)
{
	const struct sl_rules *rules = r->rules;

	if (geteuid() != 0 || !rules->user)
		return;
	sl_report_enter_member(&r->report, "gateway");
	if (!getpwnam(rules->user)) // NOLINT(concurrency-mt-unsafe): nobody else asks
		fault_member(r, "user",
			     "there is no user '%s': systemd-sysusers makes those of "
			     "packages, 'useradd --system' others",
			     rules->user);
	if (rules->group && !getgrnam(rules->group)) // NOLINT(concurrency-mt-unsafe)
		fault_member(r, "group", "there is no group '%s'", rules->group);
	sl_report_leave(&r->report);
}

/* Bound, and never listened at: nobody can connect to it. */
static int try_address(const struct sl_addr *addr)
{
	int on = 1, fd, ret;

	if (addr->sa.sa_family == AF_UNIX)
		return try_directory_of(addr->un.sun_path);
	fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ret = bind(fd, &addr->sa, addr->len) < 0 && errno != EADDRINUSE ? -errno : 0;
	close(fd);
	return ret;
}

static void try_listeners(struct sl_reader *r)
{
	const struct sl_rules *rules = r->rules;
	int ret;

	for (unsigned i = 0; i < rules->listeners_nr; i++) {
		ret = try_address(&rules->listeners[i].address);
		if (ret < 0)
			fault_address(r, AT("listeners", rules->listeners[i].name, "address"),
				      &rules->listeners[i].address, ret);
	}
	ret = rules->admin.address.len ? try_address(&rules->admin.address) : 0;
	if (ret < 0)
		fault_address(r, AT("admin", "address"), &rules->admin.address, ret);
}

void sl_config_try(struct sl_reader *r)
{
	struct identity id;

	become(&id, r->rules);
	try_logs(r);
	be_root_again(&id);
	try_user(r);
	try_listeners(r);
}

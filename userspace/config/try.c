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

/* names end with NULL; error is a negative errno. */
static void fault_at(struct sl_reader *r, const char *const *names, const char *what, int error)
{
	struct sl_denied denied;
	unsigned nr = 0;

	for (; names[nr]; nr++)
		sl_report_enter_member(&r->report, names[nr]);
	sl_report_fault(&r->report, "%s: %s", what, sl_denied(&denied, -error));
	while (nr--)
		sl_report_leave(&r->report);
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

static void try_logs(struct sl_reader *r)
{
	const struct sl_logs *logs = &r->rules->logs;
	int ret = 0;

	if (logs->access_path && strcmp(logs->access_path, "-") != 0)
		ret = try_log(logs->access_path);
	if (ret < 0)
		fault_at(r, AT("logs", "access", "path"), logs->access_path, ret);
	ret = logs->error_path ? try_log(logs->error_path) : 0;
	if (ret < 0)
		fault_at(r, AT("logs", "error", "path"), logs->error_path, ret);
}

/* Nobody but root becomes another one. */
static void try_user(struct sl_reader *r)
{
	const struct sl_rules *rules = r->rules;

	if (geteuid() != 0 || !rules->user)
		return;
	sl_report_enter_member(&r->report, "gateway");
	if (!getpwnam(rules->user)) // NOLINT(concurrency-mt-unsafe): nobody else asks
		fault_member(r, "user", "there is no user '%s'", rules->user);
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
			fault_at(r, AT("listeners", rules->listeners[i].name, "address"),
				 "cannot be listened at", ret);
	}
	ret = rules->admin.address.len ? try_address(&rules->admin.address) : 0;
	if (ret < 0)
		fault_at(r, AT("admin", "address"), "cannot be listened at", ret);
}

void sl_config_try(struct sl_reader *r)
{
	try_logs(r);
	try_user(r);
	try_listeners(r);
}

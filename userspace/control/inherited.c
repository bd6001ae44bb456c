// SPDX-License-Identifier: Apache-2.0
// Sockets that somebody opened for us, recognised by the address that they listen on.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/upgrade.h"

enum { SYSTEMD_FIRST_FD = 3 };

static bool listens(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value;
}

/* The ring waits by itself and wants a blocking socket; our own children do not want it at all. */
static int add(struct sl_inherited *in, int fd)
{
	int *more;

	if (!listens(fd))
		return 0;
	more = realloc(in->fds, (in->nr + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	in->fds = more;
	in->fds[in->nr++] = fd;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_RDWR) < 0)
		return -errno;
	return 0;
}

static int read_list(struct sl_inherited *in, const char *list)
{
	int ret = 0;

	while (list && *list && ret == 0) {
		char *end;
		long fd = strtol(list, &end, 10);

		if (end == list || fd < SYSTEMD_FIRST_FD || fd > INT32_MAX)
			break;
		ret = add(in, (int)fd);
		list = *end == ',' ? end + 1 : end;
	}
	return ret;
}

static int read_systemd(struct sl_inherited *in)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long nr = fds ? strtol(fds, NULL, 10) : 0;
	int ret = 0;

	if (!pid || strtol(pid, NULL, 10) != getpid() || nr > 4096)
		return 0;
	for (int i = 0; i < nr && ret == 0; i++)
		ret = add(in, SYSTEMD_FIRST_FD + i);
	return ret;
}

int sl_inherited_read(struct sl_inherited *in)
{
	int ret;

	*in = (struct sl_inherited){ .nr = 0 };
	ret = read_list(in, getenv("SLUICE_LISTEN_FDS"));
	if (ret == 0)
		ret = read_systemd(in);
	unsetenv("SLUICE_LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ret;
}

int sl_inherited_take(struct sl_inherited *in, const struct sl_addr *addr)
{
	for (unsigned i = 0; i < in->nr; i++) {
		struct sl_addr own = { .len = sizeof(own.un) };
		int fd = in->fds[i];

		if (fd < 0 || getsockname(fd, &own.sa, &own.len) < 0 || !sl_addr_eq(&own, addr))
			continue;
		in->fds[i] = -1;
		in->taken_nr++;
		return fd;
	}
	return -1;
}

void sl_inherited_fini(struct sl_inherited *in)
{
	for (unsigned i = 0; i < in->nr; i++)
		if (in->fds[i] >= 0)
			close(in->fds[i]);
	free(in->fds);
}

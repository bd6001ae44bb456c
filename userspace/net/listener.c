// SPDX-License-Identifier: Apache-2.0
// Listening sockets.
#include "net/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* the kernel caps it at net.core.somaxconn */

static int set_options(int fd, const struct sl_addr *addr)
{
	int on = 1, off = 0;

	if (addr->sa.sa_family == AF_UNIX)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return -errno;
	/* "[::]:80" takes IPv4 too, as its users expect; ignore systems that forbid it. */
	if (addr->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return 0;
}

/* A socket file that a killed process left behind is in nobody's way. */
static void remove_stale(const struct sl_addr *addr)
{
	struct stat st;

	if (addr->sa.sa_family == AF_UNIX && lstat(addr->un.sun_path, &st) == 0 &&
	    S_ISSOCK(st.st_mode))
		unlink(addr->un.sun_path);
}

int sl_listener_open(const struct sl_listener_conf *conf)
{
	const struct sl_addr *addr = &conf->address;
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = set_options(fd, addr);
	if (ret < 0)
		goto err;
	remove_stale(addr);
	if (bind(fd, &addr->sa, addr->len) < 0 || listen(fd, BACKLOG) < 0) {
		ret = -errno;
		goto err;
	}
	return fd;

err:
	close(fd);
	return ret;
}

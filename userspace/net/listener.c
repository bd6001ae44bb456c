// SPDX-License-Identifier: Apache-2.0
// Listening sockets.
#include "net/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* the kernel caps it at net.core.somaxconn */

static bool is_unix(const struct sl_addr *addr)
{
	return addr->sa.sa_family == AF_UNIX;
}

void sl_listener_tune(int fd, const struct sl_listener_conf *conf)
{
	int seconds = conf->defer_accept ? 1 : 0;

	if (!is_unix(&conf->address))
		setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
}

static int set_options(int fd, const struct sl_listener_conf *conf)
{
	const struct sl_addr *addr = &conf->address;
	int on = 1, off = 0;

	if (is_unix(addr))
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return -errno;
	sl_listener_tune(fd, conf);
	/* "[::]:80" takes IPv4 too, as its users expect; ignore systems that forbid it. */
	if (addr->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return 0;
}

/* Left from somebody who was killed is only what nobody answers.  One whose queue is full lives,
 * and so may one that is no stream. */
static int probe_unix(const struct sl_addr *addr, int fd)
{
	struct stat st;

	if (connect(fd, &addr->sa, addr->len) == 0 || errno == EAGAIN || errno == EPROTOTYPE)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return errno == ENOENT ? 0 : -errno;
	if (lstat(addr->un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(addr->un.sun_path);
	return 0;
}

static int probe_tcp(const struct sl_addr *addr, int fd)
{
	int on = 1;

	/* With SO_REUSEADDR old connections do not count, with SO_REUSEPORT nothing would. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &addr->sa, addr->len) < 0 || listen(fd, 1) < 0)
		return -errno;
	return 0;
}

int sl_listener_probe(const struct sl_listener_conf *conf)
{
	const struct sl_addr *addr = &conf->address;
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = is_unix(addr) ? probe_unix(addr, fd) : probe_tcp(addr, fd);
	close(fd);
	return ret;
}

void sl_listener_forget(const struct sl_listener_conf *conf)
{
	if (is_unix(&conf->address))
		unlink(conf->address.un.sun_path);
}

/* SL_SOCKET_UMASK has none. */
static mode_t bits_of(enum sl_socket_mode mode)
{
	static const mode_t bits[] = { 0, 0600, 0660, 0666 };

	return bits[mode];
}

/* The file has its mode from its first moment, which is that of the socket without what the umask
 * takes away. */
static int bind_to(int fd, const struct sl_listener_conf *conf)
{
	const struct sl_addr *addr = &conf->address;
	mode_t mode = is_unix(addr) ? bits_of(conf->mode) : 0, old;
	int ret;

	if (!mode)
		return bind(fd, &addr->sa, addr->len);
	if (fchmod(fd, mode) < 0)
		return -1;
	old = umask(0);
	ret = bind(fd, &addr->sa, addr->len);
	umask(old);
	return ret;
}

int sl_listener_set_mode(const struct sl_listener_conf *conf)
{
	if (!is_unix(&conf->address) || conf->mode == SL_SOCKET_UMASK)
		return 0;
	return chmod(conf->address.un.sun_path, bits_of(conf->mode)) < 0 ? -errno : 0;
}

int sl_listener_open(const struct sl_listener_conf *conf)
{
	const struct sl_addr *addr = &conf->address;
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = set_options(fd, conf);
	if (ret < 0)
		goto err;
	if (bind_to(fd, conf) < 0 || listen(fd, BACKLOG) < 0) {
		ret = -errno;
		goto err;
	}
	return fd;

err:
	close(fd);
	return ret;
}

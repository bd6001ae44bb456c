// SPDX-License-Identifier: Apache-2.0
// Opens listening sockets, all of them or none.
#include "control/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/out.h"
#include "control/upgrade.h"

const char *sl_listener_hint(const struct sl_addr *addr, int error)
{
	if (addr->sa.sa_family == AF_UNIX)
		return "";
	if (error == -EADDRINUSE)
		return " hint=\"'ss -ltnp' says who listens there\"";
	if (error != -EACCES)
		return "";
	return " hint=\"ports below 1024 need CAP_NET_BIND_SERVICE: start as root with "
	       "gateway.user, or 'setcap cap_net_bind_service=ep' the program, or lower "
	       "net.ipv4.ip_unprivileged_port_start\"";
}

static int refuse(const struct sl_listener_conf *conf, int error, FILE *errors)
{
	char address[160];
	struct sl_out o;

	sl_out_init(&o, address, sizeof(address));
	sl_addr_print(&o, &conf->address);
	sl_log_error("listener.open", "listener=%s address=%.*s error=\"%s\"%s", conf->name,
		     SL_STR_ARG(sl_out_done(&o)), strerror(-error),
		     sl_listener_hint(&conf->address, error));
	if (errors)
		fprintf(errors, "/listeners/%s/address: %.*s: %s\n", conf->name,
			SL_STR_ARG(sl_out_done(&o)), strerror(-error));
	return error;
}

/* Probed before the first is opened: SO_REUSEPORT would share with a stranger silently. */
static int open_first(const struct sl_listener_conf *conf)
{
	int ret;

	/* A daemon that was killed holds its sockets until the kernel has torn its rings down. */
	for (int try = 0; (ret = sl_listener_probe(conf)) == -EADDRINUSE && try < 10; try++)
		usleep(50 * 1000);
	return ret < 0 ? ret : sl_listener_open(conf);
}

bool sl_listener_is_shareable(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, &len) == 0 && value;
}

/* A TCP socket a worker, so that the kernel shares out connections; a unix socket exists once, and
 * so does one that a service manager opened for itself. */
static int open_next(const struct sl_listener_conf *conf, int first_fd)
{
	if (conf->address.sa.sa_family != AF_UNIX && sl_listener_is_shareable(first_fd))
		return sl_listener_open(conf);
	first_fd = fcntl(first_fd, F_DUPFD_CLOEXEC, 3);
	return first_fd < 0 ? -errno : first_fd;
}

void sl_listeners_set_mode(const struct sl_listener_conf *conf)
{
	int ret = sl_listener_set_mode(conf);

	if (ret < 0)
		sl_log_warn("listener.mode", "listener=%s error=\"%s\"", conf->name,
			    strerror(-ret));
}

static void tune(int fd, const struct sl_listener_conf *conf)
{
	sl_listener_tune(fd, conf);
	sl_listeners_set_mode(conf);
}

static int open_all(struct sl_listeners *l, const struct sl_listener_conf *conf, unsigned i,
		    struct sl_inherited *in, FILE *errors)
{
	for (unsigned w = 0; w < l->workers; w++) {
		int fd = in ? sl_inherited_take(in, &conf->address) : -1;

		if (fd >= 0)
			tune(fd, conf);
		else
			fd = w == 0 ? open_first(conf) : open_next(conf, l->fds[i]);
		if (fd < 0)
			return refuse(conf, fd, errors);
		l->fds[w * l->nr + i] = fd;
	}
	return 0;
}

static uint32_t find(const struct sl_rules *old, const struct sl_listener_conf *conf)
{
	for (unsigned i = 0; old && i < old->listeners_nr; i++)
		if (sl_addr_eq(&old->listeners[i].address, &conf->address))
			return i;
	return SL_LISTENER_NEW;
}

int sl_listeners_open(struct sl_listeners *l, const struct sl_rules *rules,
		      const struct sl_rules *old, unsigned workers, struct sl_inherited *in,
		      FILE *errors)
{
	size_t nr = (size_t)rules->listeners_nr * workers;
	int ret = 0;

	*l = (struct sl_listeners){ .nr = rules->listeners_nr, .workers = workers };
	l->fds = malloc(nr * sizeof(*l->fds));
	if (!l->fds)
		return -ENOMEM;
	memset(l->fds, 0xff, nr * sizeof(*l->fds)); /* -1, all of them */
	for (unsigned i = 0; i < l->nr && ret == 0; i++) {
		l->kept[i] = find(old, &rules->listeners[i]);
		if (l->kept[i] == SL_LISTENER_NEW)
			ret = open_all(l, &rules->listeners[i], i, in, errors);
	}
	if (ret < 0)
		sl_listeners_fini(l);
	return ret;
}

int *sl_listeners_of(struct sl_listeners *l, unsigned worker)
{
	return l->fds + (size_t)worker * l->nr;
}

void sl_listeners_fini(struct sl_listeners *l)
{
	for (size_t i = 0; i < (size_t)l->nr * l->workers; i++)
		if (l->fds[i] >= 0)
			close(l->fds[i]);
	free(l->fds);
}

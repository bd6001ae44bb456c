// SPDX-License-Identifier: Apache-2.0
// Starts and ends what the daemon is made of.
#include "control/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "control/notify.h"
#include "control/socket.h"

/* Each connection takes a descriptor, a proxied one two: as many as we may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_access_log(const struct sl_logs *logs)
{
	int fd;

	if (!logs->access_path)
		return -1;
	if (strcmp(logs->access_path, "-") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	fd = open(logs->access_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		sl_log_error("accesslog.open", "path=%s error=\"%s\"", logs->access_path,
			     strerror(errno));
	return fd;
}

static int refuse_listener(const struct sl_listener_conf *conf, int error)
{
	char address[160];
	struct sl_out o;

	sl_out_init(&o, address, sizeof(address));
	sl_addr_print(&o, &conf->address);
	sl_log_error("listener.open", "listener=%s address=%.*s error=\"%s\"", conf->name,
		     SL_STR_ARG(sl_out_done(&o)), strerror(-error));
	return error;
}

/* A TCP socket a worker, so that the kernel shares out connections; a unix socket exists once. */
static int open_listener(const struct sl_daemon *d, unsigned i)
{
	const struct sl_listener_conf *conf = &d->rules->listeners[i];
	int ret;

	if (d->workers_nr > 0)
		return conf->address.sa.sa_family == AF_UNIX
			       ? fcntl(d->first_fds[i], F_DUPFD_CLOEXEC, 3)
			       : sl_listener_open(conf);
	/* A daemon that was killed holds its sockets until the kernel has torn its rings down. */
	for (int try = 0; (ret = sl_listener_probe(conf)) == -EADDRINUSE && try < 10; try++)
		usleep(50 * 1000);
	return ret < 0 ? ret : sl_listener_open(conf);
}

static int open_listeners(struct sl_daemon *d, int *fds)
{
	for (unsigned i = 0; i < d->rules->listeners_nr; i++) {
		fds[i] = open_listener(d, i);
		if (fds[i] < 0)
			return refuse_listener(&d->rules->listeners[i], fds[i]);
		if (d->workers_nr == 0)
			d->first_fds[i] = fds[i];
	}
	return 0;
}

static void explain_start_failure(const struct sl_worker *w, int error)
{
	struct utsname un = { .release = "?" };

	uname(&un);
	if (w->start_missing[0])
		sl_log_error("worker.start",
			     "this kernel (%s) lacks %s; sluice needs Linux 6.1 or newer",
			     un.release, w->start_missing);
	else if (error == -EPERM || error == -ENOSYS)
		sl_log_error("worker.start",
			     "io_uring is not available (%s): kernel.io_uring_disabled is set, or "
			     "a container's "
			     "seccomp profile forbids it",
			     strerror(-error));
	else
		sl_log_error("worker.start", "error=\"%s\"", strerror(-error));
}

static int start_worker(struct sl_daemon *d)
{
	struct sl_worker *w = &d->workers[d->workers_nr];
	int fds[SL_LISTENERS_MAX];
	int ret = open_listeners(d, fds);

	if (ret < 0)
		return ret;
	ret = sl_worker_start(w, &d->shared, d->workers_nr, fds);
	if (ret < 0) {
		explain_start_failure(w, ret);
		return ret;
	}
	d->workers_nr++;
	return 0;
}

static int make_tally(struct sl_shared *shared)
{
	if (!shared->rules->limits.client_connections)
		return 0;
	shared->tally = calloc(1, sizeof(*shared->tally));
	if (!shared->tally)
		return -ENOMEM;
	if (getrandom(&shared->tally->key, sizeof(shared->tally->key), 0) < 0)
		return -errno;
	return 0;
}

static int open_shared(struct sl_daemon *d)
{
	size_t stats_bytes = d->rules->workers * sizeof(struct sl_stats);

	d->shared.rules = d->rules;
	d->shared.done_fd = eventfd(0, EFD_CLOEXEC);
	d->shared.access_fd = open_access_log(&d->rules->logs);
	if (d->rules->logs.access_path && d->shared.access_fd < 0)
		return -errno;
	d->shared.stats =
		mmap(NULL, stats_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	d->workers = calloc(d->rules->workers, sizeof(*d->workers));
	if (d->shared.stats == MAP_FAILED || !d->workers || d->shared.done_fd < 0)
		return -ENOMEM;
	return make_tally(&d->shared);
}

int sl_daemon_start(struct sl_daemon *d)
{
	int ret;

	d->start_ns = sl_now_ns();
	raise_descriptor_limit();
	ret = open_shared(d);
	while (ret == 0 && d->workers_nr < d->rules->workers)
		ret = start_worker(d);
	if (ret < 0)
		return ret;
	ret = sl_control_open(&d->control, d);
	if (ret < 0)
		sl_log_warn("control.open",
			    "run_dir=%s error=\"%s\" effect=\"sluicectl cannot reach this daemon\"",
			    d->rules->run_dir, strerror(-ret));
	return 0;
}

void sl_daemon_reopen_log(struct sl_daemon *d)
{
	int fd = open_access_log(&d->rules->logs);

	/* The same number goes on meaning the log: workers need not be told. */
	if (fd < 0 || d->shared.access_fd < 0)
		return;
	if (dup3(fd, d->shared.access_fd, O_CLOEXEC) < 0)
		sl_log_error("accesslog.reopen", "error=\"%s\"", strerror(errno));
	close(fd);
}

void sl_daemon_drain(struct sl_daemon *d)
{
	sl_log_info("stopping", "connections=%u", atomic_load(&d->shared.connections));
	sl_notify("STOPPING=1");
	atomic_store(&d->shared.is_draining, true);
	for (unsigned i = 0; i < d->workers_nr; i++)
		sl_loop_kick(&d->workers[i].loop);
}

void sl_daemon_free(struct sl_daemon *d)
{
	for (unsigned i = 0; i < d->workers_nr; i++)
		sl_worker_join(&d->workers[i]);
	for (unsigned i = 0; i < d->rules->listeners_nr; i++)
		sl_listener_forget(&d->rules->listeners[i]);
	free(d->workers);
	free(d->shared.tally);
	munmap(d->shared.stats, d->rules->workers * sizeof(struct sl_stats));
	close(d->shared.done_fd);
	if (d->shared.access_fd >= 0)
		close(d->shared.access_fd);
	sl_config_free(d->rules);
}

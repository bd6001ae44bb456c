// SPDX-License-Identifier: Apache-2.0
// sluiced: arguments, start, signals, stop.  The one file that knows everybody.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "control/notify.h"
#include "control/socket.h"
#include "gate/worker.h"

enum { EXIT_CONFIG = 2, EXIT_USAGE = 64 };

static const char default_file[] = "/etc/sluice/sluice.json";

static const char usage[] =
	"usage: sluiced [-c FILE] [-t | --check | --schema | --version | --help]\n"
	"\n"
	"  -c, --config FILE   configuration (default: /etc/sluice/sluice.json)\n"
	"  -t, --check         check the configuration, say all that is wrong with it, and exit:\n"
	"                      0 it is fine, 2 it is not\n"
	"      --schema        print the configuration's JSON Schema\n"
	"  -V, --version       print the version\n"
	"  -h, --help          print this\n"
	"\n"
	"TERM, INT and QUIT end it when every accepted request is answered; another one, a second\n"
	"or more later, at once.\n"
	"USR1 opens the access log anew, for log rotation.\n";

struct daemon {
	const char *file;
	struct sl_rules *rules;
	struct sl_shared shared;
	struct sl_worker *workers;
	unsigned workers_nr; /* started */
	struct sl_control *control;
	int first_fds[SL_LISTENERS_MAX]; /* of the first worker */
	int signal_fd;
	uint64_t stop_ns; /* when the first signal to stop came; 0: none has */
};

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

/* Signals are read in the main thread; workers inherit the mask. */
static int block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a full log is an error of write(2), not the end */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
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
static int open_listener(const struct daemon *d, unsigned i)
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

static int open_listeners(struct daemon *d, int *fds)
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

static int start_worker(struct daemon *d)
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

static int start(struct daemon *d)
{
	size_t stats_bytes = d->rules->workers * sizeof(struct sl_stats);
	int ret;

	raise_descriptor_limit();
	d->signal_fd = block_signals();
	d->shared.rules = d->rules;
	d->shared.done_fd = eventfd(0, EFD_CLOEXEC);
	d->shared.access_fd = open_access_log(&d->rules->logs);
	if (d->rules->logs.access_path && d->shared.access_fd < 0)
		return -errno;
	d->shared.stats =
		mmap(NULL, stats_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	d->workers = calloc(d->rules->workers, sizeof(*d->workers));
	if (d->shared.stats == MAP_FAILED || !d->workers || d->signal_fd < 0 ||
	    d->shared.done_fd < 0)
		return -ENOMEM;
	ret = make_tally(&d->shared);
	if (ret < 0)
		return ret;
	while (d->workers_nr < d->rules->workers) {
		ret = start_worker(d);
		if (ret < 0)
			return ret;
	}
	ret = sl_control_open(&d->control, d->rules, d->shared.stats);
	if (ret < 0)
		sl_log_warn("control.open",
			    "run_dir=%s error=\"%s\" effect=\"sluicectl cannot reach this daemon\"",
			    d->rules->run_dir, strerror(-ret));
	return 0;
}

static void reopen_log(struct daemon *d)
{
	int fd = open_access_log(&d->rules->logs);

	/* The same number goes on meaning the log: workers need not be told. */
	if (fd < 0 || d->shared.access_fd < 0)
		return;
	if (dup3(fd, d->shared.access_fd, O_CLOEXEC) < 0)
		sl_log_error("accesslog.reopen", "error=\"%s\"", strerror(errno));
	close(fd);
}

static void drain(struct daemon *d)
{
	sl_log_info("stopping", "connections=%u", atomic_load(&d->shared.connections));
	sl_notify("STOPPING=1");
	atomic_store(&d->shared.is_draining, true);
	for (unsigned i = 0; i < d->workers_nr; i++)
		sl_loop_kick(&d->workers[i].loop);
}

/* True when it is time to end. */
static bool handle_signal(struct daemon *d)
{
	struct signalfd_siginfo info;

	if (read(d->signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGUSR1) {
		reopen_log(d);
		return false;
	}
	if (info.ssi_signo == SIGHUP || info.ssi_signo == SIGUSR2) {
		/* People send these blindly, and their default would end us. */
		sl_log_warn("signal", "%s is not in this version: restart to read %s again",
			    info.ssi_signo == SIGHUP ? "reload" : "upgrade", d->file);
		return false;
	}
	/* timeout(1) and some supervisors send the same signal twice in a row. */
	if (d->stop_ns && sl_now_ns() - d->stop_ns > SL_SEC) {
		sl_log_warn("stopped", "a second signal: connections were cut");
		_exit(EXIT_FAILURE);
	}
	if (!d->stop_ns)
		d->stop_ns = sl_now_ns();
	return true;
}

static void wait_for_end(struct daemon *d)
{
	struct pollfd fds[] = {
		{ .fd = d->signal_fd, .events = POLLIN },
		{ .fd = sl_control_fd(d->control), .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && handle_signal(d))
			return;
		if (fds[1].revents)
			sl_control_serve(d->control);
	}
}

/* While workers answer what was accepted, a second signal still ends it at once. */
static void wait_for_workers(struct daemon *d)
{
	struct pollfd fds[] = {
		{ .fd = d->signal_fd, .events = POLLIN },
		{ .fd = d->shared.done_fd, .events = POLLIN },
	};
	uint64_t ended = 0, n;

	while (ended < d->workers_nr) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			handle_signal(d);
		if (fds[1].revents && read(d->shared.done_fd, &n, sizeof(n)) == sizeof(n))
			ended += n;
	}
	for (unsigned i = 0; i < d->workers_nr; i++)
		sl_worker_join(&d->workers[i]);
}

static void stop(struct daemon *d)
{
	sl_control_close(d->control);
	drain(d);
	wait_for_workers(d);
	for (unsigned i = 0; i < d->rules->listeners_nr; i++)
		sl_listener_forget(&d->rules->listeners[i]);
	free(d->workers);
	free(d->shared.tally);
	munmap(d->shared.stats, d->rules->workers * sizeof(struct sl_stats));
	close(d->signal_fd);
	close(d->shared.done_fd);
	if (d->shared.access_fd >= 0)
		close(d->shared.access_fd);
	sl_config_free(d->rules);
	sl_log_info("stopped", "workers=%u", d->workers_nr);
}

static int run(const char *file)
{
	struct daemon d = { .file = file };

	if (sl_config_load(file, stderr, &d.rules) < 0)
		return EXIT_CONFIG;
	sl_log_set_level((enum sl_log_level)d.rules->logs.level);
	if (start(&d) < 0)
		_exit(EXIT_FAILURE); /* some workers may run already: no clean-up under their feet
				      */
	sl_log_info("started", "version=%s workers=%u listeners=%u routes=%u", SL_VERSION,
		    d.workers_nr, d.rules->listeners_nr, d.rules->routes_nr);
	sl_notify("READY=1");
	wait_for_end(&d);
	stop(&d);
	return EXIT_SUCCESS;
}

static int check(const char *file)
{
	struct sl_rules *rules;

	if (sl_config_load(file, stderr, &rules) < 0) {
		fprintf(stderr, "sluiced: configuration file %s test failed\n", file);
		return EXIT_CONFIG;
	}
	fprintf(stderr, "sluiced: configuration file %s test is successful\n", file);
	sl_config_free(rules);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		/* clang-format off */
		{ "config",  required_argument, NULL, 'c' },
		{ "check",   no_argument,       NULL, 't' },
		{ "schema",  no_argument,       NULL, 'S' },
		{ "version", no_argument,       NULL, 'V' },
		{ "help",    no_argument,       NULL, 'h' },
		{ NULL,      0,                 NULL, 0 },
		/* clang-format on */
	};
	const char *file = default_file;
	bool is_check = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 't':
			is_check = true;
			break;
		case 'S':
			sl_config_print_schema(stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("sluiced " SL_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'sluiced --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "sluiced: unexpected argument '%s'\nTry 'sluiced --help'.\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return is_check ? check(file) : run(file);
}

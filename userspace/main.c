// SPDX-License-Identifier: Apache-2.0
// sluiced: arguments, start, signals, stop.  The one file that knows everybody.
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "control/admin.h"
#include "control/certificates.h"
#include "control/daemon.h"
#include "control/generation.h"
#include "control/kernel.h"
#include "control/keys.h"
#include "control/log.h"
#include "control/notify.h"
#include "control/reload.h"
#include "control/socket.h"
#include "control/state.h"
#include "control/upgrade.h"
#include "control/user.h"
#include "control/watch.h"

enum {
	EXIT_CONFIG = 2,
	EXIT_USAGE = 64,
	LOG_TICK_MS = 1000,
	HEIR_TICK_MS = 20,
	LAST_LINES_MS = 1000, /* for the access log, at an end at once */
};

static const char default_file[] = "/etc/sluice/sluice.json";

static const char usage[] =
	"usage: sluiced [-c FILE] [-t | --check | --schema | --version | --help]\n"
	"\n"
	"  -c, --config FILE   configuration (default: /etc/sluice/sluice.json)\n"
	"  -t, --check         check the configuration, and that this machine has what it\n"
	"                      names, say all that is wrong, and exit: 0 it is fine, 2 it is not\n"
	"      --schema        print the configuration's JSON Schema\n"
	"  -V, --version       print the version\n"
	"  -h, --help          print this\n"
	"\n"
	"TERM and INT end it when every accepted request is answered; another one, a second or\n"
	"more later, at once.  QUIT ends it at once.  (nginx has it the other way round.)\n"
	"HUP reads the configuration again; a file with faults changes nothing.\n"
	"USR1 opens the logs anew, for log rotation.\n"
	"USR2 starts the program anew, from the same path, on the same sockets, and ends when\n"
	"that one is ready; if it fails, this one goes on.\n";

static int signal_fd;
static bool is_stopping; /* workers end: what asks something of them would wait for ever */
static uint64_t stop_ns; /* when the first signal to stop came; 0: none has */
static uint64_t workers_ended;

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

static void count_ended_workers(const struct sl_daemon *d)
{
	uint64_t n;

	if (read(d->shared.done_fd, &n, sizeof(n)) == sizeof(n))
		workers_ended += n;
}

/* A full pipe or a disk that hangs is not waited for.  Workers that drain take a turn by
 * themselves; one that has ended has no loop that could be kicked. */
static void write_last_lines(struct sl_daemon *d)
{
	struct pollfd done = { .fd = d->shared.done_fd, .events = POLLIN };
	uint64_t now_ns = sl_now_ns(), deadline_ns = now_ns + LAST_LINES_MS * SL_MS;

	atomic_store(&d->shared.is_ending, true);
	for (unsigned i = 0; i < d->workers_nr && !is_stopping; i++)
		sl_loop_kick(&d->workers[i].loop);
	for (; workers_ended < d->workers_nr && now_ns < deadline_ns; now_ns = sl_now_ns())
		if (poll(&done, 1, (int)((deadline_ns - now_ns) / SL_MS) + 1) == 1)
			count_ended_workers(d);
}

/* No request is waited for: connections are cut.  What others find by its name in the file system
 * goes, as in an orderly end. */
static _Noreturn void stop_at_once(struct sl_daemon *d, const char *why, int status)
{
	sl_log_warn("stopped", "reason=\"%s\" connections_cut=%u", why,
		    atomic_load(&d->shared.connections));
	sl_upgrade_give_up(d, true);
	write_last_lines(d);
	while (sl_upgrade_is_ending(d))
		usleep(HEIR_TICK_MS * 1000);
	sl_control_close(d->control);
	sl_admin_close(d->admin);
	for (unsigned i = 0; i < d->rules->listeners_nr && !d->shared.is_handed_over; i++)
		sl_listener_forget(&d->rules->listeners[i]);
	_exit(status);
}

/* True when it is time to end. */
static bool handle_signal(struct sl_daemon *d)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGUSR1) {
		sl_daemon_reopen_logs(d);
		return false;
	}
	if (info.ssi_signo == SIGHUP) {
		if (!is_stopping)
			sl_daemon_reload(d, stderr);
		return false;
	}
	if (info.ssi_signo == SIGUSR2) {
		if (!is_stopping)
			sl_upgrade_begin(d);
		return false;
	}
	if (info.ssi_signo == SIGQUIT)
		stop_at_once(d, "SIGQUIT", EXIT_SUCCESS);
	/* timeout(1) and some supervisors send the same signal twice in a row. */
	if (stop_ns && sl_now_ns() - stop_ns > SL_SEC)
		stop_at_once(d, "a second signal", EXIT_FAILURE);
	if (!stop_ns)
		stop_ns = sl_now_ns();
	return true;
}

static void wait_for_end(struct sl_daemon *d)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = sl_control_fd(d->control), .events = POLLIN },
			{ .fd = d->shared.retired_fd, .events = POLLIN },
			{ .fd = sl_upgrade_fd(d), .events = POLLIN },
			{ .fd = d->names_fd, .events = POLLIN },
			{ .fd = sl_admin_fd(d->admin), .events = POLLIN },
		};

		if (poll(fds, sizeof(fds) / sizeof(*fds), LOG_TICK_MS) < 0 && errno != EINTR)
			return;
		sl_log_tell_suppressed();
		sl_daemon_note(d);
		sl_admin_serve(d->admin);
		sl_kernel_tick(d);
		sl_daemon_watch(d);
		sl_certificates_tick(d);
		sl_keys_tick(d);
		sl_state_tick(d);
		sl_upgrade_tick(d);
		if (fds[0].revents && handle_signal(d))
			return;
		if (fds[1].revents)
			sl_control_serve(d->control);
		if (fds[2].revents)
			sl_daemon_reap(d);
		if (fds[3].revents && sl_upgrade_fd(d) >= 0 && sl_upgrade_go_on(d))
			return;
		if (fds[4].revents || (d->refresh_ns && sl_now_ns() >= d->refresh_ns))
			sl_daemon_refresh(d);
	}
}

/* While workers answer what was accepted, a second signal still ends it at once.  An heir that was
 * given up tells its end to nobody: it is looked for. */
static void wait_for_workers(struct sl_daemon *d)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = d->shared.done_fd, .events = POLLIN },
		{ .fd = sl_admin_fd(d->admin), .events = POLLIN },
	};

	while (sl_upgrade_is_ending(d) || workers_ended < d->workers_nr) {
		if (poll(fds, 3, d->heir_end_ns ? HEIR_TICK_MS : LOG_TICK_MS) < 0 && errno != EINTR)
			break;
		sl_admin_serve(d->admin);
		if (fds[0].revents)
			handle_signal(d);
		if (fds[1].revents)
			count_ended_workers(d);
	}
}

static void stop(struct sl_daemon *d)
{
	is_stopping = true;
	sl_upgrade_give_up(d, false);
	sl_control_close(d->control);
	d->control = NULL;
	sl_daemon_drain(d);
	wait_for_workers(d);
	sl_daemon_free(d);
	close(signal_fd);
	close(d->names_fd);
	sl_log_info("stopped", "workers=%u", d->workers_nr);
}

static int run(const char *file, char **argv)
{
	struct sl_daemon d = { .file = file, .argv = argv };
	struct sl_config_after after = { .changed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };

	sl_user_give_up_gaining();
	if (after.changed_fd < 0 || sl_config_load(file, &after, stderr, &d.rules) < 0)
		return EXIT_CONFIG;
	d.names_fd = after.changed_fd;
	sl_log_set_level((enum sl_log_level)d.rules->logs.level);
	/* What only root can do, and no reload does again, belongs here: above this, and nowhere
	 * below it. */
	if (sl_kernel_start(&d) < 0 || sl_user_become(d.rules) < 0)
		_exit(EXIT_FAILURE);
	signal_fd = block_signals();
	if (signal_fd < 0 || sl_daemon_start(&d) < 0)
		_exit(EXIT_FAILURE); /* some workers may run already: no clean-up under their feet
				      */
	sl_log_info("started", "version=%s workers=%u listeners=%u routes=%u", SL_VERSION,
		    d.workers_nr, d.rules->listeners_nr, d.rules->routes_nr);
	sl_notify("READY=1");
	sl_upgrade_tell_ready();
	wait_for_end(&d);
	stop(&d);
	return EXIT_SUCCESS;
}

static int check(const char *file)
{
	const struct sl_config_after after = { .changed_fd = -1, .is_trial = true };
	struct sl_rules *rules;

	if (sl_config_load(file, &after, stderr, &rules) < 0) {
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
			if (optopt == 's') /* nginx's word */
				fputs("sluiced takes signals: 'sluicectl config reload' or HUP, "
				      "USR2, "
				      "TERM.\n",
				      stderr);
			fputs("Try 'sluiced --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "sluiced: unexpected argument '%s'\nTry 'sluiced --help'.\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	if (file == default_file && access(file, F_OK) < 0) {
		fprintf(stderr, "%s: %s: 'sluiced -c FILE' takes another one\n", file,
			strerror(errno));
		return EXIT_CONFIG;
	}
	return is_check ? check(file) : run(file, argv);
}

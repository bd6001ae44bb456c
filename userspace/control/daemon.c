// SPDX-License-Identifier: Apache-2.0
// Starts and ends what the daemon is made of.
#include "control/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/denied.h"
#include "base/log.h"
#include "control/admin.h"
#include "control/drained.h"
#include "control/generation.h"
#include "control/kernel.h"
#include "control/keys.h"
#include "control/ktls.h"
#include "control/listeners.h"
#include "control/log.h"
#include "control/notify.h"
#include "control/sandbox.h"
#include "control/socket.h"
#include "control/state.h"
#include "control/upgrade.h"
#include "fetch/keysets.h"
#include "gate/meters.h"
#include "policy/credit.h"
#include "policy/ledger.h"
#include "policy/passwords.h"
#include "policy/roster.h"
#include "policy/seats.h"
#include "policy/seen.h"
#include "policy/windows.h"

/* Each connection takes a descriptor, a proxied one two: as many as we may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void explain_start_failure(const struct sl_daemon *d, const struct sl_worker *w, int error)
{
	struct utsname un = { .release = "?" };

	uname(&un);
	if (error == -EACCES && sl_sandbox_explain(d, w))
		return;
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

static int start_workers(struct sl_daemon *d)
{
	struct sl_listeners listeners;
	struct sl_inherited in;
	int ret = sl_inherited_read(&in);

	sl_sandbox_prepare();
	if (ret == 0)
		ret = sl_listeners_open(&listeners, d->rules, NULL, d->rules->workers, &in, NULL);
	if (ret < 0) {
		sl_inherited_fini(&in);
		return ret;
	}
	while (ret == 0 && d->workers_nr < d->rules->workers) {
		struct sl_worker *w = &d->workers[d->workers_nr];
		int *fds = sl_listeners_of(&listeners, d->workers_nr);

		ret = sl_worker_start(w, &d->shared, d->rules, d->workers_nr, fds);
		if (ret < 0) {
			explain_start_failure(d, w, ret);
			break;
		}
		for (unsigned i = 0; i < d->rules->listeners_nr; i++)
			fds[i] = -1;
		d->workers_nr++;
	}
	if (ret == 0) {
		sl_sandbox_explain(d, &d->workers[0]);
		sl_ktls_tell(d->rules);
		sl_surplus_lend(d, &in);
	}
	sl_inherited_fini(&in);
	sl_listeners_fini(&listeners);
	return ret;
}

static int make_tally(struct sl_tally **ret_tally)
{
	struct sl_tally *t = calloc(1, sizeof(*t)); /* untouched, it takes no memory */

	if (!t)
		return -ENOMEM;
	*ret_tally = t; /* the daemon's to free */
	return getrandom(&t->key, sizeof(t->key), 0) < 0 ? -errno : 0;
}

static int make_tallies(struct sl_shared *shared)
{
	int ret = make_tally(&shared->tally);

	shared->credits = sl_credits_new();
	shared->seats = sl_seats_new();
	shared->windows = sl_windows_new();
	if (!shared->credits || !shared->seats || !shared->windows)
		return -ENOMEM;
	return ret < 0 ? ret : make_tally(&shared->handshake_tally);
}

static void note_start(struct sl_daemon *d, uint64_t now_ns)
{
	struct sl_daemon_stats *s = sl_metrics_daemon(d->shared.metrics);

	s->config_revision = s->reload_ok = s->info = 1;
	s->reload_ns = s->start_ns = now_ns;
	s->workers = d->rules->workers;
}

static void warn_unreadable(const struct sl_daemon *d, int error)
{
	sl_log_warn("metrics.open",
		    "run_dir=%s error=\"%s\" effect=\"sluicectl metrics cannot read them\"",
		    d->rules->run_dir, strerror(-error));
}

/* Where nobody else can read them they are counted all the same. */
static int open_metrics(struct sl_daemon *d)
{
	const struct sl_rules *rules = d->rules;
	struct sl_metrics_conf conf = {
		.directory = rules->run_dir,
		.workers = rules->workers,
		.names_max = { rules->metrics.routes, rules->metrics.targets },
		.start_ns = sl_clock_ns(CLOCK_REALTIME),
		.version = SL_VERSION,
	};
	int ret = sl_control_make_run_dir(rules->run_dir);

	if (ret == 0)
		ret = sl_metrics_new(&d->shared.metrics, &conf, sl_upgrade_is_heir());
	if (ret < 0) {
		warn_unreadable(d, ret);
		conf.directory = NULL;
		ret = sl_metrics_new(&d->shared.metrics, &conf, false);
	}
	if (ret < 0)
		return ret;
	note_start(d, conf.start_ns);
	return sl_meters_new(&d->rules->meters, d->shared.metrics, d->rules);
}

/* When nothing can fail any more: until then they are those of the process that we come after. */
static void show_metrics(struct sl_daemon *d)
{
	int ret = sl_metrics_show(d->shared.metrics);

	if (ret < 0)
		warn_unreadable(d, ret);
}

static int open_shared(struct sl_daemon *d, struct sl_log_files *logs)
{
	int ret;

	d->shared.done_fd = eventfd(0, EFD_CLOEXEC);
	d->shared.retired_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->shared.access_fd = logs->access_fd;
	logs->access_fd = -1;
	d->workers = calloc(d->rules->workers, sizeof(*d->workers));
	if (!d->workers || d->shared.done_fd < 0 || d->shared.retired_fd < 0)
		return -ENOMEM;
	ret = open_metrics(d);
	if (ret < 0)
		return ret;
	ret = sl_states_new(&d->rules->states, d->rules->upstreams, d->rules->upstreams_nr,
			    d->rules->workers);
	if (ret == 0)
		sl_drained_inherit(d);
	return ret < 0 ? ret : make_tallies(&d->shared);
}

/* Two in one run_dir would share connections and metrics, and sluicectl would reach one of them. */
static int find_another(const struct sl_daemon *d)
{
	bool is_taken = !sl_upgrade_is_heir();
	pid_t pid = 0;

	/* One that was killed may take a moment to be gone. */
	for (int try = 0; is_taken && try < 10; try++) {
		if (try)
			usleep(50 * 1000);
		is_taken = sl_control_is_taken(d->rules->run_dir, &pid);
	}
	if (!is_taken)
		return 0;
	sl_log_error("control.taken",
		     "run_dir=%s pid=%d error=\"another daemon runs there\" key=/gateway/run_dir "
		     "hint=\"end it, have it reload (HUP), or name another run_dir\"",
		     d->rules->run_dir, (int)pid);
	return -EADDRINUSE;
}

/* Requests are served without it. */
static void open_control(struct sl_daemon *d)
{
	struct sl_denied denied;
	int ret = sl_control_open(&d->control, d);

	if (ret < 0)
		sl_log_warn("control.open",
			    "run_dir=%s error=\"%s\" effect=\"sluicectl cannot reach this daemon\"",
			    d->rules->run_dir,
			    ret == -EEXIST ? "it is not a directory of ours alone (0700)"
					   : sl_denied(&denied, -ret));
}

/* The rules that we start with go with the first reload. */
static int keep_what_stays(struct sl_daemon *d)
{
	const struct sl_rules *r = d->rules;

	d->run_dir = strdup(r->run_dir);
	d->state_dir = r->state_dir ? strdup(r->state_dir) : NULL;
	d->measured = r->metrics;
	d->sandbox = r->sandbox;
	d->user = r->user ? strdup(r->user) : NULL;
	d->group = r->group ? strdup(r->group) : NULL;
	return d->run_dir && !d->state_dir == !r->state_dir && !d->user == !r->user &&
			       !d->group == !r->group
		       ? 0
		       : -ENOMEM;
}

int sl_daemon_lend(struct sl_daemon *d, const struct sl_rules *rules)
{
	int ret = sl_state_open(d, rules);

	if (ret == 0 && rules->roster->logins_nr && !d->shared.passwords)
		ret = sl_passwords_start(&d->shared.passwords);
	if (ret == 0 && rules->keysets)
		ret = sl_keysets_start(rules->keysets);
	return ret;
}

void sl_daemon_note(struct sl_daemon *d)
{
	struct sl_daemon_stats *s = sl_metrics_daemon(d->shared.metrics);

	sl_gauge_set(&s->is_ready, !atomic_load(&d->shared.is_draining));
	sl_meters_note_targets(d->shared.metrics, d->rules, sl_now_ns());
	sl_sandbox_note(d);
}

/* The error log comes last: what goes wrong before is for whoever started us. */
int sl_daemon_start(struct sl_daemon *d)
{
	struct sl_log_files logs;
	int ret;

	d->start_ns = sl_now_ns();
	d->heir_fd = -1;
	d->program = realpath("/proc/self/exe", NULL);
	d->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	raise_descriptor_limit();
	ret = find_another(d);
	if (ret == 0)
		ret = keep_what_stays(d);
	if (ret == 0)
		ret = sl_log_files_open(&logs, d, &d->rules->logs, NULL);
	if (ret == 0)
		ret = open_shared(d, &logs);
	if (ret == 0)
		ret = sl_daemon_adopt(d, d->rules);
	if (ret == 0)
		ret = sl_admin_open(&d->admin, d, &d->rules->admin);
	if (ret == 0)
		ret = sl_keys_open(d);
	if (ret == 0)
		ret = sl_daemon_lend(d, d->rules);
	if (ret == 0)
		ret = start_workers(d);
	if (ret < 0) {
		sl_metrics_withdraw(d->shared.metrics);
		return ret;
	}
	show_metrics(d);
	sl_admin_take_over(d->admin);
	open_control(d);
	sl_daemon_note(d);
	sl_daemon_use_logs(d, &logs);
	return 0;
}

void sl_daemon_drain(struct sl_daemon *d)
{
	sl_log_info("stopping", "connections=%u", atomic_load(&d->shared.connections));
	sl_notify("STOPPING=1");
	atomic_store(&d->shared.is_draining, true);
	sl_daemon_note(d);
	for (unsigned i = 0; i < d->workers_nr; i++)
		sl_loop_kick(&d->workers[i].loop);
}

void sl_daemon_free(struct sl_daemon *d)
{
	for (unsigned i = 0; i < d->workers_nr; i++)
		sl_worker_join(&d->workers[i]);
	for (unsigned i = 0; i < d->rules->listeners_nr && !d->shared.is_handed_over; i++)
		sl_listener_forget(&d->rules->listeners[i]);
	sl_admin_close(d->admin);
	free(d->program);
	free(d->run_dir);
	free(d->state_dir);
	free(d->user);
	free(d->group);
	sl_metrics_free(d->shared.metrics);
	free(d->workers);
	sl_keys_close(d);
	sl_credits_free(d->shared.credits);
	free(d->shared.seats);
	sl_seen_close(d->shared.seen);
	free(d->shared.windows);
	sl_ledger_close(d->shared.ledger);
	sl_passwords_stop(d->shared.passwords);
	free(d->shared.tally);
	free(d->shared.handshake_tally);
	sl_kernel_free(d);
	close(d->shared.done_fd);
	close(d->shared.access_fd);
	close(d->stderr_fd);
	sl_daemon_abandon_all(d);
	close(d->shared.retired_fd);
}

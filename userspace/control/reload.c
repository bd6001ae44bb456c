// SPDX-License-Identifier: Apache-2.0
// Reload: everything that can fail comes first, then every worker is handed what it needs.
#include "control/reload.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "control/admin.h"
#include "control/generation.h"
#include "control/kernel.h"
#include "control/keys.h"
#include "control/listeners.h"
#include "control/log.h"
#include "control/notify.h"
#include "gate/meters.h"
#include "gate/worker.h"
#include "upstream/names.h"

enum { REFRESH_RETRY_MS = 5000 };

struct reload {
	struct sl_daemon *daemon;
	struct sl_rules *rules;
	struct sl_listeners listeners;
	struct sl_switch *switches; /* one a worker */
	struct sl_log_files logs;
	struct sl_admin *admin; /* of another address; NULL: none, or the one that is there */
	FILE *errors;		/* who asked for it; NULL: he reads the log */
	bool is_refresh;	/* of names alone */
	sem_t done;
};

/* ---- what only a restart changes ---- */

static const char *const restart_keys[] = {
	"/gateway/workers", "/gateway/run_dir", "/gateway/user",      "/gateway/group",
	"/metrics",	    "/gateway/sandbox", "/gateway/state_dir",
};

enum { RESTART_KEYS_NR = sizeof(restart_keys) / sizeof(*restart_keys) };

static bool is_other(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

unsigned sl_daemon_needs_restart(const struct sl_daemon *d, const struct sl_rules *file)
{
	const bool differs[RESTART_KEYS_NR] = {
		file->workers != d->workers_nr,
		is_other(file->run_dir, d->run_dir),
		is_other(file->user, d->user),
		is_other(file->group, d->group),
		memcmp(&file->metrics, &d->measured, sizeof(d->measured)) != 0,
		file->sandbox != d->sandbox,
		is_other(file->state_dir, d->state_dir),
	};
	unsigned mask = 0;

	for (unsigned k = 0; k < RESTART_KEYS_NR; k++)
		mask |= differs[k] ? 1u << k : 0;
	return mask;
}

const char *sl_restart_key(unsigned mask, unsigned i)
{
	for (unsigned k = 0; k < RESTART_KEYS_NR; k++)
		if ((mask & 1u << k) && i-- == 0)
			return restart_keys[k];
	return NULL;
}

static void tell_what_stays(const struct sl_daemon *d)
{
	const char *key;

	for (unsigned i = 0; (key = sl_restart_key(d->restart_needed, i)); i++)
		sl_log_warn("reload", "key=%s effect=\"needs a restart\"", key);
}

/* ---- preparing ---- */

static int make_states(struct sl_rules *fresh, const struct sl_rules *old)
{
	size_t nr = sl_pool_count_targets(fresh->upstreams, fresh->upstreams_nr);
	uint32_t *targets = malloc((nr + fresh->upstreams_nr + 1) * sizeof(*targets));
	int ret = -ENOMEM;

	if (targets)
		ret = sl_pool_map(old->upstreams, old->upstreams_nr, fresh->upstreams,
				  fresh->upstreams_nr, targets, targets + nr);
	if (ret == 0)
		ret = sl_states_follow(&fresh->states, fresh->upstreams, fresh->upstreams_nr,
				       old->states, targets, targets + nr);
	free(targets);
	return ret;
}

static int make_acceptors(struct reload *r, struct sl_switch *s, int *fds)
{
	for (unsigned i = 0; i < r->rules->listeners_nr; i++) {
		if (fds[i] < 0)
			continue;
		s->acceptors[i] = sl_acceptor_new(s->worker, &r->rules->listeners[i], fds[i]);
		if (!s->acceptors[i])
			return -ENOMEM;
	}
	return 0;
}

static int make_switch(struct reload *r, unsigned index)
{
	struct sl_switch *s = &r->switches[index];

	*s = (struct sl_switch){
		.worker = &r->daemon->workers[index],
		.kept = r->listeners.kept,
		.done = &r->done,
	};
	s->view = sl_view_new(s->worker, r->rules);
	s->acceptors = calloc(r->rules->listeners_nr, sizeof(struct sl_acceptor *));
	if (!s->view || !s->acceptors)
		return -ENOMEM;
	return make_acceptors(r, s, sl_listeners_of(&r->listeners, index));
}

static bool has_other_admin(const struct reload *r)
{
	return !sl_addr_eq(&r->daemon->rules->admin.address, &r->rules->admin.address);
}

static int open_admin(struct reload *r)
{
	int ret = sl_admin_open(&r->admin, r->daemon, &r->rules->admin);

	if (ret < 0 && r->errors)
		fprintf(r->errors, "/admin/address: %s\n", strerror(-ret));
	return ret;
}

static int prepare(struct reload *r)
{
	struct sl_daemon *d = r->daemon;
	int ret = make_states(r->rules, d->rules);

	r->switches = calloc(d->workers_nr, sizeof(*r->switches));
	if (!r->switches)
		ret = -ENOMEM;
	for (unsigned i = 0; i < d->workers_nr && ret == 0; i++)
		ret = make_switch(r, i);
	if (ret == 0)
		ret = sl_meters_new(&r->rules->meters, d->shared.metrics, r->rules);
	if (ret == 0 && has_other_admin(r))
		ret = open_admin(r);
	if (ret == 0)
		ret = sl_log_files_open(&r->logs, d, &r->rules->logs, r->errors);
	/* Last: what it does to the kernel is not undone.  Names are not its business, and what an
	 * operator has taken off meanwhile they do not put back. */
	return ret == 0 && !r->is_refresh ? sl_kernel_change(d, r->rules, r->errors) : ret;
}

/* ---- going over ---- */

static void settle_listeners(const struct reload *r)
{
	const struct sl_rules *old = r->daemon->rules;
	bool is_kept[SL_LISTENERS_MAX] = { false };

	for (unsigned i = 0; i < r->rules->listeners_nr; i++) {
		if (r->listeners.kept[i] == SL_LISTENER_NEW)
			continue;
		is_kept[r->listeners.kept[i]] = true;
		sl_listeners_set_mode(&r->rules->listeners[i]);
	}
	for (unsigned i = 0; i < old->listeners_nr; i++)
		if (!is_kept[i])
			sl_listener_forget(&old->listeners[i]);
}

/* Sockets that became acceptors are not ours to close any more. */
static void give_away_sockets(struct reload *r)
{
	for (size_t i = 0; i < (size_t)r->listeners.nr * r->listeners.workers; i++)
		r->listeners.fds[i] = -1;
}

static void publish(struct reload *r)
{
	struct sl_daemon *d = r->daemon;

	sl_daemon_use_logs(d, &r->logs);
	/* What an operator has set by "log level" goes when he reloads, not when a name's time is
	 * over or a certificate is replaced. */
	if (!r->is_refresh)
		sl_log_set_level((enum sl_log_level)r->rules->logs.level);
	for (unsigned i = 0; i < d->workers_nr; i++)
		sl_worker_switch(&r->switches[i]);
	/* A worker's turn is milliseconds at the most. */
	for (unsigned i = 0; i < d->workers_nr; i++)
		while (sem_wait(&r->done) < 0 && errno == EINTR)
			;
	/* Only now do the old checks say nothing more. */
	sl_states_settle(r->rules->states, r->rules->upstreams);
	give_away_sockets(r);
	settle_listeners(r);
}

static void free_switches(struct reload *r, bool is_published)
{
	for (unsigned i = 0; r->switches && i < r->daemon->workers_nr; i++) {
		struct sl_switch *s = &r->switches[i];

		for (unsigned k = 0; !is_published && s->acceptors && k < r->rules->listeners_nr;
		     k++)
			free(s->acceptors[k]);
		free(s->acceptors);
		if (!is_published)
			sl_view_free(s->view);
	}
	free(r->switches);
}

/* Adopted first: it is the one step that can still fail. */
static int go_over(struct reload *r)
{
	struct sl_daemon *d = r->daemon;
	struct sl_rules *old = d->rules;
	int ret = sl_daemon_adopt(d, r->rules);

	if (ret < 0)
		return ret;
	d->rules = old; /* until the workers have gone over */
	publish(r);
	if (has_other_admin(r)) {
		sl_admin_close(d->admin);
		d->admin = r->admin;
		r->admin = NULL;
	} else {
		sl_admin_set(d->admin, &r->rules->admin);
	}
	d->rules = r->rules;
	sl_keys_note_reload(d, old);
	sl_meters_forget_targets(d->shared.metrics, old);
	sl_daemon_note(d);
	if (d->rules->names)
		sl_names_end(d->rules->names); /* only now: a refused file forgets nothing */
	return 0;
}

static int replace(struct sl_daemon *d, struct sl_rules *fresh, bool is_refresh, FILE *errors)
{
	struct reload r = { .daemon = d, .rules = fresh, .logs = { -1, -1 } };
	int ret;

	r.errors = errors == stderr ? NULL : errors;
	r.is_refresh = is_refresh;
	ret = sl_listeners_open(&r.listeners, fresh, d->rules, d->workers_nr, NULL, r.errors);

	if (ret < 0)
		return ret;
	sem_init(&r.done, 0, 0);
	ret = prepare(&r);
	if (ret == 0)
		ret = sl_daemon_lend(d, fresh);
	if (ret == 0)
		ret = go_over(&r);
	sl_admin_close(r.admin);
	sl_log_files_fini(&r.logs);
	free_switches(&r, ret == 0);
	sl_listeners_fini(&r.listeners);
	sem_destroy(&r.done);
	return ret;
}

static void notify_begin(void)
{
	char text[64];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	sl_notify(text);
}

static struct sl_config_after after(const struct sl_daemon *d)
{
	return (struct sl_config_after){ .running = d->rules, .changed_fd = d->names_fd };
}

static void count(struct sl_daemon *d, bool is_done)
{
	struct sl_daemon_stats *s = sl_metrics_daemon(d->shared.metrics);

	sl_count(is_done ? &s->reloads : &s->reloads_failed, 1);
	sl_gauge_set(&s->reload_ok, is_done);
	if (!is_done)
		return;
	sl_gauge_set(&s->config_revision, d->generation);
	sl_gauge_set(&s->reload_ns, sl_clock_ns(CLOCK_REALTIME));
}

/* Takes over fresh; ret is how reading it went.  What only a restart changes stays. */
static int change_to(struct sl_daemon *d, struct sl_rules *fresh, int ret, bool is_refresh,
		     FILE *errors)
{
	uint64_t start_ns = sl_now_ns();
	unsigned restart_needed = 0;

	if (ret == 0) {
		restart_needed = sl_daemon_needs_restart(d, fresh);
		fresh->workers = d->workers_nr;
		ret = sl_daemon_make_room(d, !is_refresh, errors);
		if (ret == 0)
			ret = replace(d, fresh, is_refresh, errors);
		if (ret < 0)
			sl_config_free(fresh);
		else
			d->restart_needed = restart_needed;
	}
	count(d, ret == 0);
	if (ret < 0)
		sl_log_error("reload.refused", "file=%s effect=\"the running one goes on\"",
			     d->file);
	else
		sl_log_info(is_refresh ? "refreshed" : "reloaded",
			    "file=%s generation=%llu routes=%u ms=%llu", d->file,
			    (unsigned long long)d->generation, fresh->routes_nr,
			    (unsigned long long)((sl_now_ns() - start_ns) / SL_MS));
	return ret;
}

int sl_daemon_reload(struct sl_daemon *d, FILE *errors)
{
	struct sl_config_after running = after(d);
	struct sl_rules *fresh = NULL;
	int ret;

	notify_begin();
	ret = sl_config_load(d->file, &running, errors, &fresh);
	ret = change_to(d, fresh, ret, false, errors);
	if (ret == 0)
		tell_what_stays(d);
	sl_notify("READY=1");
	return ret;
}

int sl_daemon_refresh(struct sl_daemon *d)
{
	struct sl_config_after running = after(d);
	struct sl_rules *fresh = NULL;
	eventfd_t n;
	int ret;

	eventfd_read(d->names_fd, &n);
	ret = sl_config_parse(sl_str_of(d->rules->document), d->file, &running, stderr, &fresh);
	ret = change_to(d, fresh, ret, true, stderr);
	d->refresh_ns = ret < 0 ? sl_now_ns() + REFRESH_RETRY_MS * SL_MS : 0;
	return ret;
}

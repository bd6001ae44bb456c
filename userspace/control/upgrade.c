// SPDX-License-Identifier: Apache-2.0
// Starts our successor and waits for its word.
#include "control/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/drained.h"
#include "control/kernel.h"
#include "control/notify.h"

enum {
	FDS_TEXT_MAX = 100 * 1024, /* execve(2) takes 128 KiB for a string */
	END_MS = 40000,		   /* more than what its workers take to drain */
	END_AT_ONCE_MS = 2000,	   /* more than what its log lines take */
};

static int ready_fd = -1; /* in the new process: where the old one waits */

/* ---- the old process ---- */

/* Between fork and exec in a process with threads, only what signal-safety(7) lists may be called:
 * everything is laid out before. */
struct plan {
	char *fds_text, *ready_text, *loader_text, *targets_text;
	char **env;
	int *fds;
	unsigned fds_nr;
	int ready[2];
};

static int list_fds(struct plan *p, const struct sl_daemon *d)
{
	const char *name = "SLUICE_LISTEN_FDS=";
	size_t len = strlen(name);

	p->fds = malloc((size_t)d->workers_nr * d->rules->listeners_nr * sizeof(*p->fds));
	p->fds_text = malloc(FDS_TEXT_MAX + 16);
	if (!p->fds || !p->fds_text)
		return -ENOMEM;
	memcpy(p->fds_text, name, len + 1);
	for (unsigned w = 0; w < d->workers_nr; w++)
		for (unsigned i = 0; i < d->rules->listeners_nr; i++) {
			int fd = d->workers[w].acceptors[i]->fd;

			if (len > FDS_TEXT_MAX)
				return -E2BIG;
			p->fds[p->fds_nr++] = fd;
			len += (size_t)snprintf(p->fds_text + len, 16, "%d,", fd);
		}
	return 0;
}

static int make_environment(struct plan *p, const struct sl_daemon *d)
{
	unsigned n = 0, at = 0;

	while (environ[n])
		n++;
	p->env = calloc(n + 5, sizeof(*p->env));
	if (!p->env || asprintf(&p->ready_text, "SLUICE_READY_FD=%d", p->ready[1]) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		if (strncmp(environ[i], "SLUICE_READY_FD=", 16) != 0)
			p->env[at++] = environ[i];
	p->env[at++] = p->fds_text;
	p->env[at++] = p->ready_text;
	p->targets_text = sl_drained_environment(d);
	if (p->targets_text)
		p->env[at++] = p->targets_text;
	p->loader_text = sl_loader_environment(&d->kernel->loader);
	p->env[at] = p->loader_text;
	return 0;
}

static void free_plan(struct plan *p)
{
	free(p->fds_text);
	free(p->ready_text);
	free(p->loader_text);
	free(p->targets_text);
	free(p->env);
	free(p->fds);
	if (p->ready[1] >= 0)
		close(p->ready[1]);
}

static void become(const struct plan *p, const struct sl_daemon *d)
{
	sigset_t none;

	for (unsigned i = 0; i < p->fds_nr; i++)
		fcntl(p->fds[i], F_SETFD, 0);
	fcntl(p->ready[1], F_SETFD, 0);
	if (p->loader_text)
		fcntl(d->kernel->loader.fd, F_SETFD, 0);
	if (d->stderr_fd >= 0) /* what goes wrong there is not for our error log */
		dup2(d->stderr_fd, STDERR_FILENO);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(d->program, d->argv, p->env);
	_exit(127);
}

static int spawn(struct sl_daemon *d, struct plan *p)
{
	int ret = list_fds(p, d);

	if (ret == 0 && pipe2(p->ready, O_CLOEXEC) < 0)
		ret = -errno;
	if (ret == 0)
		ret = make_environment(p, d);
	if (ret == 0) {
		d->heir_pid = fork();
		if (d->heir_pid == 0)
			become(p, d);
		ret = d->heir_pid < 0 ? -errno : 0;
	}
	if (ret == 0) {
		d->heir_fd = p->ready[0];
		d->heir_due_ns = sl_now_ns() + d->rules->upgrade_timeout_ns;
	} else if (p->ready[0] >= 0)
		close(p->ready[0]);
	return ret;
}

int sl_upgrade_begin(struct sl_daemon *d)
{
	struct plan p = { .ready = { -1, -1 } };
	int ret;

	if (d->heir_fd >= 0) {
		sl_log_warn("upgrade", "pid=%d is still starting", (int)d->heir_pid);
		return -EBUSY;
	}
	sl_kernel_lend(d);
	ret = spawn(d, &p);
	free_plan(&p);
	if (ret < 0)
		sl_log_error("upgrade.failed", "program=%s error=\"%s\"", d->program,
			     strerror(-ret));
	else
		sl_log_info("upgrade", "program=%s pid=%d", d->program, (int)d->heir_pid);
	return ret;
}

int sl_upgrade_fd(const struct sl_daemon *d)
{
	return d->heir_fd;
}

/* It has ended, or does so now. */
static void fail(struct sl_daemon *d)
{
	int status = 0;

	waitpid(d->heir_pid, &status, 0);
	sl_log_error("upgrade.failed", "pid=%d status=%d effect=\"this process goes on\"",
		     (int)d->heir_pid, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	sl_kernel_take_back(d);
}

/* KILL, since TERM might wait until it is ready and end it then, when we have gone.  Our end of the
 * pipe is closed too: what it has started may hold the other one. */
void sl_upgrade_tick(struct sl_daemon *d)
{
	if (d->heir_fd < 0 || sl_now_ns() < d->heir_due_ns)
		return;
	sl_log_error("upgrade.timeout", "pid=%d key=/gateway/upgrade_timeout", (int)d->heir_pid);
	close(d->heir_fd);
	d->heir_fd = -1;
	kill(d->heir_pid, SIGKILL);
	fail(d);
}

bool sl_upgrade_go_on(struct sl_daemon *d)
{
	char text[32], word = 0;
	bool is_ready = read(d->heir_fd, &word, 1) == 1 && word == 'R';

	close(d->heir_fd);
	d->heir_fd = -1;
	if (!is_ready) {
		fail(d); /* the pipe is closed by its end */
		return false;
	}
	snprintf(text, sizeof(text), "MAINPID=%d", (int)d->heir_pid);
	sl_notify(text);
	sl_log_info("upgraded", "pid=%d", (int)d->heir_pid);
	d->shared.is_handed_over = true;
	return true;
}

/* Before it reads its signals TERM ends it; then it reads QUIT first, the lower number. */
void sl_upgrade_give_up(struct sl_daemon *d, bool is_at_once)
{
	if (d->heir_fd >= 0) {
		sl_log_warn("upgrade.given_up", "pid=%d reason=\"told to stop\"", (int)d->heir_pid);
		close(d->heir_fd);
		d->heir_fd = -1;
	} else if (!d->heir_end_ns) {
		return;
	}
	kill(d->heir_pid, SIGTERM);
	if (is_at_once)
		kill(d->heir_pid, SIGQUIT);
	d->heir_end_ns = sl_now_ns() + (is_at_once ? END_AT_ONCE_MS : END_MS) * SL_MS;
}

bool sl_upgrade_is_ending(struct sl_daemon *d)
{
	if (!d->heir_end_ns)
		return false;
	if (waitpid(d->heir_pid, NULL, WNOHANG) == 0) {
		if (sl_now_ns() < d->heir_end_ns)
			return true;
		kill(d->heir_pid, SIGKILL);
		waitpid(d->heir_pid, NULL, 0);
	}
	d->heir_end_ns = 0;
	return false;
}

/* ---- the new process ---- */

bool sl_upgrade_is_heir(void)
{
	const char *text = getenv("SLUICE_READY_FD");

	if (text) {
		ready_fd = (int)strtol(text, NULL, 10);
		unsetenv("SLUICE_READY_FD");
		if (fcntl(ready_fd, F_SETFD, FD_CLOEXEC) < 0)
			ready_fd = -1;
	}
	return ready_fd >= 0;
}

void sl_upgrade_tell_ready(void)
{
	if (!sl_upgrade_is_heir())
		return;
	if (write(ready_fd, "R", 1) != 1)
		sl_log_warn("upgrade", "the old process has gone");
	close(ready_fd);
	ready_fd = -1;
}

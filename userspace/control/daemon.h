/* SPDX-License-Identifier: Apache-2.0 */
/* The running daemon: its rules, its listening sockets, its workers. */
#ifndef SL_CONTROL_DAEMON_H
#define SL_CONTROL_DAEMON_H

#include "gate/worker.h"

struct sl_control;

struct sl_daemon {
	const char *file; /* of the configuration */
	struct sl_rules *rules;
	struct sl_shared shared;
	struct sl_worker *workers;
	unsigned workers_nr; /* started */
	struct sl_control *control;
	int first_fds[SL_LISTENERS_MAX]; /* of the first worker */
	uint64_t start_ns;
};

/* Opens what d->rules name and starts the workers.  0, or a negative errno when the reason is
 * logged: then end the process, as some workers may run already. */
int sl_daemon_start(struct sl_daemon *d);
/* Tells the workers to answer what was accepted and to end; d->shared.done_fd then counts those
 * that have. */
void sl_daemon_drain(struct sl_daemon *d);
/* When all have ended. */
void sl_daemon_free(struct sl_daemon *d);
/* Opens the access log anew, for log rotation. */
void sl_daemon_reopen_log(struct sl_daemon *d);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The running daemon: its rules, its listening sockets, its workers. */
#ifndef SL_CONTROL_DAEMON_H
#define SL_CONTROL_DAEMON_H

#include "gate/worker.h"

struct sl_admin;
struct sl_control;
struct sl_kernel;
struct sl_store;

/* See control/watch.h. */
struct sl_file_watch {
	uint64_t next_ns;
	uint64_t seen;	  /* fingerprint of the files, the last time */
	uint64_t refused; /* and of those that could not be used; 0: none */
};

/* See control/certificates.h. */
struct sl_certificate_watch {
	uint64_t next_ns;
	uint64_t print;	  /* of the files of those that were looked at */
	int64_t looked_s; /* the last time, since 1970 */
	int64_t told_s;	  /* when all that there was to say was said */
	bool is_new;	  /* it is said again */
};

struct sl_daemon {
	const char *file;		   /* of the configuration */
	struct sl_rules *rules;		   /* the current ones */
	uint64_t generation;		   /* of them: 1 at start, one more with each reload */
	struct sl_generation *generations; /* the current one and those that requests still need */
	struct sl_shared shared;
	struct sl_kernel *kernel;
	struct sl_worker *workers;
	unsigned workers_nr; /* started */
	struct sl_control *control;
	struct sl_store *store; /* NULL: nothing survives a restart */
	bool keys_unread;	/* it could not be asked for changes; that was said */
	struct sl_admin *admin; /* NULL: not wanted */
	uint64_t start_ns;
	char *program, **argv; /* how we were started: an upgrade starts the same */
	pid_t heir_pid;	       /* of an upgrade that has begun */
	uint64_t heir_end_ns;  /* it is killed then: we gave it up; 0: we did not */
	uint64_t heir_due_ns;  /* while one starts: it is to be ready by then */
	int heir_fd;	       /* tells how it goes; -1: none has begun */
	int stderr_fd;	       /* standard error as it was at the start; -1: there was none */
	int names_fd;	       /* eventfd: a name of a target has other addresses */
	uint64_t refresh_ns;   /* when to try again for names that changed; 0: nothing is due */
	struct sl_file_watch file_watch;
	struct sl_certificate_watch certificate_watch;
	/* What they were at the start, and are; all but run_dir may be NULL. */
	struct sl_measured measured;
	enum sl_sandbox_mode sandbox;
	char *run_dir, *state_dir, *user, *group;
	unsigned restart_needed; /* a bit for each key in which the file that was read last differs
				    from what runs */
};

/* Opens what d->rules name and starts the workers.  0, or a negative errno when the reason is
 * logged: then end the process, as some workers may run already. */
int sl_daemon_start(struct sl_daemon *d);
/* Opens what workers borrow and only some configurations need: before they see these rules.  0 or a
 * negative errno. */
int sl_daemon_lend(struct sl_daemon *d, const struct sl_rules *rules);
/* Brings up to date what the metrics say of the moment. */
void sl_daemon_note(struct sl_daemon *d);
/* Tells the workers to answer what was accepted and to end; d->shared.done_fd then counts those
 * that have. */
void sl_daemon_drain(struct sl_daemon *d);
/* When all have ended. */
void sl_daemon_free(struct sl_daemon *d);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: a thread with its loop, its listening sockets, its clients and its upstream
 * connections. */
#ifndef SL_GATE_WORKER_H
#define SL_GATE_WORKER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/slab.h"
#include "core/mailbox.h"
#include "core/sandbox.h"
#include "gate/acceptor.h"
#include "gate/tally.h"
#include "gate/view.h"
#include "observe/accesslog.h"
#include "observe/clock.h"
#include "observe/metrics.h"
#include "observe/stats.h"
#include "route/regex.h"
#include "tls/blocks.h"

struct sl_credits;
struct sl_ledger;
struct sl_passwords;
struct sl_seats;
struct sl_seen;
struct sl_verdicts;
struct sl_windows;
struct sl_digest;
struct sl_guard;
struct sl_tokens;

/* What all workers of the process share. */
struct sl_shared {
	struct sl_metrics *metrics;
	_Atomic uint32_t connections; /* client connections open, in all workers */
	_Atomic bool is_draining;
	_Atomic bool is_ending; /* at once: log lines are written, then no worker does anything */
	bool is_handed_over; /* set before is_draining: another process goes on with the sockets */
	_Atomic uint32_t handshakes; /* of TLS, in progress; while there is a limit for them */
	struct sl_tally *tally;	     /* of connections */
	struct sl_tally *handshake_tally;
	int done_fd; /* eventfd: each worker adds 1 when it has ended, or has nothing to log */
	struct sl_keystore *kept;	/* keys that come and go */
	struct sl_passwords *passwords; /* NULL until a consumer has one */
	struct sl_credits *credits;	/* of rate_limit policies */
	struct sl_seats *seats;		/* of concurrency_limit policies */
	struct sl_seen *seen;		/* signatures; NULL until a configuration has hmac */
	struct sl_windows *windows;	/* of rate_limit policies with sliding windows */
	struct sl_ledger *ledger;	/* of quotas; NULL until a configuration has one */
	struct sl_guard *guard;		/* lists, punishments, limits of connections */
	int access_fd; /* of the access log; always open, to nowhere when there is none */
	_Atomic(struct sl_view *) retired; /* what no worker needs any more */
	int retired_fd;			   /* eventfd: there is something in retired */
};

struct sl_worker {
	struct sl_loop loop;
	struct sl_shared *shared;
	struct sl_view *view; /* the current one */
	unsigned views_nr;    /* alive: it, and those that requests still need */
	struct sl_stats *stats;
	uint64_t *cells; /* of the metrics: its block, which begins with stats */
	struct sl_accesslog log;
	struct sl_wall wall;
	struct sl_acceptor **acceptors; /* one a listener of the current rules */
	unsigned acceptors_nr;
	struct sl_list lent; /* acceptors beside those, that end soon */
	struct sl_slab client_slab, peer_slab;
	struct sl_tls_blocks tls_blocks;
	struct sl_list clients;
	unsigned clients_nr;
	unsigned index;
	struct sl_regex_scratch *regex_scratch;
	struct sl_digest *digest;
	struct sl_verdicts *verdicts;
	struct sl_tokens *tokens; /* that were found good */
	uint64_t id_high, id_low; /* of the next request id */
	struct sl_log_rate log_rate;
	uint64_t accept_short_ns, connect_short_ns; /* when there was a shortage last */
	struct sl_timer drain_timer;
	uint64_t drain_start_ns;
	bool is_draining;
	/* start-up */
	pthread_t thread;
	int start_result;
	const char *start_missing;
	struct sl_sandbox sandbox; /* what of it holds; not looked at when it is off */
};

/* Counts that we lack something of our own for a connection; *last_ns is when we did last, at the
 * same work.  True when that is ten seconds ago or more: a shortage that lasts is told once. */
static inline bool sl_worker_note_shortage(struct sl_worker *w, uint64_t *last_ns)
{
	uint64_t now_ns = w->loop.now_ns;
	bool is_new = !*last_ns || now_ns - *last_ns >= 10 * SL_SEC;

	*last_ns = now_ns;
	sl_count(&w->stats->shortages, 1);
	return is_new;
}

/* Starts the thread and waits until it is ready or has failed; fds[] are the listening sockets, one
 * a listener of the rules, taken over.  0 or a negative errno, with worker->start_missing as in
 * sl_loop_init(); -EACCES also when worker->sandbox lacks something that is required. */
int sl_worker_start(struct sl_worker *w, struct sl_shared *shared, const struct sl_rules *rules,
		    unsigned index, const int *fds);
/* All that a worker needs to go over to another configuration, made before anything changes. */
struct sl_switch {
	struct sl_mail mail;
	struct sl_worker *worker;
	struct sl_view *view;
	/* One a listener of the new rules: a new one, or NULL for the old one whose number is in
	 * kept[].  Afterwards the array to free is here. */
	struct sl_acceptor **acceptors;
	const uint32_t *kept;
	sem_t *done; /* posted when it has happened */
};

/* Requests that have begun end as they began; the next ones go by the new rules. */
void sl_worker_switch(struct sl_switch *s);
/* On the worker's thread: requests that began under these rules end now, and so do clients of
 * listeners that went with them. */
void sl_worker_cut_off(struct sl_worker *w, const struct sl_rules *rules);
/* On the worker's thread: whoever is, or was last, served by one of these keys (sl_api_key_mark(),
 * in ascending order) is cut off. */
void sl_worker_cut_keys(struct sl_worker *w, const uint64_t *marks, unsigned nr);
/* After shared->is_draining was set: answers what was accepted, then ends; waits for that. */
void sl_worker_join(struct sl_worker *w);

#endif

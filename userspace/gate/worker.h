/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: a thread with its loop, its listening sockets, its clients and its upstream
 * connections. */
#ifndef SL_GATE_WORKER_H
#define SL_GATE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/log.h"
#include "base/slab.h"
#include "core/loop.h"
#include "gate/rules.h"
#include "gate/tally.h"
#include "observe/accesslog.h"
#include "observe/clock.h"
#include "observe/stats.h"
#include "upstream/pool.h"

/* What all workers of the process share. */
struct sl_shared {
	const struct sl_rules *rules;
	struct sl_stats *stats;	      /* one a worker */
	_Atomic uint32_t connections; /* client connections open, in all workers */
	_Atomic bool is_draining;
	struct sl_tally *tally; /* NULL: no limit on one client's connections */
	int done_fd;		/* eventfd: each worker adds 1 when it has ended */
	int access_fd;		/* -1: no access log */
};

struct sl_acceptor {
	struct sl_op op;
	struct sl_worker *worker;
	const struct sl_listener_conf *conf;
	struct sl_timer timer; /* tries again after descriptors ran out */
	int fd;
	bool armed;
};

struct sl_worker {
	struct sl_loop loop;
	struct sl_shared *shared;
	const struct sl_rules *rules;
	struct sl_stats *stats;
	struct sl_pool pool;
	struct sl_accesslog log;
	struct sl_wall wall;
	struct sl_acceptor *acceptors;
	unsigned acceptors_nr;
	struct sl_slab client_slab;
	struct sl_list clients;
	unsigned clients_nr;
	unsigned index;
	uint64_t id_high, id_low; /* of the next request id */
	struct sl_log_rate log_rate;
	struct sl_timer drain_timer;
	uint64_t drain_start_ns;
	bool is_draining;
	/* start-up */
	pthread_t thread;
	int start_result;
	const char *start_missing;
};

/* Starts the thread and waits until it is ready or has failed; fds[] are the listening sockets, one
 * a listener, taken over.  0 or a negative errno, with worker->start_missing as in sl_loop_init().
 */
int sl_worker_start(struct sl_worker *w, struct sl_shared *shared, unsigned index, const int *fds);
/* After shared->is_draining was set: answers what was accepted, then ends; waits for that. */
void sl_worker_join(struct sl_worker *w);

#endif

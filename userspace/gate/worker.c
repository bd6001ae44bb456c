// SPDX-License-Identifier: Apache-2.0
// One worker: its thread, its listening sockets, and how it ends.
#include "gate/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "gate/client.h"

enum {
	ACCEPT_RETRY_MS = 100, /* after descriptors ran out */
	DRAIN_IDLE_MS = 1000,  /* a keep-alive connection may still bring a request */
	DRAIN_MAX_MS = 30000,  /* then whatever is left is cut off */
	DRAIN_DOOR_MS = 300,   /* the door stays open: whoever has connected gets to send */
	DRAIN_STEP_MS = 100,
};

/* ---- accepting ---- */

static void arm_accept(struct sl_acceptor *a)
{
	if (a->armed || a->fd < 0)
		return;
	a->armed = true;
	sl_ring_accept(&a->worker->loop, &a->op, a->fd);
}

static void on_retry(struct sl_timer *t)
{
	arm_accept(sl_container_of(t, struct sl_acceptor, timer));
}

/* Out of descriptors: connections wait in the backlog until some are free again. */
static void pause_accept(struct sl_acceptor *a, int error)
{
	struct sl_worker *w = a->worker;

	if (sl_log_allow(&w->log_rate, w->loop.now_ns))
		sl_log_warn("accept.failed", "listener=%s error=\"%s\"", a->conf->name,
			    strerror(-error));
	sl_timer_set(&w->loop.wheel, &a->timer, w->loop.now_ns + ACCEPT_RETRY_MS * SL_MS);
}

static void on_accepted(struct sl_op *op, int res, uint32_t flags)
{
	struct sl_acceptor *a = sl_container_of(op, struct sl_acceptor, op);

	if (!(flags & IORING_CQE_F_MORE))
		a->armed = false;
	if (res >= 0)
		sl_client_accept(a->worker, a->conf, res);
	if (a->armed || a->fd < 0)
		return;
	if (res >= 0 || res == -ECONNABORTED || res == -EINTR)
		arm_accept(a);
	else
		pause_accept(a, res);
}

/* What the kernel has already accepted for us is answered; only then is the door closed. */
static void close_acceptor(struct sl_acceptor *a)
{
	int fd = a->fd, client;

	if (fd < 0)
		return;
	a->fd = -1;
	sl_timer_stop(&a->timer);
	if (a->armed)
		sl_ring_cancel(&a->worker->loop, &a->op);
	/* The ring wants a blocking descriptor, this loop the opposite. */
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return;
	while ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		sl_client_accept(a->worker, a->conf, client);
	sl_ring_close(&a->worker->loop, fd);
}

/* ---- ending ---- */

static bool is_quiet(const struct sl_worker *w, uint64_t since_ns)
{
	bool is_log_stuck = since_ns >= DRAIN_MAX_MS * SL_MS;

	return w->clients_nr == 0 && w->pool.peers_nr == 0 && w->loop.fibers.live_nr == 0 &&
	       (!w->log.is_writing || is_log_stuck);
}

static void close_idle_clients(struct sl_worker *w)
{
	struct sl_list *node, *next;

	for (node = w->clients.next; node != &w->clients; node = next) {
		struct sl_client *c = sl_container_of(node, struct sl_client, node);

		next = node->next;
		if (sl_client_is_idle(c))
			sl_client_close(c);
	}
}

static void cut_off_clients(struct sl_worker *w)
{
	for (struct sl_list *node = w->clients.next; node != &w->clients; node = node->next)
		sl_fiber_cancel(&w->loop,
				sl_container_of(node, struct sl_client, node)->conn.reader);
}

static void on_drain_step(struct sl_timer *t)
{
	struct sl_worker *w = sl_container_of(t, struct sl_worker, drain_timer);
	uint64_t since_ns = w->loop.now_ns - w->drain_start_ns;

	for (unsigned i = 0; i < w->acceptors_nr; i++)
		close_acceptor(&w->acceptors[i]);
	if (since_ns >= DRAIN_IDLE_MS * SL_MS)
		close_idle_clients(w);
	if (since_ns >= DRAIN_MAX_MS * SL_MS)
		cut_off_clients(w);
	if (w->clients_nr == 0)
		sl_pool_close_idle(&w->pool);
	if (is_quiet(w, since_ns)) {
		sl_accesslog_end(&w->log);
		sl_loop_stop(&w->loop);
		return;
	}
	sl_timer_set(&w->loop.wheel, t, w->loop.now_ns + DRAIN_STEP_MS * SL_MS);
}

/* A client whose connection is still deferred has one in its own eyes, and may be about to send on
 * it. */
static void stop_deferring(struct sl_acceptor *a)
{
	int off = 0;

	setsockopt(a->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &off, sizeof(off));
}

static void on_turn(struct sl_loop *loop)
{
	struct sl_worker *w = sl_container_of(loop, struct sl_worker, loop);

	if (w->is_draining || !atomic_load_explicit(&w->shared->is_draining, memory_order_relaxed))
		return;
	w->is_draining = true;
	w->drain_start_ns = loop->now_ns;
	for (unsigned i = 0; i < w->acceptors_nr; i++)
		stop_deferring(&w->acceptors[i]);
	sl_timer_set(&loop->wheel, &w->drain_timer, loop->now_ns + DRAIN_DOOR_MS * SL_MS);
}

/* ---- starting ---- */

static int open_acceptors(struct sl_worker *w, const int *fds)
{
	w->acceptors_nr = w->rules->listeners_nr;
	w->acceptors = calloc(w->acceptors_nr, sizeof(*w->acceptors));
	if (!w->acceptors)
		return -ENOMEM;
	for (unsigned i = 0; i < w->acceptors_nr; i++) {
		struct sl_acceptor *a = &w->acceptors[i];

		*a = (struct sl_acceptor){
			.op.done = on_accepted,
			.worker = w,
			.conf = &w->rules->listeners[i],
			.fd = fds[i],
		};
		sl_timer_init(&a->timer, on_retry);
	}
	return 0;
}

static int init(struct sl_worker *w)
{
	struct sl_loop_conf conf = {
		.worker = w->index,
		.memory_bytes = w->rules->limits.memory_bytes / w->rules->workers,
	};
	int ret;

	sl_list_init(&w->clients);
	sl_timer_init(&w->drain_timer, on_drain_step);
	sl_slab_init(&w->client_slab, sizeof(struct sl_client));
	if (getrandom(&w->id_high, sizeof(w->id_high), 0) != sizeof(w->id_high))
		return -EIO;
	ret = sl_loop_init(&w->loop, &conf, &w->start_missing);
	if (ret < 0)
		return ret;
	w->loop.on_turn = on_turn;
	ret = sl_pool_init(&w->pool, &w->loop, w->rules->upstreams, w->rules->upstreams_nr);
	if (ret == 0)
		ret = sl_accesslog_init(&w->log, &w->loop, w->stats, &w->wall,
					w->shared->access_fd);
	if (ret < 0) {
		sl_pool_fini(&w->pool);
		sl_loop_fini(&w->loop);
	}
	return ret;
}

static void fini(struct sl_worker *w)
{
	sl_accesslog_fini(&w->log);
	sl_pool_fini(&w->pool);
	sl_slab_fini(&w->client_slab);
	sl_loop_fini(&w->loop);
	free(w->acceptors);
}

struct start {
	struct sl_worker *worker;
	pthread_barrier_t ready;
};

/* The ring belongs to the thread that made it, so everything is set up here. */
static void *run(void *arg)
{
	struct start *start = arg;
	struct sl_worker *w = start->worker;
	int ret = init(w);

	w->start_result = ret;
	pthread_barrier_wait(&start->ready); /* start is gone after this */
	if (ret < 0)
		return NULL;
	for (unsigned i = 0; i < w->acceptors_nr; i++)
		arm_accept(&w->acceptors[i]);
	sl_loop_run(&w->loop);
	fini(w);
	eventfd_write(w->shared->done_fd, 1);
	return NULL;
}

int sl_worker_start(struct sl_worker *w, struct sl_shared *shared, unsigned index, const int *fds)
{
	struct start start = { .worker = w };
	int ret;

	*w = (struct sl_worker){
		.shared = shared,
		.rules = shared->rules,
		.stats = &shared->stats[index],
		.index = index,
		.start_missing = "",
	};
	ret = open_acceptors(w, fds);
	if (ret < 0)
		return ret;
	pthread_barrier_init(&start.ready, NULL, 2);
	ret = -pthread_create(&w->thread, NULL, run, &start);
	if (ret < 0) {
		free(w->acceptors);
		return ret;
	}
	pthread_barrier_wait(&start.ready);
	pthread_barrier_destroy(&start.ready);
	if (w->start_result < 0) {
		pthread_join(w->thread, NULL);
		free(w->acceptors);
	}
	return w->start_result;
}

void sl_worker_join(struct sl_worker *w)
{
	pthread_join(w->thread, NULL);
}

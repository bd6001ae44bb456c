// SPDX-License-Identifier: Apache-2.0
// One worker: its thread, its listening sockets, and how it ends.
#include "gate/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "gate/client.h"
#include "gate/exchange.h"
#include "policy/digest.h"
#include "policy/tokens.h"
#include "policy/verdicts.h"
#include "tls/handshake.h"

enum {
	DRAIN_IDLE_MS = 1000, /* a keep-alive connection may still bring a request */
	DRAIN_MAX_MS = 30000, /* then whatever is left is cut off */
	DRAIN_DOOR_MS = 300,  /* the door stays open: whoever has connected gets to send */
	DRAIN_STEP_MS = 100,
};

/* ---- ending ---- */

/* While the ring still accepts, it holds the socket, for a while even beyond the process: the port
 * would not be free when we have ended. */
static bool is_accepting(const struct sl_worker *w)
{
	for (unsigned i = 0; i < w->acceptors_nr; i++)
		if (w->acceptors[i]->armed)
			return true;
	return !sl_list_is_empty(&w->lent);
}

static bool is_quiet(const struct sl_worker *w, uint64_t since_ns)
{
	bool is_log_stuck = since_ns >= DRAIN_MAX_MS * SL_MS;

	return !is_accepting(w) && w->clients_nr == 0 && w->views_nr == 1 &&
	       w->view->pool.peers_nr == 0 && w->loop.fibers.live_nr == 0 &&
	       (!w->log.is_writing || is_log_stuck);
}

static void close_idle_clients(struct sl_worker *w)
{
	struct sl_list *node, *next;

	for (node = w->clients.next; node != &w->clients; node = next) {
		struct sl_client *c = sl_container_of(node, struct sl_client, node);

		next = node->next;
		/* What waits in the socket is a request that we have not been told of yet: closing
		 * now would be a reset. */
		if (!sl_client_is_idle(c) || sl_conn_has_unread(&c->conn))
			continue;
		sl_count(&w->stats->connections_closed_stopping, 1);
		sl_client_close(c);
	}
}

static void cut_off_clients(struct sl_worker *w)
{
	for (struct sl_list *node = w->clients.next; node != &w->clients; node = node->next)
		sl_fiber_cancel(&w->loop,
				sl_container_of(node, struct sl_client, node)->conn.reader);
}

static void close_doors(struct sl_worker *w)
{
	struct sl_list *node, *next;

	for (unsigned i = 0; i < w->acceptors_nr; i++)
		sl_acceptor_close(w->acceptors[i]);
	for (node = w->lent.next; node != &w->lent; node = next) {
		next = node->next;
		sl_acceptor_end_lent(sl_container_of(node, struct sl_acceptor, node));
	}
}

static void on_drain_step(struct sl_timer *t)
{
	struct sl_worker *w = sl_container_of(t, struct sl_worker, drain_timer);
	uint64_t since_ns = w->loop.now_ns - w->drain_start_ns;

	close_doors(w);
	if (since_ns >= DRAIN_IDLE_MS * SL_MS)
		close_idle_clients(w);
	if (since_ns >= DRAIN_MAX_MS * SL_MS)
		cut_off_clients(w);
	if (w->clients_nr == 0)
		sl_pool_close_idle(&w->view->pool);
	if (is_quiet(w, since_ns)) {
		sl_accesslog_end(&w->log);
		sl_loop_stop(&w->loop);
		return;
	}
	sl_timer_set(&w->loop.wheel, t, w->loop.now_ns + DRAIN_STEP_MS * SL_MS);
}

/* The process is about to exit, and what this thread does after its last lines would not be logged:
 * it does nothing. */
static _Noreturn void end_at_once(struct sl_worker *w)
{
	sl_accesslog_fini(&w->log);
	eventfd_write(w->shared->done_fd, 1);
	for (;;)
		pause();
}

static void on_turn(struct sl_loop *loop)
{
	struct sl_worker *w = sl_container_of(loop, struct sl_worker, loop);

	sl_tls_turn(&w->tls_blocks, loop);
	if (atomic_load_explicit(&w->shared->is_ending, memory_order_relaxed) && !w->log.is_writing)
		end_at_once(w);
	if (w->is_draining || !atomic_load_explicit(&w->shared->is_draining, memory_order_acquire))
		return;
	w->is_draining = true;
	w->drain_start_ns = loop->now_ns;
	for (unsigned i = 0; i < w->acceptors_nr && !w->shared->is_handed_over; i++)
		sl_acceptor_stop_deferring(w->acceptors[i]);
	sl_timer_set(&loop->wheel, &w->drain_timer, loop->now_ns + DRAIN_DOOR_MS * SL_MS);
}

/* ---- starting ---- */

static void free_acceptors(struct sl_worker *w)
{
	for (unsigned i = 0; w->acceptors && i < w->acceptors_nr; i++)
		free(w->acceptors[i]);
	free(w->acceptors);
	w->acceptors = NULL;
}

static int open_acceptors(struct sl_worker *w, const int *fds)
{
	const struct sl_rules *rules = w->view->rules;

	w->acceptors_nr = rules->listeners_nr;
	w->acceptors = calloc(w->acceptors_nr, sizeof(*w->acceptors));
	for (unsigned i = 0; w->acceptors && i < w->acceptors_nr; i++) {
		w->acceptors[i] = sl_acceptor_new(w, &rules->listeners[i], fds[i]);
		if (!w->acceptors[i])
			return -ENOMEM;
	}
	return w->acceptors ? 0 : -ENOMEM;
}

static size_t memory_of(const struct sl_rules *rules)
{
	return rules->limits.memory_bytes / rules->workers;
}

static void use_log_rules(struct sl_worker *w)
{
	const struct sl_logs *logs = &w->view->rules->logs;

	w->log.is_on = logs->access_path != NULL;
	sl_accesslog_set_format(&w->log, &logs->access_format, &logs->redact);
}

/* Last: nothing that a start needs is forbidden. */
static int shut_in(struct sl_worker *w)
{
	enum sl_sandbox_mode mode = w->view->rules->sandbox;

	if (mode == SL_SANDBOX_OFF)
		return 0;
	w->sandbox.error[SL_SANDBOX_RING] = w->loop.restrict_error;
	sl_sandbox_enter(&w->sandbox);
	for (int i = 0; i < SL_SANDBOX_LAYERS; i++)
		if (w->sandbox.error[i] < 0 && mode == SL_SANDBOX_REQUIRE)
			return -EACCES;
	return 0;
}

static int init(struct sl_worker *w)
{
	struct sl_loop_conf conf = {
		.worker = w->index,
		.memory_bytes = memory_of(w->view->rules),
		.is_restricted = w->view->rules->sandbox != SL_SANDBOX_OFF,
	};
	int ret;

	sl_list_init(&w->clients);
	sl_list_init(&w->lent);
	sl_timer_init(&w->drain_timer, on_drain_step);
	sl_slab_init(&w->client_slab, sizeof(struct sl_client));
	w->regex_scratch = sl_regex_scratch_new();
	w->digest = sl_digest_new();
	w->verdicts = sl_verdicts_new();
	w->tokens = sl_tokens_new();
	if (!w->regex_scratch || !w->digest || !w->verdicts || !w->tokens)
		return -ENOMEM;
	if (getrandom(&w->id_high, sizeof(w->id_high), 0) != sizeof(w->id_high))
		return -EIO;
	ret = sl_loop_init(&w->loop, &conf, &w->start_missing);
	if (ret < 0)
		return ret;
	w->loop.on_turn = on_turn;
	sl_tls_blocks_init(&w->tls_blocks, &w->loop.budget);
	sl_slab_init(&w->peer_slab, sizeof(struct sl_peer));
	ret = sl_accesslog_init(&w->log, &w->loop, w->stats, &w->wall, w->shared->access_fd);
	use_log_rules(w);
	if (ret == 0)
		ret = shut_in(w);
	if (ret < 0)
		sl_loop_fini(&w->loop);
	return ret;
}

static void fini(struct sl_worker *w)
{
	sl_accesslog_fini(&w->log);
	sl_view_free(w->view);
	sl_slab_fini(&w->peer_slab);
	sl_slab_fini(&w->client_slab);
	sl_tls_blocks_fini(&w->tls_blocks);
	sl_loop_fini(&w->loop);
	sl_regex_scratch_free(w->regex_scratch);
	sl_digest_free(w->digest);
	free(w->verdicts);
	sl_tokens_free(w->tokens);
	free_acceptors(w);
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
	if (ret < 0) {
		sl_regex_scratch_free(w->regex_scratch);
		sl_digest_free(w->digest);
		free(w->verdicts);
		sl_tokens_free(w->tokens);
		return NULL;
	}
	for (unsigned i = 0; i < w->acceptors_nr; i++)
		sl_acceptor_start(w->acceptors[i]);
	sl_pool_start(&w->view->pool);
	sl_loop_run(&w->loop);
	fini(w);
	eventfd_write(w->shared->done_fd, 1);
	return NULL;
}

static int start_thread(struct sl_worker *w)
{
	struct start start = { .worker = w };
	int ret;

	pthread_barrier_init(&start.ready, NULL, 2);
	ret = -pthread_create(&w->thread, NULL, run, &start);
	if (ret < 0)
		return ret;
	pthread_barrier_wait(&start.ready);
	pthread_barrier_destroy(&start.ready);
	if (w->start_result < 0)
		pthread_join(w->thread, NULL);
	return w->start_result;
}

int sl_worker_start(struct sl_worker *w, struct sl_shared *shared, const struct sl_rules *rules,
		    unsigned index, const int *fds)
{
	int ret;

	*w = (struct sl_worker){
		.shared = shared,
		.stats = sl_metrics_stats(shared->metrics, index),
		.cells = sl_metrics_block(shared->metrics, index),
		.index = index,
		.start_missing = "",
		.views_nr = 1,
	};
	w->view = sl_view_new(w, rules);
	ret = w->view ? open_acceptors(w, fds) : -ENOMEM;
	if (ret == 0)
		ret = start_thread(w);
	if (ret < 0) {
		free_acceptors(w);
		sl_view_free(w->view);
	}
	return ret;
}

/* ---- another configuration ---- */

/* Listeners that stay keep their sockets and their clients, and learn the new settings. */
static void take_over_acceptors(struct sl_worker *w, struct sl_switch *s)
{
	const struct sl_rules *rules = s->view->rules;

	for (unsigned i = 0; i < rules->listeners_nr; i++) {
		struct sl_acceptor **old;

		if (s->acceptors[i]) {
			sl_acceptor_start(s->acceptors[i]);
			continue;
		}
		old = &w->acceptors[s->kept[i]];
		s->acceptors[i] = *old;
		s->acceptors[i]->conf = &rules->listeners[i];
		sl_listener_tune(s->acceptors[i]->fd, s->acceptors[i]->conf);
		*old = NULL;
	}
	for (unsigned i = 0; i < w->acceptors_nr; i++)
		if (w->acceptors[i])
			sl_acceptor_drop(w->acceptors[i], w->view);
}

/* Nothing here can fail: whatever could was done before it was posted. */
static void switch_over(struct sl_mail *m)
{
	struct sl_switch *s = sl_container_of(m, struct sl_switch, mail);
	struct sl_worker *w = s->worker;
	struct sl_view *old = w->view;
	struct sl_acceptor **acceptors = w->acceptors;

	sl_pool_stop_checks(&old->pool);
	sl_pool_inherit(&s->view->pool);
	sl_pool_start(&s->view->pool);
	take_over_acceptors(w, s);
	w->acceptors = s->acceptors;
	w->acceptors_nr = s->view->rules->listeners_nr;
	s->acceptors = acceptors; /* for the sender to free */
	w->view = s->view;
	w->views_nr++;
	sl_loop_set_memory(&w->loop, memory_of(w->view->rules));
	use_log_rules(w);
	sl_view_put(old);
	sem_post(s->done); /* s is gone after this */
}

static bool needs(const struct sl_client *c, const struct sl_rules *rules)
{
	const struct sl_view *dropped = c->acceptor->view;

	return (c->exchange && c->exchange->rules == rules) || (dropped && dropped->rules == rules);
}

static void cut_client(struct sl_worker *w, struct sl_client *c)
{
	if (sl_client_is_idle(c))
		sl_client_close(c);
	else
		sl_fiber_cancel(&w->loop, c->conn.reader);
}

void sl_worker_cut_off(struct sl_worker *w, const struct sl_rules *rules)
{
	struct sl_list *node, *next;

	for (node = w->clients.next; node != &w->clients; node = next) {
		struct sl_client *c = sl_container_of(node, struct sl_client, node);

		next = node->next;
		if (needs(c, rules))
			cut_client(w, c);
	}
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void sl_worker_cut_keys(struct sl_worker *w, const uint64_t *marks, unsigned nr)
{
	struct sl_list *node, *next;

	for (node = w->clients.next; node != &w->clients; node = next) {
		struct sl_client *c = sl_container_of(node, struct sl_client, node);

		next = node->next;
		if (c->key_mark && bsearch(&c->key_mark, marks, nr, sizeof(*marks), by_number))
			cut_client(w, c);
	}
}

void sl_worker_switch(struct sl_switch *s)
{
	s->mail.open = switch_over;
	sl_mail_post(&s->worker->loop, &s->mail);
}

void sl_worker_join(struct sl_worker *w)
{
	pthread_join(w->thread, NULL);
}

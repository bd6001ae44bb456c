// SPDX-License-Identifier: Apache-2.0
// Accepting, and how that ends.
#include "gate/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "gate/client.h"

enum {
	RETRY_MS = 100, /* after descriptors ran out */
	LENT_MS = 3000, /* a lost packet of a handshake comes again after 1 s, and after 3 */
};

static void arm(struct sl_acceptor *a)
{
	if (a->armed || a->fd < 0)
		return;
	a->armed = true;
	sl_ring_accept(&a->worker->loop, &a->op, a->fd);
}

static void on_retry(struct sl_timer *t)
{
	arm(sl_container_of(t, struct sl_acceptor, timer));
}

/* Out of descriptors: connections wait in the backlog until some are free again. */
static void pause_accept(struct sl_acceptor *a, int error)
{
	struct sl_worker *w = a->worker;

	if (sl_worker_note_shortage(w, &w->accept_short_ns))
		sl_log_warn("accept.failed", "listener=%s error=\"%s\" effect=\"clients wait\"",
			    a->conf->name, strerror(-error));
	sl_timer_set(&w->loop.wheel, &a->timer, w->loop.now_ns + RETRY_MS * SL_MS);
}

static void free_if_done(struct sl_acceptor *a)
{
	if (!a->view || a->fd >= 0 || a->armed || a->clients_nr > 0)
		return;
	sl_timer_stop(&a->end_timer);
	sl_list_del(&a->node);
	sl_view_put(a->view);
	free(a);
}

/* Who comes in by a lent socket is a client of the listener's own acceptor while there is one: else
 * he would hold the configuration that the socket was lent under for as long as he stays. */
static struct sl_acceptor *host_of(struct sl_acceptor *a)
{
	struct sl_worker *w = a->worker;

	for (unsigned i = 0; a->is_lent && i < w->acceptors_nr; i++)
		if (sl_addr_eq(&w->acceptors[i]->conf->address, &a->conf->address))
			return w->acceptors[i];
	return a;
}

static void on_accepted(struct sl_op *op, int res, uint32_t flags)
{
	struct sl_acceptor *a = sl_container_of(op, struct sl_acceptor, op);

	if (res >= 0)
		sl_client_accept(host_of(a), res); /* may end at once: still armed, a does not */
	if (flags & IORING_CQE_F_MORE)
		return;
	a->armed = false;
	if (a->fd < 0)
		free_if_done(a);
	else if (res >= 0 || res == -ECONNABORTED || res == -EINTR)
		arm(a);
	else
		pause_accept(a, res);
}

static void on_lent_end(struct sl_timer *t)
{
	sl_acceptor_end_lent(sl_container_of(t, struct sl_acceptor, end_timer));
}

struct sl_acceptor *sl_acceptor_new(struct sl_worker *w, const struct sl_listener_conf *conf,
				    int fd)
{
	struct sl_acceptor *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	*a = (struct sl_acceptor){ .op.done = on_accepted, .worker = w, .conf = conf, .fd = fd };
	sl_timer_init(&a->timer, on_retry);
	sl_timer_init(&a->end_timer, on_lent_end);
	sl_list_init(&a->node);
	return a;
}

void sl_acceptor_start(struct sl_acceptor *a)
{
	arm(a);
}

void sl_acceptor_stop_deferring(struct sl_acceptor *a)
{
	int off = 0;

	setsockopt(a->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &off, sizeof(off));
}

static void take_all(struct sl_acceptor *a, int fd)
{
	int client;

	while ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		sl_client_accept(host_of(a), client);
}

void sl_acceptor_close(struct sl_acceptor *a)
{
	int fd = a->fd;

	if (fd < 0)
		return;
	a->fd = -1;
	sl_timer_stop(&a->timer);
	if (a->armed)
		sl_ring_cancel(&a->worker->loop, &a->op);
	/* The ring wants a blocking descriptor, this loop the opposite.  Who inherited the socket
	 * has the same description of it, and accepts what waits; one that is lent nobody does. */
	if ((a->is_lent || !a->worker->shared->is_handed_over) &&
	    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
		take_all(a, fd);
	sl_ring_close(&a->worker->loop, fd);
}

void sl_acceptor_drop(struct sl_acceptor *a, struct sl_view *view)
{
	sl_acceptor_close(a);
	a->view = sl_view_get(view);
	free_if_done(a);
}

void sl_acceptor_leave(struct sl_acceptor *a)
{
	a->clients_nr--;
	free_if_done(a);
}

static void on_lent(struct sl_mail *m)
{
	struct sl_acceptor *a = sl_container_of(m, struct sl_acceptor, mail);
	struct sl_worker *w = a->worker;

	a->is_lent = true;
	a->view = sl_view_get(w->view);
	sl_list_push_back(&w->lent, &a->node);
	sl_acceptor_stop_deferring(a);
	sl_timer_set(&w->loop.wheel, &a->end_timer, w->loop.now_ns + LENT_MS * SL_MS);
	arm(a);
}

void sl_acceptor_lend(struct sl_acceptor *a)
{
	a->mail.open = on_lent;
	sl_mail_post(&a->worker->loop, &a->mail);
}

void sl_acceptor_end_lent(struct sl_acceptor *a)
{
	a->clients_nr++; /* those that are taken in now may go at once, and a must not */
	sl_acceptor_close(a);
	sl_acceptor_leave(a);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's end of a listener: takes connections in, and outlives its configuration. */
#ifndef SL_GATE_ACCEPTOR_H
#define SL_GATE_ACCEPTOR_H

#include <stdbool.h>

#include "base/list.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "net/listener.h"

struct sl_view;
struct sl_worker;

struct sl_acceptor {
	struct sl_op op;
	struct sl_worker *worker;
	const struct sl_listener_conf *conf; /* in the rules of the current view, or of `view` */
	struct sl_view *view;		     /* held since it was dropped or lent; NULL before */
	struct sl_timer timer;		     /* tries again after descriptors ran out */
	struct sl_timer end_timer;	     /* of one that is lent */
	struct sl_list node;		     /* in worker->lent, or alone */
	struct sl_mail mail;
	unsigned clients_nr;
	int fd; /* -1: closed */
	bool armed;
	bool is_lent;
};

/* On any thread; takes over fd.  NULL: out of memory. */
struct sl_acceptor *sl_acceptor_new(struct sl_worker *w, const struct sl_listener_conf *conf,
				    int fd);
/* On the worker's thread, as all that follows. */
void sl_acceptor_start(struct sl_acceptor *a);
/* Whoever has connected and waits in the backlog may be about to send: takes them in now. */
void sl_acceptor_stop_deferring(struct sl_acceptor *a);
/* What the kernel has already accepted for us is served; then the door is closed. */
void sl_acceptor_close(struct sl_acceptor *a);
/* The configuration has it no more: closes it, and frees it when its last client has gone. */
void sl_acceptor_drop(struct sl_acceptor *a, struct sl_view *view);
/* A socket more than the worker's own of a listener: accepts from it for a few seconds, in which
 * handshakes that it has begun come to their end, takes in who waits then, and closes it.  On any
 * thread while the worker runs; takes over a. */
void sl_acceptor_lend(struct sl_acceptor *a);
/* No later than now. */
void sl_acceptor_end_lent(struct sl_acceptor *a);
/* One of its clients has gone. */
void sl_acceptor_leave(struct sl_acceptor *a);

#endif

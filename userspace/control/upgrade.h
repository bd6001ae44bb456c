/* SPDX-License-Identifier: Apache-2.0 */
/* Another binary in our place: it inherits the listening sockets, and we end when it is ready. */
#ifndef SL_CONTROL_UPGRADE_H
#define SL_CONTROL_UPGRADE_H

#include "control/daemon.h"

/*
 * Starts the program at the path and with the arguments that we were started with; it reads the
 * configuration anew.  The sockets are the same ones, so no connection that waits in a backlog is
 * lost.  0, or a negative errno, logged.
 */
int sl_upgrade_begin(struct sl_daemon *d);
/* Readable: call sl_upgrade_go_on(); -1 while there is none. */
int sl_upgrade_fd(const struct sl_daemon *d);
/* Ends a new one that was not ready in time (gateway.upgrade_timeout): call it now and then. */
void sl_upgrade_tick(struct sl_daemon *d);
/* True when the new one is ready, and we are to end; false when it has failed: then we go on. */
bool sl_upgrade_go_on(struct sl_daemon *d);

/* We are told to end while it starts, and it is not to be left behind without its parent: it ends
 * too, in order or at once.  Nothing happens when none is starting. */
void sl_upgrade_give_up(struct sl_daemon *d, bool is_at_once);
/* True while it has not ended after that; it gets as long as our own workers, then it is killed. */
bool sl_upgrade_is_ending(struct sl_daemon *d);

/* In the new process: tells the old one. */
void sl_upgrade_tell_ready(void);
/* Did another process start us to take its place? */
bool sl_upgrade_is_heir(void);

/* Listening sockets that we were started with, from an older process of ours or from the service
 * manager (sd_listen_fds(3)). */
struct sl_inherited {
	int *fds; /* -1: taken */
	unsigned nr, taken_nr;
};

/* Also takes what it read out of the environment.  0 or -ENOMEM. */
int sl_inherited_read(struct sl_inherited *in);
/* The next one that listens on the address, the caller's from now on; -1: there is none. */
int sl_inherited_take(struct sl_inherited *in, const struct sl_addr *addr);
/* When the workers run: those that listen on our addresses and that no worker took are lent to
 * them, and get no new connections from now on. */
void sl_surplus_lend(struct sl_daemon *d, struct sl_inherited *in);
void sl_inherited_fini(struct sl_inherited *in); /* closes what nobody took */

#endif

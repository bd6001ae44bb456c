/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: answers sluicectl in the main thread, away from the request path. */
#ifndef SL_CONTROL_SOCKET_H
#define SL_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "control/daemon.h"

/* RUN_DIR/control.sock, for our own user and group only; the daemon is borrowed.  0 or a negative
 * errno: -EADDRINUSE when another daemon answers there, -EEXIST when a default
 * run_dir in /tmp is not ours alone. */
int sl_control_open(struct sl_control **ret_control, struct sl_daemon *daemon);
/* Does a process answer at this run_dir's control socket?  *ret_pid is 0 when it is one of another
 * namespace. */
bool sl_control_is_taken(const char *run_dir, pid_t *ret_pid);
/* 0 or a negative errno; -EEXIST: somebody else was there before us, where everybody may be. */
int sl_control_make_run_dir(const char *path);
void sl_control_close(struct sl_control *c);   /* NULL is fine; removes the socket */
int sl_control_fd(const struct sl_control *c); /* readable: call sl_control_serve(); -1 for NULL */
/* Answers one caller; a slow one is given a second. */
void sl_control_serve(struct sl_control *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The listener of key "admin": metrics and health over HTTP, served by the main thread, away from
 * the workers. */
#ifndef SL_CONTROL_ADMIN_H
#define SL_CONTROL_ADMIN_H

#include "control/daemon.h"

struct sl_admin;

/* Listens at conf->address; the daemon is borrowed.  0 with *ret_admin, NULL where there is none to
 * be; or a negative errno, when the reason is logged. */
int sl_admin_open(struct sl_admin **ret_admin, struct sl_daemon *daemon,
		  const struct sl_admin_conf *conf);
/* When a start can fail no more: takes the path of the process before us, if it waits for that.  A
 * failure is logged.  NULL is fine. */
void sl_admin_take_over(struct sl_admin *a);
/* What can change on an open socket, for a configuration with the same address.  NULL is fine. */
void sl_admin_set(struct sl_admin *a, const struct sl_admin_conf *conf);
void sl_admin_close(struct sl_admin *a); /* NULL is fine */

int sl_admin_fd(const struct sl_admin *a); /* readable: call sl_admin_serve(); -1 for NULL */
/* Does what can be done without waiting; to be called each second too, for deadlines. */
void sl_admin_serve(struct sl_admin *a);

#endif

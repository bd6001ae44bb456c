/* SPDX-License-Identifier: Apache-2.0 */
/* A question that only the workers can answer. */
#ifndef SL_CONTROL_ASK_H
#define SL_CONTROL_ASK_H

#include "control/daemon.h"

/* Runs question(worker, arg) on each worker's thread, between two turns, and waits for all of them.
 * 0 or -ENOMEM. */
int sl_daemon_ask(struct sl_daemon *d, void (*question)(struct sl_worker *w, void *arg), void *arg);

#endif

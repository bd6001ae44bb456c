/* SPDX-License-Identifier: Apache-2.0 */
/* Which configurations are alive, and when one can be freed.  All in the main thread. */
#ifndef SL_CONTROL_GENERATION_H
#define SL_CONTROL_GENERATION_H

#include "control/daemon.h"

/* The rules are the daemon's now and become its current ones; one view of them a worker is to come
 * back.  0 or -ENOMEM. */
int sl_daemon_adopt(struct sl_daemon *d, struct sl_rules *rules);
/* Frees the views that have come back (shared.retired_fd tells) and, with the last view of it, a
 * configuration. */
void sl_daemon_reap(struct sl_daemon *d);
/* When no worker runs any more: frees them all. */
void sl_daemon_abandon_all(struct sl_daemon *d);

#endif

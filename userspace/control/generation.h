/* SPDX-License-Identifier: Apache-2.0 */
/* Which configurations are alive, and when one can be freed.  All in the main thread. */
#ifndef SL_CONTROL_GENERATION_H
#define SL_CONTROL_GENERATION_H

#include <stdio.h>

#include "control/daemon.h"

/* So many old ones may be alive, each with requests that began under it. */
enum { SL_GENERATIONS_OLD_MAX = 16 };

/* Before another one comes: when there are as many as may be, what is under way in the oldest is
 * cut off, or, when that was replaced less than 10 s ago, the new one has to wait: -EBUSY, and
 * `errors` is told why and for how long.  0 when there is room.  Without may_cut_off it always has
 * to wait: nobody's tunnel ends because somebody else's name has a new address. */
int sl_daemon_make_room(struct sl_daemon *d, bool may_cut_off, FILE *errors);
/* The rules are the daemon's now and become its current ones; one view of them a worker is to come
 * back.  0 or -ENOMEM. */
int sl_daemon_adopt(struct sl_daemon *d, struct sl_rules *rules);
/* Frees the views that have come back (shared.retired_fd tells) and, with the last view of it, a
 * configuration. */
void sl_daemon_reap(struct sl_daemon *d);
/* When no worker runs any more: frees them all. */
void sl_daemon_abandon_all(struct sl_daemon *d);

#endif

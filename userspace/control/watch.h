/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, keys and key sets come into use when their files change. */
#ifndef SL_CONTROL_WATCH_H
#define SL_CONTROL_WATCH_H

#include "control/daemon.h"

/* Now and then: looks at the files that listeners and policies name, and where one is another than
 * what is in use, and was so the last time too, goes over to what they hold now, as
 * sl_daemon_refresh() does.  What cannot be used is told once, and what runs goes on. */
void sl_daemon_watch(struct sl_daemon *d);

#endif

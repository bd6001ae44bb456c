/* SPDX-License-Identifier: Apache-2.0 */
/* From one configuration to the next while requests are served. */
#ifndef SL_CONTROL_RELOAD_H
#define SL_CONTROL_RELOAD_H

#include <stdio.h>

#include "control/daemon.h"

/*
 * Reads the file again and goes over to it: built off the workers, then published to all of them.
 * Requests that have begun end under the old rules, connections stay, listening sockets that both
 * name go on.  0; -EINVAL with the faults on `errors`; or another negative errno, logged.  When it
 * fails nothing has changed.
 */
int sl_daemon_reload(struct sl_daemon *d, FILE *errors);

/* The addresses of a name have changed: the configuration that runs, with the new ones.  The file
 * is not read, but what is substituted in it is.  When it fails, d->refresh_ns says when to
 * try again. */
int sl_daemon_refresh(struct sl_daemon *d);

/* A key that the new file changes and that only a restart brings about, or NULL; i counts from 0.
 * The gateway goes on with the old value. */
const char *sl_daemon_needs_restart(const struct sl_daemon *d, unsigned i);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* From one configuration to the next while requests are served. */
#ifndef SL_CONTROL_RELOAD_H
#define SL_CONTROL_RELOAD_H

#include <stdio.h>

#include "control/daemon.h"

/*
 * Reads the file again and goes over to it: built off the workers, then published to all of them.
 * Requests that have begun end under the old rules, connections stay, listening sockets that both
 * name go on.  0; -EINVAL with the faults on `errors`; -EBUSY, with the reason there, as
 * sl_daemon_make_room() says; or another negative errno, logged, and with its key on `errors` where
 * there is one.  When it fails nothing has
 * changed.
 */
int sl_daemon_reload(struct sl_daemon *d, FILE *errors);

/* The addresses of a name have changed: the configuration that runs, with the new ones.  The file
 * is not read, but what is substituted in it is.  When it fails, d->refresh_ns says when to
 * try again. */
int sl_daemon_refresh(struct sl_daemon *d);

/* What a file has otherwise than what runs, and only a restart brings about: a bit for each key.
 * file is as it was read.  d->restart_needed has it for the one that is in use. */
unsigned sl_daemon_needs_restart(const struct sl_daemon *d, const struct sl_rules *file);
/* The keys of such a mask, one after the other, from i 0 on; NULL: there are no more. */
const char *sl_restart_key(unsigned mask, unsigned i);

#endif

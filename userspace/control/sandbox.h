/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers have given up (core/sandbox.h), for the operator. */
#ifndef SL_CONTROL_SANDBOX_H
#define SL_CONTROL_SANDBOX_H

#include <jansson.h>

#include "control/daemon.h"

/* Before the first worker. */
void sl_sandbox_prepare(void);
/* Logs what a worker that has started, or has not for want of it, could not give up.  True if that
 * was something. */
bool sl_sandbox_explain(const struct sl_daemon *d, const struct sl_worker *w);
/* Now and then, in the main thread: counts and logs what workers were refused. */
void sl_sandbox_note(struct sl_daemon *d);

/* For "status": { "mode", "in_force": [layer...], "lost": [{ "layer", "reason" }...],
 * "refused" }. */
json_t *sl_sandbox_status(const struct sl_daemon *d);

#endif

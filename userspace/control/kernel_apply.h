/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel half goes over to a configuration. */
#ifndef SL_CONTROL_KERNEL_APPLY_H
#define SL_CONTROL_KERNEL_APPLY_H

#include "control/kernel.h"

/* Attaches, publishes and limits what the rules say; `running` are those until now, NULL at a
 * start.  0, or a negative errno and why, which k->lost has too: then it does what it can.  But
 * where the rules require it, a failure at a reload has changed nothing. */
int sl_kernel_apply(struct sl_kernel *k, const struct sl_rules *rules,
		    const struct sl_rules *running, struct sl_why *why);

/* Publishes the list of the configuration that runs, where that could not be done before: another
 * was on trial, say.  To be called now and then.  True when it is done: workers are to look at the
 * pinned list. */
bool sl_kernel_catch_up(struct sl_kernel *k, const struct sl_kernel_conf *conf, uint64_t now_ns);

#endif

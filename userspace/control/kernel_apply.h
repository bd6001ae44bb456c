/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel half goes over to a configuration. */
#ifndef SL_CONTROL_KERNEL_APPLY_H
#define SL_CONTROL_KERNEL_APPLY_H

#include "control/kernel.h"

/* Attaches, publishes and limits what the rules say; `running` are those until now, NULL at a start.
 * 0, or a negative errno and why, which k->lost has too: then it does what it can.  But where the
 * rules require it, a failure at a reload has changed nothing. */
int sl_kernel_apply(struct sl_kernel *k, const struct sl_rules *rules,
		    const struct sl_rules *running, struct sl_why *why);

#endif

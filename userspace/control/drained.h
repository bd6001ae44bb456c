/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator has taken out of service stays so across an upgrade: states of targets are this
 * process's memory, and a drained server that gets requests again is no upgrade. */
#ifndef SL_CONTROL_DRAINED_H
#define SL_CONTROL_DRAINED_H

#include "control/daemon.h"

/* For the environment of a successor: for free(); NULL when every target is in service, or there is
 * no memory.  Beyond 100 KiB they are cut off, which is logged. */
char *sl_drained_environment(const struct sl_daemon *d);
/* In the successor, before workers run: takes those out of service that it has too, by the names of
 * upstream and target and the address, and the variable out of the environment. */
void sl_drained_inherit(struct sl_daemon *d);

#endif

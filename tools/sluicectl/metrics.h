/* SPDX-License-Identifier: Apache-2.0 */
/* The file of counters of the daemon that the options name. */
#ifndef SL_SLUICECTL_METRICS_H
#define SL_SLUICECTL_METRICS_H

#include "ctl.h"
#include "observe/reading.h"

/* CTL_OK with *ret_reading to be closed; else the reason was printed. */
enum ctl_exit ctl_metrics_open(const struct ctl *ctl, struct sl_reading *ret_reading);

#endif

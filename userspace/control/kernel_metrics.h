/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel half has counted, for scrapers. */
#ifndef SL_CONTROL_KERNEL_METRICS_H
#define SL_CONTROL_KERNEL_METRICS_H

#include "kern/gate.h"
#include "observe/expose.h"

/* Of the gate that is open; NULL: of the maps that are pinned in $SLUICE_PINS, or in the usual
 * place, and nothing where there are none, or none for us. */
void sl_kernel_expose(FILE *to, enum sl_exposition form, struct sl_gate *open);

#endif

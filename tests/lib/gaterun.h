/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel program, loaded without pins, and frames run through it. */
#ifndef TESTS_LIB_GATERUN_H
#define TESTS_LIB_GATERUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/gate.h"

extern struct sl_gate gate;
extern struct sl_gate_program *gate_program;

/* False: it says "SKIP" or fails a test, and there is nothing to run. */
bool gate_start(void);
int gate_done(void); /* what main returns */

/* Makes this the list; each line is "PREFIX manage|allow|none|drop|reject|shadow [port=N]
 * [ticks=N]". */
void gate_publish(const char *const *lines, size_t nr);
/* Runs a frame (frame.h): the one verdict that was counted for it, or -1 if that is not so.
 * *ret_action: of XDP; *ret_shadow: the shadow or note that was counted beside, or -1. */
int gate_run(const char *frame, uint32_t *ret_action, int *ret_shadow);
uint32_t gate_ticks(void); /* now */
void gate_wait_ticks(uint32_t nr);

#endif

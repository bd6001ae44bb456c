/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that go on until they are told to end, and have something to put back before. */
#ifndef SL_SLUICECTL_ENDING_H
#define SL_SLUICECTL_ENDING_H

#include <stdbool.h>

/* From now on INT, TERM, HUP, QUIT and PIPE are only noted. */
void ending_begin(void);
bool ending_has_come(void);
/* Until the time has passed, or a signal has come. */
void ending_wait_ms(unsigned ms);
/* Ends the process by the signal that came, as whoever sent it expects; if none did, returns. */
void ending_finish(void);

#endif

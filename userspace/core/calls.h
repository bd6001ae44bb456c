/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that a worker makes, and none besides (seccomp(2)). */
#ifndef SL_CORE_CALLS_H
#define SL_CORE_CALLS_H

/* For the calling thread, for good.  0 or a negative errno; no_new_privs is set by the caller. */
int sl_calls_restrict(void);

#endif

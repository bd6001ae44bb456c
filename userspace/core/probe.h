/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel's io_uring can do, found by trying: distributions backport, versions lie. */
#ifndef SL_CORE_PROBE_H
#define SL_CORE_PROBE_H

#include <liburing.h>

#include "core/bufs.h"

/* The operations that the loop asks of its ring, IORING_OP_*: nothing else is ever needed. */
const uint8_t *sl_probe_list(unsigned *ret_nr);

/* What the loop needs and this kernel lacks; NULL when nothing is missing. */
const char *sl_probe_ops(struct io_uring *ring);

/* A receive that stays armed, tried on a socketpair of its own.  The ring must be idle, and is
 * again afterwards, all of b's buffers back; but after any failure nothing may be done with the
 * ring but ending it.  0, -ENOSYS when the kernel does not know it, or another negative errno. */
int sl_probe_multishot(struct io_uring *ring, struct sl_bufs *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread that reads what strangers send gives up for good.  Each layer holds for one thread
 * alone: those of the same process keep what they have. */
#ifndef SL_CORE_SANDBOX_H
#define SL_CORE_SANDBOX_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

/* In the order in which they are taken on. */
enum sl_sandbox_layer {
	SL_SANDBOX_RING,     /* the ring does the operations of core/probe.c and no others */
	SL_SANDBOX_CAPS,     /* no capability, no way to one */
	SL_SANDBOX_LANDLOCK, /* opens no file, whatever it is */
	SL_SANDBOX_SECCOMP,  /* makes the system calls of a list and no others */
	SL_SANDBOX_LAYERS
};

/* By their names in the log and in "sluicectl status". */
extern const char *const sl_sandbox_names[SL_SANDBOX_LAYERS];

struct sl_sandbox {
	int error[SL_SANDBOX_LAYERS]; /* 0: it holds; a negative errno: this kernel has it not */
};

/* Before the first thread that takes on seccomp, for the whole process: what such a thread may not
 * call fails with EPERM and is counted.  Without this it would end the process. */
int sl_sandbox_watch(void);
/* So many calls were refused. */
uint64_t sl_sandbox_refused(void);
/* A call that was refused and of which this has not told yet, by name, or NULL.  One thread asks.
 * The name is the caller's to free. */
char *sl_sandbox_tell(void);

/* The ring was made with IORING_SETUP_R_DISABLED, and has all registered that it is to have: from
 * now on it runs, and takes the operations ops[] (IORING_OP_*).  0, or a negative errno when it
 * runs and takes all there are. */
int sl_sandbox_ring(struct io_uring *ring, const uint8_t *ops, unsigned ops_nr);

/* The other layers, for the calling thread.  A layer that is not to be had leaves the next ones as
 * they are; s tells. */
void sl_sandbox_enter(struct sl_sandbox *s);

/* One layer of those, for tests: 0 or a negative errno. */
int sl_sandbox_take(enum sl_sandbox_layer layer);

/* What this kernel's Landlock knows, 1 or more; or a negative errno. */
int sl_sandbox_landlock_abi(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A table in memory that is a file, and so outlives whoever maps it; several daemons may share it.
 */
#ifndef SL_POLICY_STATEFILE_H
#define SL_POLICY_STATEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

/* What is in the file; the order of bytes is this machine's. */
struct sl_statefile_kind {
	const char *name;
	char magic[8];
	uint32_t slots, slot_bytes;
};

struct sl_statefile {
	struct sl_sipkey secret; /* random, and in the file: for nobody to choose */
	void *slots;		 /* zeroes at first */
	void *common;		 /* 64 bytes beside them, zeroes at first */
	void *map;
	size_t bytes;
	int fd; /* -1: in memory alone */
};

/* Opens or makes directory/NAME, mode 0600; with a NULL in memory alone.  0; -EPROTO: the file is
 * something else; or another negative errno, such as -ENOSPC: all the room that it may need is
 * taken at once. */
int sl_statefile_open(struct sl_statefile *file, const char *directory,
		      const struct sl_statefile_kind *kind);
void sl_statefile_close(struct sl_statefile *file);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a dry run of a list gathers, and how it is told. */
#ifndef SL_SLUICECTL_DENYTEST_H
#define SL_SLUICECTL_DENYTEST_H

#include "capture.h"
#include "judge.h"
#include "lists.h"
#include "tally.h"

struct trial {
	struct ctl *ctl;
	struct judge judge;
	struct capture capture;
	uint64_t *ports;
	bool has_lists; /* those that are pinned are beneath the file's */
	uint64_t top;
	uint64_t packets, bytes, cut_packets, cut_bytes, shadow_packets;
	uint64_t sent, unread; /* packets of this host; without an address that can be read */
	uint64_t lines, bad_lines;
	struct tally sources, cut, clients; /* of the capture; of the log: bytes are its 2xx */
	struct drops_count {
		uint64_t packets, bytes;
	} * entries;	  /* by number */
	char damage[160]; /* of the capture: its rest was not read */
};

/* Cut and clients are in order.  As text or as JSON. */
enum ctl_exit trial_print(struct trial *t);

#endif

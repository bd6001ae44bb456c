/* SPDX-License-Identifier: Apache-2.0 */
/* A list tried on frames: by the kernel program in an instance of its own, that is attached
 * nowhere; where it cannot be had, by the same lookup here. */
#ifndef SL_SLUICECTL_JUDGE_H
#define SL_SLUICECTL_JUDGE_H

#include "kern/gate.h"

struct ring_buffer;

struct judge {
	struct sl_image image; /* of the list, compiled */
	bool is_kernel;
	struct sl_why why_not; /* why it is not the kernel */
	struct sl_gate gate;
	struct sl_gate_program *program;
	struct ring_buffer *ring;
	struct sl_event event; /* the one that the last frame was told by; verdict 0: none */
	const uint64_t *ports; /* SL_PORT_WORDS: those that are ours; NULL: all are */
};

struct judged {
	bool has_source; /* it is IP, and its source can be read */
	bool is_cut, is_shadow;
	struct sl_address source;
	uint32_t entry; /* of the image: that decided, if it is cut */
};

/* The list is sorted by this; `ports` is borrowed.  0, or a negative errno and why. */
int judge_open(struct judge *j, struct sl_prefixes *list, const uint64_t *ports,
	       struct sl_why *why);
void judge_close(struct judge *j);
/* len is at most CAPTURE_FRAME_MAX. */
struct judged judge_frame(struct judge *j, const uint8_t *frame, size_t len);
/* By the list alone: any port of ours. */
struct judged judge_address(struct judge *j, const struct sl_address *address);

#endif

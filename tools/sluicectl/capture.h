/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded packets: the frames of a pcap or pcapng file, as an interface of Ethernet has them. */
#ifndef SL_SLUICECTL_CAPTURE_H
#define SL_SLUICECTL_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "ctl.h"

/* What the kernel runs a program over at once; headers that are followed end before. */
#define CAPTURE_FRAME_MAX 3072

struct pcap;

struct capture {
	struct pcap *pcap;
	int link; /* DLT_... */
	uint64_t size, frames, sent;
	uint8_t frame[CAPTURE_FRAME_MAX];
};

/* "-" is standard input. */
enum ctl_exit capture_open(struct ctl *ctl, const char *file, struct capture *ret_capture);
void capture_close(struct capture *c);
/*
 * The next frame that came in: what is there of it is in c->frame, and *ret_wire is how long it
 * was.  Its length, which may be 0; -1: it is one that this host has sent; -2: there are no more;
 * -3: the file is damaged here, as capture_error() says.
 */
int capture_next(struct capture *c, uint32_t *ret_wire);
const char *capture_error(struct capture *c);
/* How much of the file has been read, in hundredths. */
unsigned capture_progress(struct capture *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon and the process that keeps its capabilities say to each other. */
#ifndef SL_CONTROL_LOADER_WIRE_H
#define SL_CONTROL_LOADER_WIRE_H

#include <stdint.h>

#include "kern/gate.h"

/* A request comes with a socket for its answer, and that of a list with a sealed file, which is
 * struct sl_loader_list, the rules and the prefixes. */
enum sl_loader_verb {
	SL_LOADER_ATTACH,
	SL_LOADER_DETACH,
	SL_LOADER_OPEN,	   /* answered with the maps */
	SL_LOADER_PUBLISH, /* answered with the array of images, which may be another now */
	SL_LOADER_IMAGE,   /* answered with an image */
	SL_LOADER_VERBS
};

struct sl_loader_request {
	uint32_t verb;
	uint32_t mode, image_lines; /* of ATTACH */
	uint32_t index;		    /* of IMAGE */
	char interface[SL_INTERFACE_NAME_MAX];
};

struct sl_loader_answer {
	int32_t result;
	uint32_t image_lines;
	struct sl_why why;
};

struct sl_loader_list {
	uint64_t prefixes_nr;
	uint32_t rules_nr, zero;
};

enum { SL_LOADER_PREFIXES_MAX = 1 << 24 };

struct sl_loader_message {
	void *data;
	size_t size;
	int fds[SL_GATE_MAPS];
	unsigned fds_nr;
};

/* One whole message.  0, or a negative errno; descriptors stay the caller's. */
int sl_loader_send(int fd, const struct sl_loader_message *m);
/* 0; -ECONNRESET at the end; -EBADMSG for one of another size.  *m has what descriptors came, which
 * are the caller's, whatever comes of it. */
int sl_loader_receive(int fd, struct sl_loader_message *m);

/* The process: never returns. */
_Noreturn void sl_loader_serve(int fd, const char *pins);

#endif

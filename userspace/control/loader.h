/* SPDX-License-Identifier: Apache-2.0 */
/* What takes capabilities, for a daemon that has given up root: a process of its own keeps them,
 * and does five things when asked. */
#ifndef SL_CONTROL_LOADER_H
#define SL_CONTROL_LOADER_H

#include "kern/attach.h"
#include "kern/prefix.h"

struct sl_loader {
	int fd; /* to the process; -1: there is none, and what is asked we do ourselves */
	char pins[SL_PINS_MAX]; /* the only ones that it works on */
};

/* While we are root, when we will not be: a process with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN
 * alone, and no thread, file or socket of ours.  It ends with the last process that has the
 * descriptor.  0 or a negative errno. */
int sl_loader_start(struct sl_loader *l, const char *pins);
/* After an upgrade: takes over that of the process before us, if it had one. */
void sl_loader_inherit(struct sl_loader *l);
/* For the environment of an upgrade, whose process has the descriptor too: for free(); NULL when
 * there is none, or no memory. */
char *sl_loader_environment(const struct sl_loader *l);
void sl_loader_close(struct sl_loader *l);

/* As the functions that they are named for.  With other pins than the process has, as if there were
 * none.  -ECONNRESET: it is gone; -ETIMEDOUT: it takes longer than two minutes. */
int sl_loader_attach(struct sl_loader *l, const char *pins, const char *interface,
		     const struct sl_attach_options *options, struct sl_why *why);
int sl_loader_detach(struct sl_loader *l, const char *pins, const char *interface,
		     struct sl_why *why);
int sl_loader_open(struct sl_loader *l, struct sl_gate *gate, const char *pins, struct sl_why *why);
/* The configuration's entries, and no others, in the place of those that are published. */
int sl_loader_publish(struct sl_loader *l, struct sl_gate *gate, const struct sl_prefixes *config,
		      struct sl_why *why);
int sl_loader_refresh(struct sl_loader *l, struct sl_gate *gate);
int sl_loader_image_fd(struct sl_loader *l, const struct sl_gate *gate, uint32_t index);

#endif

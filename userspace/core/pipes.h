/* SPDX-License-Identifier: Apache-2.0 */
/* Empty pipes of one loop, kept for the next splice. */
#ifndef SL_CORE_PIPES_H
#define SL_CORE_PIPES_H

#include <stddef.h>

enum { SL_PIPES_KEPT = 16, SL_PIPE_BYTES = 256 * 1024 };

struct sl_pipe {
	int read_fd, write_fd;
	size_t size, filled;
};

struct sl_pipes {
	struct sl_pipe kept[SL_PIPES_KEPT];
	unsigned nr;
};

/* 0 or a negative errno. */
int sl_pipes_get(struct sl_pipes *ps, struct sl_pipe *ret_pipe);
/* Closes it unless it is empty. */
void sl_pipes_put(struct sl_pipes *ps, struct sl_pipe *pipe);
void sl_pipes_fini(struct sl_pipes *ps);

#endif

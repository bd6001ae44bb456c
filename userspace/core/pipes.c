// SPDX-License-Identifier: Apache-2.0
// Empty pipes of one loop.
#include "core/pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void close_pipe(const struct sl_pipe *p)
{
	close(p->read_fd);
	close(p->write_fd);
}

int sl_pipes_get(struct sl_pipes *ps, struct sl_pipe *ret_pipe)
{
	int fds[2], size;

	if (ps->nr > 0) {
		*ret_pipe = ps->kept[--ps->nr];
		return 0;
	}
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return -errno;
	/* Refused beyond /proc/sys/fs/pipe-user-pages-soft: a smaller pipe works too. */
	size = fcntl(fds[1], F_SETPIPE_SZ, SL_PIPE_BYTES);
	if (size < 0)
		size = fcntl(fds[1], F_GETPIPE_SZ);
	*ret_pipe = (struct sl_pipe){ fds[0], fds[1], size > 0 ? (size_t)size : 4096, 0 };
	return 0;
}

void sl_pipes_put(struct sl_pipes *ps, struct sl_pipe *pipe)
{
	if (pipe->filled == 0 && ps->nr < SL_PIPES_KEPT)
		ps->kept[ps->nr++] = *pipe;
	else
		close_pipe(pipe);
}

void sl_pipes_fini(struct sl_pipes *ps)
{
	while (ps->nr > 0)
		close_pipe(&ps->kept[--ps->nr]);
}

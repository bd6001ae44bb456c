// SPDX-License-Identifier: Apache-2.0
// What this kernel's io_uring can do, found by trying.
#include "core/probe.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROBE_WAIT_S = 1 };

static const uint8_t needed[] = {
	IORING_OP_ACCEPT,   IORING_OP_ASYNC_CANCEL, IORING_OP_CLOSE, IORING_OP_CONNECT,
	IORING_OP_POLL_ADD, IORING_OP_READ,	    IORING_OP_RECV,  IORING_OP_SEND,
	IORING_OP_SENDMSG,  IORING_OP_WRITE,
};

static const char *const names[] = {
	[IORING_OP_ACCEPT] = "IORING_OP_ACCEPT",
	[IORING_OP_ASYNC_CANCEL] = "IORING_OP_ASYNC_CANCEL",
	[IORING_OP_CLOSE] = "IORING_OP_CLOSE",
	[IORING_OP_CONNECT] = "IORING_OP_CONNECT",
	[IORING_OP_POLL_ADD] = "IORING_OP_POLL_ADD",
	[IORING_OP_READ] = "IORING_OP_READ",
	[IORING_OP_RECV] = "IORING_OP_RECV",
	[IORING_OP_SEND] = "IORING_OP_SEND",
	[IORING_OP_SENDMSG] = "IORING_OP_SENDMSG",
	[IORING_OP_WRITE] = "IORING_OP_WRITE",
};

const uint8_t *sl_probe_list(unsigned *ret_nr)
{
	*ret_nr = sizeof(needed);
	return needed;
}

const char *sl_probe_ops(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	const char *missing = NULL;

	if (!probe)
		return "io_uring probing (Linux 5.6)";
	for (unsigned i = 0; i < sizeof(needed) && !missing; i++)
		if (!io_uring_opcode_supported(probe, needed[i]))
			missing = names[needed[i]];
	io_uring_free_probe(probe);
	if (!missing && !(ring->features & IORING_FEAT_EXT_ARG))
		missing = "io_uring waits with a timeout (Linux 5.11)";
	return missing;
}

static int next_completion(struct io_uring *ring, struct sl_bufs *b, int *ret_res, bool *ret_more)
{
	struct __kernel_timespec ts = { .tv_sec = PROBE_WAIT_S };
	struct io_uring_cqe *cqe;
	int ret;

	do
		ret = io_uring_submit_and_wait_timeout(ring, &cqe, 1, &ts, NULL);
	while (ret == -EINTR);
	if (ret < 0)
		return ret;
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);

		sl_bufs_take(b, id, cqe->res > 0 ? (uint32_t)cqe->res : 0);
		sl_bufs_put(b, id);
	}
	*ret_res = cqe->res;
	*ret_more = cqe->flags & IORING_CQE_F_MORE;
	io_uring_cqe_seen(ring, cqe);
	return 0;
}

/* A byte, then the end of the stream, both there beforehand: it completes twice, and is over
 * without being cancelled.  A kernel that does not know the flag says -EINVAL. */
static int receive_twice(struct io_uring *ring, struct sl_bufs *b, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	bool more;
	int ret, res;

	io_uring_prep_recv(sqe, fd, NULL, 0, 0);
	sqe->ioprio |= IORING_RECV_MULTISHOT;
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_data(sqe, NULL);
	sqe->buf_group = b->group;
	ret = next_completion(ring, b, &res, &more);
	if (ret < 0)
		return ret;
	if (res != 1 || !more)
		return res < 0 && res != -EINVAL ? res : -ENOSYS;
	ret = next_completion(ring, b, &res, &more);
	if (ret < 0)
		return ret;
	return res == 0 && !more ? 0 : -ENOSYS;
}

int sl_probe_multishot(struct io_uring *ring, struct sl_bufs *b)
{
	int fds[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ret = write(fds[1], "x", 1) == 1 ? 0 : -EIO;
	close(fds[1]);
	if (ret == 0)
		ret = receive_twice(ring, b, fds[0]);
	close(fds[0]);
	return ret;
}

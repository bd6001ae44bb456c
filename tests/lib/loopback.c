// SPDX-License-Identifier: Apache-2.0
// A real loop for unit tests.
#include "loopback.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

struct run {
	struct sl_loop loop;
	void (*test)(struct sl_loop *loop);
};

static void give_up(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(EXIT_FAILURE);
}

static void run_test(void *arg)
{
	struct run *r = arg;

	r->test(&r->loop);
	loopback_turns(&r->loop, 3); /* closes and cancels that nobody waits for */
	sl_loop_stop(&r->loop);
}

void loopback_run(void (*test)(struct sl_loop *loop), size_t memory_bytes)
{
	struct sl_loop_conf conf = { .memory_bytes = memory_bytes };
	struct run *r = calloc(1, sizeof(*r));
	const char *missing;

	if (!r || sl_loop_init(&r->loop, &conf, &missing) < 0)
		give_up("no io_uring loop");
	r->test = test;
	if (sl_fiber_spawn(&r->loop, run_test, r, NULL) < 0)
		give_up("no fiber");
	sl_loop_kick(&r->loop);
	sl_loop_run(&r->loop);
	sl_loop_fini(&r->loop);
	free(r);
}

void loopback_turns(struct sl_loop *loop, unsigned turns)
{
	uint64_t until = loop->turns + turns;

	/* An eventfd can always be written to: the answer is there at the next turn. */
	while (loop->turns < until) {
		struct sl_wait w;

		sl_wait_init(&w, loop);
		sl_ring_poll(loop, &w.op, loop->wake_fd, POLLOUT);
		sl_wait_for(&w, SL_NEVER);
	}
}

bool loopback_until(struct sl_loop *loop, const unsigned *count, unsigned want)
{
	uint64_t deadline_ns = loop->now_ns + 5 * SL_SEC;

	while (*count < want && loop->now_ns < deadline_ns)
		loopback_turns(loop, 1);
	return *count >= want;
}

void loopback_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		give_up("no socketpair");
}

void loopback_tcp(int fds[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (door < 0 || fds[0] < 0 || bind(door, (struct sockaddr *)&addr, len) < 0 ||
	    listen(door, 1) < 0 || getsockname(door, (struct sockaddr *)&addr, &len) < 0 ||
	    connect(fds[0], (struct sockaddr *)&addr, len) < 0)
		give_up("no TCP on 127.0.0.1");
	fds[1] = accept4(door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fds[1] < 0 || fcntl(fds[0], F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		give_up("no TCP on 127.0.0.1");
	close(door);
}

size_t loopback_write(int fd, const void *mem, size_t len)
{
	ssize_t n = send(fd, mem, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? 0 : (size_t)n;
}

size_t loopback_read(int fd, void *mem, size_t len)
{
	ssize_t n = recv(fd, mem, len, MSG_DONTWAIT);

	return n < 0 ? 0 : (size_t)n;
}

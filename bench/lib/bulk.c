// SPDX-License-Identifier: Apache-2.0
// Bulk TCP between the namespaces.
#include "bulk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define PORT 5201
#define CHUNK (128 * 1024)

static struct sockaddr_in address_of(const struct pair *pair)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(PORT),
				     .sin_addr.s_addr =
					     htonl(10u << 24 | 99u << 16 | pair->number << 8 | 1) };
}

/* A process of its own, since a namespace is a thread's; it ends when nobody takes any more. */
static void send_all(const struct place *p, const struct pair *pair)
{
	struct sockaddr_in to = address_of(pair);
	static char chunk[CHUNK];
	int fd;

	signal(SIGPIPE, SIG_IGN);
	bench_pin(0);
	if (bench_place_enter(p->far) < 0)
		_exit(1);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		_exit(1);
	while (write(fd, chunk, sizeof(chunk)) > 0)
		;
	_exit(0);
}

static int listen_at(const struct pair *pair)
{
	struct sockaddr_in at = address_of(pair);
	struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, ret;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* What arrives until the time is over; its first tenth is for TCP to find its pace. */
static double receive(int listener, unsigned ms)
{
	uint64_t start_ns = sl_now_ns(), begin_ns = start_ns + ms * (SL_MS / 10), now_ns = start_ns;
	struct timeval limit = { .tv_sec = 5 };
	int fd = accept(listener, NULL, NULL);
	static char chunk[CHUNK];
	double bytes = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	while (now_ns < start_ns + ms * SL_MS) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n <= 0)
			break;
		now_ns = sl_now_ns();
		if (now_ns >= begin_ns)
			bytes += (double)n;
	}
	close(fd);
	return bytes ? bytes * 1e9 / (double)(now_ns - begin_ns) : -EIO;
}

double bench_bulk(const struct place *p, const struct pair *pair, unsigned ms)
{
	int listener = listen_at(pair);
	pid_t sender;
	double rate;

	if (listener < 0)
		return listener;
	fflush(NULL);
	sender = fork();
	if (sender == 0)
		send_all(p, pair);
	bench_pin(bench_last_cpu());
	rate = sender > 0 ? receive(listener, ms) : -EAGAIN;
	bench_pin(0);
	close(listener);
	if (sender > 0)
		waitpid(sender, NULL, 0);
	return rate;
}

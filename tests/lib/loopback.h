/* SPDX-License-Identifier: Apache-2.0 */
/* A real loop for unit tests: one fiber runs the test, and sockets lead back to it. */
#ifndef TESTS_LIB_LOOPBACK_H
#define TESTS_LIB_LOOPBACK_H

#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

/* Runs test(loop) as the first fiber of a loop of its own until it returns, then gives the kernel
 * what is left to do and takes the loop down.  memory_bytes as in sl_loop_conf. */
void loopback_run(void (*test)(struct sl_loop *loop), size_t memory_bytes);

/* Inside a fiber: lets the loop take a turn or more; `turns` of them. */
void loopback_turns(struct sl_loop *loop, unsigned turns);
/* Inside a fiber: until *count is at least `want`; false after five seconds. */
bool loopback_until(struct sl_loop *loop, const unsigned *count, unsigned want);

/* Two ends of a stream; each aborts the test when there is none to be had. */
void loopback_pair(int fds[2]); /* AF_UNIX */
void loopback_tcp(int fds[2]);	/* 127.0.0.1 */

/* What a peer does from outside the loop; never waits.  How many bytes went. */
size_t loopback_write(int fd, const void *mem, size_t len);
size_t loopback_read(int fd, void *mem, size_t len);

/* Byte `at` of a stream in which a byte that is lost or moved is seen. */
static inline uint8_t loopback_byte(uint64_t at)
{
	return (uint8_t)((at * 2654435761u) >> 13 ^ at);
}

#endif

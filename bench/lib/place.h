/* SPDX-License-Identifier: Apache-2.0 */
/* Two network namespaces with pairs of veth between them.  They have no name, so that they are gone
 * when this process is, however it ends. */
#ifndef BENCH_LIB_PLACE_H
#define BENCH_LIB_PLACE_H

#include <stdint.h>

struct place {
	int near, far; /* namespaces; the process is in the near one */
};

/* One end of a pair in the near namespace has 10.99.N.1, the other in the far one 10.99.N.2. */
struct pair {
	char near_name[16], far_name[16];
	unsigned number;	   /* N, below 256 */
	int near_index, far_index; /* of the interfaces, each in its namespace */
	uint8_t near_mac[6];
};

/* 0 or a negative errno.  The calling process, which has one thread, is in the near namespace then,
 * and ends there. */
int bench_place_open(struct place *ret_place);
int bench_place_enter(int space); /* 0 or a negative errno */
void bench_place_close(struct place *p);

/* 0 or a negative errno, -EIO if a command failed; it has said why. */
int bench_pair_make(const struct place *p, unsigned number, struct pair *ret_pair);
/*
 * From now on a kernel thread of its own does all the work of receiving at the near end, so that
 * its CPU time is that work.  It shares the first processor with the caller, and so finds a full
 * queue whenever it has its turn: on one of its own it would be woken for each few packets, which
 * costs more than to drop them does.
 */
int bench_pair_thread(const struct pair *pair);
/* Its CPU time so far, in ns; 0 if there is none. */
uint64_t bench_pair_cpu_ns(const struct pair *pair);
/* Packets that the near end has received so far, whatever became of them; it goes round. */
uint32_t bench_pair_received(const struct pair *pair);
/* IPv4 packets that the near namespace's protocols were given so far. */
uint64_t bench_place_delivered(void);

/* Runs a command in the calling process' namespace, with that on its standard input (NULL:
 * nothing).  0, or -EIO. */
int bench_command(const char *input, const char *const argv[]);

/* The calling thread goes on on that processor. */
void bench_pin(unsigned cpu);
unsigned bench_last_cpu(void);

#endif

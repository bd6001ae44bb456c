// SPDX-License-Identifier: Apache-2.0
// One client's credit, taken by the program on two threads and by userspace on a third at once:
// together they get what the limit says.
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "frame.h"
#include "gaterun.h"
#include "tap.h"

#define PROGRAMS 2
#define SETS 1024	 /* as gaterun.c loads it */
#define CREDIT_PACKETS 2 /* as bpf/gate.bpf.c has it */
#define RACE_NS (SL_SEC / 2)
#define REPEAT 20000 /* of packets a call: the kernel builds its dispatcher anew for each */

struct taker {
	pthread_t thread;
	struct sl_gcra_set *cells;
	uint64_t taken, end_ns;
};

static void *run_program(void *arg)
{
	struct taker *t = arg;
	uint8_t frame[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = REPEAT,
		    .data_size_in = (uint32_t)frame_make("ip4=192.0.2.1 udp=80", frame));

	while (sl_now_ns() < t->end_ns)
		bpf_prog_test_run_opts(sl_gate_program_fd(gate_program), &options);
	return NULL;
}

static uint64_t clock_of_the_kernel(void)
{
	return sl_clock_ns(CLOCK_MONOTONIC_COARSE);
}

static void *run_userspace(void *arg)
{
	struct sl_control *c = gate.switches;
	struct taker *t = arg;
	uint64_t hash =
		sl_mix64(sl_mix64(c->secret[0]) ^ (0xffffull << 32 | 0xc0000201) ^ c->secret[1]);
	struct sl_gcra_set *set = &t->cells[(uint32_t)hash & c->cells_mask];

	while (sl_now_ns() < t->end_ns) {
		uint64_t now = sl_gcra_now(clock_of_the_kernel());

		t->taken += sl_gcra_take(set, hash >> 46 << 2 | CREDIT_PACKETS, &c->packets, 1,
					 now) == SL_GCRA_TAKEN;
	}
	return NULL;
}

static uint64_t counted(enum sl_verdict verdict)
{
	struct sl_counter counter;

	sl_gate_count(&gate, 0, verdict, &counter);
	return counter.packets;
}

static void race(struct sl_gcra_set *cells, uint64_t a_second, uint64_t burst)
{
	uint64_t period_ns = SL_SEC / a_second, start_ns, before = counted(SL_PASS), spent_ns,
		 taken, most;
	uint64_t refused = counted(SL_DROP_PACKETS);
	struct taker takers[PROGRAMS + 1];

	memset(cells, 0, SETS * sizeof(*cells));
	gate.switches->packets =
		(struct sl_gcra_rate){ period_ns << SL_GCRA_PERIOD_SHIFT >> SL_GCRA_UNIT_SHIFT,
				       burst * period_ns >> SL_GCRA_UNIT_SHIFT };
	start_ns = clock_of_the_kernel();
	for (int i = 0; i <= PROGRAMS; i++) {
		takers[i] = (struct taker){ .cells = cells, .end_ns = sl_now_ns() + RACE_NS };
		pthread_create(&takers[i].thread, NULL, i < PROGRAMS ? run_program : run_userspace,
			       &takers[i]);
	}
	for (int i = 0; i <= PROGRAMS; i++)
		pthread_join(takers[i].thread, NULL);
	spent_ns = clock_of_the_kernel() - start_ns;
	taken = counted(SL_PASS) - before + takers[PROGRAMS].taken;
	most = spent_ns / period_ns + burst + 1;
	ok(taken <= most, "%llu a second: %llu of %llu", (unsigned long long)a_second,
	   (unsigned long long)taken, (unsigned long long)most);
	ok(taken >= burst, "not less than the burst");
	ok(counted(SL_DROP_PACKETS) > refused, "the program was in the race");
}

int main(void)
{
	size_t size = SETS * sizeof(struct sl_gcra_set);
	struct sl_gcra_set *cells;

	if (!gate_start())
		return 0;
	cells = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, gate.cells, 0);
	if (ok(cells != MAP_FAILED, "userspace has the cells too")) {
		race(cells, 1, 10);
		race(cells, 1000, 100);
		race(cells, 100000, 5000);
		munmap(cells, size);
	}
	return gate_done();
}

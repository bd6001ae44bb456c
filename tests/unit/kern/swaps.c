// SPDX-License-Identifier: Apache-2.0
// Lists that are swapped while two threads have packets judged: no verdict of any packet is wrong.
// A million prefixes a thousand times take some minutes:
//	SLUICE_SWAPS=1000 SLUICE_SWAP_PREFIXES=1000000 build/tests/unit/kern/swaps
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "frame.h"
#include "gaterun.h"
#include "kern/attach.h"
#include "tap.h"

#define REPEAT 2000	       /* of packets a call */
#define LIMIT_NS (15 * SL_SEC) /* unless more is asked for */

static struct sl_why why;

/* Both lists deny these and let those pass, but each in its own way. */
struct judged {
	const char *frame;
	enum sl_verdict verdict;
};

static const struct judged judged[] = {
	{ "ip4=203.0.113.7 udp=80", SL_DROP_DENY }, { "ip4=203.0.113.8 udp=80", SL_PASS_ALLOW },
	{ "ip4=198.51.100.1 udp=80", SL_PASS },	    { "ip6=2001:db8:7::1 udp=80", SL_DROP_DENY },
	{ "ip6=2001:db8:8::1 udp=80", SL_PASS },
};
#define JUDGED_NR (sizeof(judged) / sizeof(*judged))

static const struct {
	const char *prefix;
	enum sl_action action;
} ways[2][4] = {
	{ { "203.0.113.0/24", SL_ACTION_DROP },
	  { "203.0.113.8", SL_ACTION_ALLOW },
	  { "2001:db8:7::/48", SL_ACTION_DROP },
	  { "203.0.0.0/16", SL_ACTION_ALLOW } },
	{ { "203.0.113.7", SL_ACTION_DROP },
	  { "203.0.113.8/31", SL_ACTION_ALLOW },
	  { "2001:db8:7::1", SL_ACTION_DROP },
	  { "203.0.112.0/20", SL_ACTION_DROP } },
};

static void add(struct sl_prefixes *list, struct sl_prefix *p, enum sl_action action)
{
	struct sl_rule rule = { .action = (uint8_t)action, .list = "default" };

	p->rule = (uint16_t)sl_prefixes_rule(list, &rule);
	sl_prefixes_add(list, p);
}

/* A fifth of IPv6; none that covers what is judged. */
static struct sl_prefixes make_list(int way, uint32_t nr)
{
	struct sl_prefixes list = { 0 };
	struct sl_prefix p;
	bool had_host_bits;

	for (int i = 0; i < 4; i++) {
		sl_prefix_parse(sl_str_of(ways[way][i].prefix), &p, &had_host_bits);
		add(&list, &p, ways[way][i].action);
	}
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t random = sl_mix64(i * 2ull + (unsigned)way + 1);

		p = (struct sl_prefix){ .length = 128,
					.lo = 0xffffull << 32 | (random & 0x3fffffff) };
		if (i % 5 == 0)
			p = (struct sl_prefix){ .hi = 0x2a00ull << 48 | (random >> 16 & ~0xffffull),
						.length = 48 };
		add(&list, &p, SL_ACTION_DROP);
	}
	return list;
}

/* ---- traffic ---- */

struct traffic {
	pthread_t thread;
	atomic_bool is_over;
	uint64_t runs[JUDGED_NR], wrong;
};

static const uint32_t actions[] = { [SL_PASS] = 2, [SL_PASS_ALLOW] = 2, [SL_DROP_DENY] = 1 };

static void *run(void *arg)
{
	struct traffic *t = arg;

	for (unsigned i = 0; !t->is_over; i = (i + 1) % JUDGED_NR) {
		uint8_t frame[FRAME_MAX];
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = REPEAT,
			    .data_size_in = (uint32_t)frame_make(judged[i].frame, frame));

		if (bpf_prog_test_run_opts(sl_gate_program_fd(gate_program), &options) < 0)
			continue;
		t->runs[i] += REPEAT;
		t->wrong += options.retval != actions[judged[i].verdict];
	}
	return NULL;
}

static uint64_t counted(enum sl_verdict verdict)
{
	struct sl_counter c = { 0 };

	sl_gate_count(&gate, 0, verdict, &c);
	return c.packets;
}

/* ---- swaps ---- */

static long number_of(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static unsigned swap(struct sl_prefixes lists[2], unsigned nr, bool is_bounded)
{
	uint64_t start_ns = sl_now_ns();
	unsigned done = 0;

	while (done < nr && (!is_bounded || sl_now_ns() - start_ns < LIMIT_NS)) {
		if (sl_gate_publish(&gate, &lists[done & 1], &why) < 0) {
			printf("# %s\n", why.text);
			break;
		}
		done++;
	}
	printf("# %u swaps of %zu prefixes in %.1f s\n", done, lists[0].nr,
	       (double)(sl_now_ns() - start_ns) / 1e9);
	return done;
}

static void check(const struct traffic *t)
{
	static const enum sl_verdict verdicts[] = { SL_PASS, SL_PASS_ALLOW, SL_DROP_DENY };

	is_int((long)(t[0].wrong + t[1].wrong), 0, "no packet has the wrong answer");
	for (unsigned v = 0; v < sizeof(verdicts) / sizeof(*verdicts); v++) {
		uint64_t expected = 0;

		for (unsigned i = 0; i < JUDGED_NR; i++)
			if (judged[i].verdict == verdicts[v])
				expected += t[0].runs[i] + t[1].runs[i];
		ok(expected > 0 && counted(verdicts[v]) == expected,
		   "%s: %" PRIu64 " packets, and as many were to be", sl_verdict_name(verdicts[v]),
		   counted(verdicts[v]));
	}
}

int main(void)
{
	long prefixes = number_of("SLUICE_SWAP_PREFIXES", 5000);
	long swaps = number_of("SLUICE_SWAPS", 1000);
	struct sl_gate_options options = { .image_lines = sl_image_lines_for((uint64_t)prefixes),
					   .cell_sets = 1024 };
	struct sl_prefixes lists[2] = { make_list(0, (uint32_t)prefixes),
					make_list(1, (uint32_t)prefixes) };
	struct traffic traffic[2] = { { .wrong = 0 } };
	int ret = sl_gate_load(&gate, &options, &gate_program, &why);

	if (ret == -EPERM) {
		printf("1..0 # SKIP %s\n", why.text);
		return 0;
	}
	if (ok(ret == 0 && sl_gate_publish(&gate, &lists[1], &why) == 0, "a list holds")) {
		for (int i = 0; i < 2; i++)
			pthread_create(&traffic[i].thread, NULL, run, &traffic[i]);
		ok(swap(lists, (unsigned)swaps, !getenv("SLUICE_SWAPS")) > 10, "lists are swapped");
		for (int i = 0; i < 2; i++) {
			traffic[i].is_over = true;
			pthread_join(traffic[i].thread, NULL);
		}
		check(traffic);
	}
	sl_prefixes_fini(&lists[0]);
	sl_prefixes_fini(&lists[1]);
	return gate_done();
}

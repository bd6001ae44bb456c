// SPDX-License-Identifier: Apache-2.0
// Limits: what people write, what cannot be held, and how exactly the kernel half keeps to a rate.
#include "kern/limit.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "frame.h"
#include "gaterun.h"
#include "tap.h"

#define SECONDS 2
#define SLICES 2000 /* of a millisecond each */

static void test_words(void)
{
	static const struct {
		const char *text;
		uint64_t nr, per_s;
	} good[] = { { "20000/s", 20000, 1 },  { "100/m", 100, 60 },	  { "5/h", 5, 3600 },
		     { "10M/s", 10000000, 1 }, { "1G/s", 1000000000, 1 }, { "1k/s", 1000, 1 } };
	static const char *const bad[] = { "",
					   "/s",
					   "5",
					   "5/",
					   "0/s",
					   "-1/s",
					   "5/d",
					   "5 /s",
					   "1.5/s",
					   "k/s",
					   "99999999999999/s",
					   "5//s",
					   "5/ss",
					   "1kk/s",
					   "+5/s",
					   "2000G/s" };
	struct sl_limit limit;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ok(sl_limit_parse_rate(sl_str_of(good[i].text), &limit) == 0 &&
			   limit.nr == good[i].nr && limit.per_s == good[i].per_s,
		   "a rate: %s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(sl_limit_parse_rate(sl_str_of(bad[i]), &limit), -EINVAL, "no rate: '%s'",
		       bad[i]);
}

static int make(enum sl_limit_kind kind, const char *rate, uint64_t burst, struct sl_gcra_rate *ret)
{
	struct sl_limit limit;
	struct sl_why why;

	if (sl_limit_parse_rate(sl_str_of(rate), &limit) < 0)
		return -EINVAL;
	limit.burst = burst;
	return sl_limit_make(kind, &limit, ret, &why);
}

static void test_bounds(void)
{
	struct sl_gcra_rate r;
	double per_s, burst;

	is_int(make(SL_LIMIT_PACKETS, "20000/s", 0, &r), 0, "a usual limit");
	sl_limit_read(&r, &per_s, &burst);
	ok(per_s > 19999 && per_s < 20001 && burst > 19999 && burst < 20001, "is what was said");
	is_int(make(SL_LIMIT_PACKETS, "1/h", 1, &r), 0, "one an hour");
	ok(sl_gcra_cost(&r, 1) <= r.burst, "and that one can pass");
	is_int(make(SL_LIMIT_PACKETS, "1/h", 4, &r), 0, "four hours saved up");
	is_int(make(SL_LIMIT_PACKETS, "1/h", 5, &r), -ERANGE, "five are more than a word can hold");
	is_int(make(SL_LIMIT_PACKETS, "100k/s", 10, &r), -ERANGE, "a burst below the clock's tick");
	is_int(make(SL_LIMIT_PACKETS, "1000G/s", 0, &r), -ERANGE, "a rate that cannot be told");
	is_int(make(SL_LIMIT_BYTES, "10M/s", 2000, &r), -ERANGE, "less than a frame at once");
	is_int(make(SL_LIMIT_BYTES, "5/h", 0, &r), -ERANGE,
	       "bytes so slowly that a frame overflows");
	is_int(make(SL_LIMIT_BYTES, "5/s", 0, &r), 0, "five bytes a second");
	ok(sl_gcra_cost(&r, SL_LIMIT_FRAME) <= r.burst, "a large frame can still pass");
}

/* Frames of one client, as fast as this thread can, until the time is over. */
struct runner {
	pthread_t thread;
	uint8_t frame[FRAME_MAX];
	uint32_t size;
	uint64_t start_ns, passed;
	uint32_t sent[SLICES];
};

/* One frame a call: the clock that a run of many frames would judge by stands still meanwhile. */
static void *run(void *context)
{
	struct runner *r = context;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = r->frame, .data_size_in = r->size);
	int program = sl_gate_program_fd(gate_program);

	for (;;) {
		uint64_t slice = (sl_now_ns() - r->start_ns) / SL_MS;

		if (slice >= SLICES || bpf_prog_test_run_opts(program, &options) < 0)
			break;
		r->passed += options.retval == XDP_PASS;
		r->sent[slice]++;
	}
	return NULL;
}

/*
 * What passes of all that was sent, by arithmetic.  On a busy machine threads stand still, and what
 * a client has no more room to save up meanwhile is nobody's to take: so it goes by what was sent
 * when, and not by the time alone.
 */
static double due(const struct runner runners[2], double per_s, double burst)
{
	double saved = burst, sum = 0;

	for (size_t i = 0; i < SLICES; i++) {
		double taken = runners[0].sent[i] + runners[1].sent[i];

		taken = taken < saved ? taken : saved;
		sum += taken;
		saved += per_s * SECONDS / SLICES - taken;
		saved = saved < burst ? saved : burst;
	}
	return sum;
}

/* What passes in SECONDS of two threads at full speed. */
static void test_rate(enum sl_limit_kind kind, const char *rate, uint64_t burst_nr,
		      const char *frame)
{
	static struct runner runners[2];
	struct sl_gcra_rate r;
	double per_s, burst, most, least;
	uint64_t start_ns = sl_now_ns(), passed;

	is_int(make(kind, rate, burst_nr, &r), 0, "%s of %s", rate, sl_limit_name(kind));
	sl_limit_set(&gate, kind, &r);
	sl_limit_read(&r, &per_s, &burst);
	for (int i = 0; i < 2; i++) {
		runners[i] = (struct runner){ .start_ns = start_ns };
		runners[i].size = (uint32_t)frame_make(frame, runners[i].frame);
		pthread_create(&runners[i].thread, NULL, run, &runners[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(runners[i].thread, NULL);
	sl_limit_set(&gate, kind, &(struct sl_gcra_rate){ 0, 0 });
	passed = runners[0].passed + runners[1].passed;
	most = per_s * SECONDS + burst;
	least = due(runners, per_s, burst);
	printf("# %s of %s: %.0f passed, at most %.0f may, %.0f were due: %+.2f %%\n", rate,
	       sl_limit_name(kind), (double)passed, most, least,
	       100 * ((double)passed - least) / least);
	ok((double)passed <= most * 1.01 + 2, "no more pass than the rate and the burst");
	ok((double)passed >= least * 0.99 - 2, "and no fewer than were due of what was sent");
}

int main(void)
{
	if (!gate_start())
		return 0;
	test_words();
	test_bounds();
	test_rate(SL_LIMIT_PACKETS, "10/s", 2, "ip4=11.7.0.1 udp=80");
	test_rate(SL_LIMIT_CONNECTIONS, "100/s", 10, "ip4=11.7.0.2 tcp=80,S");
	test_rate(SL_LIMIT_CONNECTIONS, "5k/s", 500, "ip4=11.7.0.3 tcp=80,S");
	test_rate(SL_LIMIT_PACKETS, "100k/s", 5000, "ip4=11.7.0.4 udp=80");
	return gate_done();
}

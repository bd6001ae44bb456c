// SPDX-License-Identifier: Apache-2.0
// What the kernel half costs a packet: runs it by BPF_PROG_TEST_RUN, beside what others do.
#include "xdp.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/gate.h"
#include "kern/image.h"
#include "prog/programs.h"

/* Each has maps of its own, so that samples of all can be taken in turn. */
enum subject_id {
	GATE_EMPTY,
	GATE_1K,
	GATE_100K,
	GATE_1M,
	GATE_V6_1K,
	GATE_V6_100K,
	GATE_HOT,
	GATE_CLIENTS,
	GATE_ALL,
	LPM_1K,
	LPM_100K,
	LPM_1M,
	FILTER_1,
	FILTER_1K,
	FILTER_10K,
	SUBJECTS,
};

enum subject_kind { KIND_GATE4, KIND_GATE6, KIND_LPM, KIND_FILTER };

/* period_ns and burst_ns: of a limit of packets. */
static const struct {
	enum subject_kind kind;
	uint32_t prefixes, image_lines, cell_sets;
	uint64_t period_ns, burst_ns;
} subjects[SUBJECTS] = {
	[GATE_EMPTY] = { .image_lines = 1 << 17, .cell_sets = 1024 },
	[GATE_1K] = { .prefixes = 1000, .image_lines = 1 << 17, .cell_sets = 1024 },
	[GATE_100K] = { .prefixes = 100000, .image_lines = 1 << 18, .cell_sets = 1024 },
	[GATE_1M] = { .prefixes = 1000000, .image_lines = 1 << 21, .cell_sets = 1024 },
	[GATE_V6_1K] = { .kind = KIND_GATE6, .prefixes = 1000, .image_lines = 1 << 17 },
	[GATE_V6_100K] = { .kind = KIND_GATE6, .prefixes = 100000, .image_lines = 1 << 19 },
	[GATE_HOT] = { .period_ns = SL_SEC, .burst_ns = 2 * SL_SEC },
	[GATE_CLIENTS] = { .period_ns = SL_MS, .burst_ns = 100 * SL_MS },
	[GATE_ALL] = { .prefixes = 1000, .period_ns = SL_MS, .burst_ns = 100 * SL_MS },
	[LPM_1K] = { .kind = KIND_LPM, .prefixes = 1000 },
	[LPM_100K] = { .kind = KIND_LPM, .prefixes = 100000 },
	[LPM_1M] = { .kind = KIND_LPM, .prefixes = 1000000 },
	[FILTER_1] = { .kind = KIND_FILTER, .prefixes = 1 },
	[FILTER_1K] = { .kind = KIND_FILTER, .prefixes = 1000 },
	[FILTER_10K] = { .kind = KIND_FILTER, .prefixes = 10000 },
};

#define NO_PEER SUBJECTS

/* One line of the table; a peer is the row of that subject that has the same sources. */
static const struct row {
	const char *name;
	enum subject_id subject;
	enum source_kind source;
	uint32_t nr; /* of sources that are listed */
	unsigned target_ns;
	enum subject_id peer;
} rows[] = {
	{ "empty list", GATE_EMPTY, SOURCE_RANDOM4, 0, 6, FILTER_1 },
	{ "1,000 prefixes", GATE_1K, SOURCE_RANDOM4, 0, 15, LPM_1K },
	{ "100,000 prefixes", GATE_100K, SOURCE_RANDOM4, 0, 30, LPM_100K },
	{ "1,000,000 prefixes", GATE_1M, SOURCE_RANDOM4, 0, 60, LPM_1M },
	{ "1,000,000, all hit", GATE_1M, SOURCE_LISTED4, 1000000, 130, LPM_1M },
	{ "IPv6: 1,000 prefixes", GATE_V6_1K, SOURCE_RANDOM6, 0, 20, NO_PEER },
	{ "IPv6: 100,000", GATE_V6_100K, SOURCE_RANDOM6, 0, 30, NO_PEER },
	{ "IPv6: 100,000, all hit", GATE_V6_100K, SOURCE_LISTED6, 100000, 50, NO_PEER },
	{ "limit: one client, refused", GATE_HOT, SOURCE_LISTED4, 1, 20, NO_PEER },
	{ "limit: 1,000 clients", GATE_CLIENTS, SOURCE_LISTED4, 1000, 45, NO_PEER },
	{ "limit: 131,072 clients", GATE_CLIENTS, SOURCE_LISTED4, 131072, 60, NO_PEER },
	{ "limit: forged sources", GATE_CLIENTS, SOURCE_RANDOM4, 0, 120, NO_PEER },
	{ "ports, 1,000 prefixes, limit", GATE_ALL, SOURCE_LISTED4, 1000, 55, NO_PEER },
	{ "LPM trie: 1,000", LPM_1K, SOURCE_RANDOM4, 0, 0, NO_PEER },
	{ "LPM trie: 100,000", LPM_100K, SOURCE_RANDOM4, 0, 0, NO_PEER },
	{ "LPM trie: 1,000,000", LPM_1M, SOURCE_RANDOM4, 0, 0, NO_PEER },
	{ "LPM trie: 1,000,000, all hit", LPM_1M, SOURCE_LISTED4, 1000000, 0, NO_PEER },
	{ "xdp-filter: 1 address", FILTER_1, SOURCE_RANDOM4, 0, 0, NO_PEER },
	{ "xdp-filter: 1,000", FILTER_1K, SOURCE_RANDOM4, 0, 0, NO_PEER },
	{ "xdp-filter: 10,000", FILTER_10K, SOURCE_RANDOM4, 0, 0, NO_PEER },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

/* A subject, loaded.  fd is -1 for what this machine does not have. */
struct subject {
	int fd;
	struct sl_gate gate;
	struct sl_gate_program *program;
	struct bpf_object *object;
};

struct bench {
	const char *object; /* path of the compiled xdp.bpf.c */
	struct bpf_object *own;
	struct sources *sources;
	int entry, nothing, measured; /* descriptors */
	struct subject subjects[SUBJECTS];
	unsigned rounds, repeat;
	const char *only; /* rows with this in their names; NULL: all */
	double ns[ROWS][BENCH_ROUNDS_MAX];
	uint64_t publish_ns, publish_cpu_ns;
};

/* A mix as lists have it: half addresses, a quarter /24, the rest between and above. */
static uint32_t length4(uint32_t i)
{
	static const uint8_t lengths[16] = { 32, 24, 32, 28, 32, 24, 32, 30,
					     32, 24, 32, 22, 32, 24, 32, 29 };

	return lengths[i % 16];
}

static int add_prefix(struct sl_prefixes *list, uint32_t i, bool is_v6)
{
	static const uint8_t lengths6[4] = { 32, 48, 56, 64 };
	struct sl_prefix p = { .length = (uint8_t)(96 + length4(i)) };

	if (is_v6) {
		p.length = lengths6[i % 4];
		p.hi = listed6(i) & sl_mask64(p.length, 0);
	} else {
		p.lo = (0xffffull << 32 | listed4(i)) & sl_mask64(p.length, 64);
	}
	return sl_prefixes_add(list, &p);
}

static int publish(struct bench *b, struct sl_gate *gate, uint32_t nr, bool is_v6)
{
	struct sl_prefixes list = { 0 };
	struct sl_rule deny = { .action = SL_ACTION_DROP };
	uint64_t start_ns, cpu_ns;
	struct sl_why why;
	int ret = sl_prefixes_rule(&list, &deny);

	for (uint32_t i = 0; i < nr && ret == 0; i++)
		ret = add_prefix(&list, i, is_v6);
	start_ns = sl_now_ns();
	cpu_ns = sl_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	ret = ret == 0 ? sl_gate_publish(gate, &list, &why) : ret;
	if (ret < 0)
		bench_fail("making a list", ret);
	if (nr >= 1000000) {
		b->publish_ns = sl_now_ns() - start_ns;
		b->publish_cpu_ns = sl_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	}
	sl_prefixes_fini(&list);
	return ret;
}

/* The port of the frames is ours, and so are all others. */
static int open_ports(struct sl_gate *gate)
{
	uint64_t all = ~0ull;
	int ret = 0;

	for (uint32_t i = 0; i < SL_PORT_WORDS && ret == 0; i++)
		ret = bpf_map_update_elem(gate->ports, &i, &all, BPF_ANY);
	gate->switches->flags |= SL_FLAG_PORTS;
	return ret;
}

static int load_gate(struct bench *b, enum subject_id id)
{
	struct subject *s = &b->subjects[id];
	struct sl_gate_options options = { .image_lines = subjects[id].image_lines,
					   .cell_sets = subjects[id].cell_sets };
	struct sl_why why;
	int ret = sl_gate_load(&s->gate, &options, &s->program, &why);

	if (ret < 0) {
		fprintf(stderr, "xdp: %s\n", why.text);
		return ret;
	}
	s->fd = sl_gate_program_fd(s->program);
	s->gate.switches->packets =
		(struct sl_gcra_rate){ .period = (subjects[id].period_ns << SL_GCRA_PERIOD_SHIFT) >>
						 SL_GCRA_UNIT_SHIFT,
				       .burst = subjects[id].burst_ns >> SL_GCRA_UNIT_SHIFT };
	if (id == GATE_ALL)
		ret = open_ports(&s->gate);
	if (ret == 0)
		ret = publish(b, &s->gate, subjects[id].prefixes, subjects[id].kind == KIND_GATE6);
	return ret;
}

static int fill_lpm(int map, uint32_t nr)
{
	int ret = 0;

	for (uint32_t i = 0; i < nr && ret == 0; i++) {
		struct lpm_key key = { .length = length4(i), .address = htonl(listed4(i)) };

		ret = bpf_map_update_elem(map, &key, &i, BPF_ANY);
	}
	return ret;
}

static int load_rival(struct bench *b, enum subject_id id)
{
	bool is_lpm = subjects[id].kind == KIND_LPM;
	struct subject *s = &b->subjects[id];

	if (!is_lpm && access(BENCH_XDP_FILTER, R_OK) < 0)
		return 0;
	s->object = bench_object_load(is_lpm ? b->object : BENCH_XDP_FILTER);
	if (!s->object)
		return -errno;
	s->fd = bench_program_fd(s->object, is_lpm ? "lpm_deny" : "xdpfilt_alw_ip");
	return is_lpm ? fill_lpm(bpf_object__find_map_fd_by_name(s->object, "lpm"),
				 subjects[id].prefixes)
		      : bench_filter_fill(s->object, subjects[id].prefixes);
}

static int load_own(struct bench *b)
{
	b->own = bench_object_load(b->object);
	if (!b->own)
		return bench_fail(b->object, -errno);
	b->entry = bench_program_fd(b->own, "make_source");
	b->nothing = bench_program_fd(b->own, "nothing");
	b->measured = bpf_object__find_map_fd_by_name(b->own, "measured");
	b->sources = bench_object_bss(b->own);
	if (!b->sources)
		return bench_fail(b->object, -errno);
	return 0;
}

static bool is_wanted(const struct bench *b, const struct row *row)
{
	return !b->only || strstr(row->name, b->only);
}

static bool is_needed(const struct bench *b, enum subject_id id)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].subject == id && is_wanted(b, &rows[i]))
			return true;
	return false;
}

static int load_all(struct bench *b)
{
	int ret = load_own(b);

	for (int id = 0; id < SUBJECTS && ret == 0; id++) {
		bool is_gate = subjects[id].kind <= KIND_GATE6;

		b->subjects[id].fd = -1;
		if (!is_needed(b, id))
			continue;
		ret = is_gate ? load_gate(b, id) : load_rival(b, id);
		if (ret < 0)
			bench_fail("loading what is measured", ret);
	}
	return ret;
}

/* A TCP segment without SYN; the source is written when it runs. */
static size_t make_frame(uint8_t *frame, bool is_v6)
{
	static const uint8_t ip4[] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6 };
	static const uint8_t ip6[] = { 0x60, 0, 0, 0, 0, 20, 6, 64 };
	static const uint8_t tcp[] = { 0x30, 0x39, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10 };
	size_t l4 = is_v6 ? 54 : 34;

	frame[12] = is_v6 ? 0x86 : 0x08;
	frame[13] = is_v6 ? 0xdd : 0x00;
	memcpy(frame + 14, is_v6 ? ip6 : ip4, is_v6 ? sizeof(ip6) : sizeof(ip4));
	memcpy(frame + l4, tcp, sizeof(tcp));
	return l4 + 20;
}

/* CPU time of a packet, in ns; negative: it did not run.  One call is many packets: the kernel
 * builds its dispatcher anew for each, for milliseconds. */
static double sample(struct bench *b, int program, const struct row *row)
{
	bool is_v6 = row->source == SOURCE_RANDOM6 || row->source == SOURCE_LISTED6;
	uint8_t frame[128] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = (int)b->repeat,
		    .data_size_in = (uint32_t)make_frame(frame, is_v6));
	uint32_t zero = 0;
	uint64_t start_ns;

	b->sources->kind = row->source;
	b->sources->nr = row->nr;
	if (bpf_map_update_elem(b->measured, &zero, &program, BPF_ANY) < 0)
		return bench_fail("the program that is measured", -errno);
	start_ns = sl_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	if (bpf_prog_test_run_opts(b->entry, &options) < 0 || options.retval == 0)
		return bench_fail("running packets", -errno);
	return (double)(sl_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / b->repeat;
}

static int run_round(struct bench *b, unsigned round)
{
	for (size_t i = 0; i < ROWS; i++) {
		int program = b->subjects[rows[i].subject].fd;
		double nothing, all;

		if (program < 0 || !is_wanted(b, &rows[i]))
			continue;
		nothing = sample(b, b->nothing, &rows[i]);
		all = sample(b, program, &rows[i]);
		if (nothing < 0 || all < 0)
			return -EIO;
		b->ns[i][round] = all - nothing;
	}
	return 0;
}

static double median(const struct bench *b, size_t row)
{
	return bench_median(b->ns[row], b->rounds);
}

/* 0: it has none. */
static double ratio_to_peer(const struct bench *b, size_t row)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].subject == rows[row].peer && rows[i].source == rows[row].source &&
		    is_wanted(b, &rows[i]) && b->subjects[rows[i].subject].fd >= 0)
			return median(b, row) / median(b, i);
	return 0;
}

/* 0 stands for none. */
static void show(double value, int decimals)
{
	if (value > 0)
		printf(" %8.*f", decimals, value);
	else
		printf(" %8s", "-");
}

static void report(const struct bench *b)
{
	printf("%-30s %8s %8s %8s %8s %8s\n", "ns of CPU a packet", "median", "least", "target",
	       "x target", "x peer");
	for (size_t i = 0; i < ROWS; i++) {
		if (!is_wanted(b, &rows[i]))
			continue;
		if (b->subjects[rows[i].subject].fd < 0) {
			printf("%-30s %8s\n", rows[i].name, "-");
			continue;
		}
		printf("%-30s %8.1f %8.1f", rows[i].name, median(b, i),
		       bench_at_place(b->ns[i], b->rounds, 0));
		show(rows[i].target_ns, 0);
		show(rows[i].target_ns ? median(b, i) / rows[i].target_ns : 0, 2);
		show(ratio_to_peer(b, i), 2);
		putchar('\n');
	}
	if (b->publish_ns)
		printf("\ncompiling and publishing 1,000,000 prefixes: %.0f ms, of CPU %.0f ms; "
		       "target "
		       "250\n",
		       (double)b->publish_ns / 1e6, (double)b->publish_cpu_ns / 1e6);
}

static int write_json(const struct bench *b, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return bench_fail(path, -errno);
	fprintf(f, "{\"rounds\": %u, \"repeat\": %u,\n \"publish_ns\": %llu, \"cases\": [",
		b->rounds, b->repeat, (unsigned long long)b->publish_ns);
	for (size_t i = 0, nr = 0; i < ROWS; i++) {
		if (b->subjects[rows[i].subject].fd < 0 || !is_wanted(b, &rows[i]))
			continue;
		fprintf(f,
			"%s\n  {\"name\": \"%s\", \"target_ns\": %u, \"median_ns\": %.2f, \"ns\": "
			"[",
			nr++ ? "," : "", rows[i].name, rows[i].target_ns, median(b, i));
		for (unsigned r = 0; r < b->rounds; r++)
			fprintf(f, "%s%.2f", r ? ", " : "", b->ns[i][r]);
		fprintf(f, "]}");
	}
	fprintf(f, "\n]}\n");
	return fclose(f) == 0 ? 0 : bench_fail(path, -EIO);
}

static void unload(struct bench *b)
{
	for (int id = 0; id < SUBJECTS; id++) {
		struct subject *s = &b->subjects[id];

		if (s->program)
			sl_gate_close(&s->gate);
		sl_gate_program_free(s->program);
		bpf_object__close(s->object);
	}
	bpf_object__close(b->own);
}

static int run(struct bench *b, const char *json)
{
	int ret = load_all(b);

	for (unsigned round = 0; round < b->rounds && ret == 0; round++)
		ret = run_round(b, round);
	if (ret == 0)
		report(b);
	if (ret == 0 && json)
		ret = write_json(b, json);
	unload(b);
	return ret;
}

int main(int argc, char **argv)
{
	static struct bench b = { .rounds = 7, .repeat = 1000000 };
	const char *json = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "r:n:j:o:")) != -1) {
		if (opt == 'j')
			json = optarg;
		else if (opt == 'o')
			b.only = optarg;
		else if (opt == 'r' || opt == 'n')
			*(opt == 'r' ? &b.rounds : &b.repeat) = (unsigned)strtoul(optarg, NULL, 10);
		else
			argc = 0;
	}
	if (optind + 1 != argc || b.rounds - 1 >= BENCH_ROUNDS_MAX || b.repeat - 1 >= 100000000) {
		fprintf(stderr,
			"usage: xdp [-r ROUNDS] [-n PACKETS] [-j FILE] [-o ONLY] xdp.bpf.o\n");
		return 2;
	}
	b.object = argv[optind];
	if (geteuid() != 0) {
		printf("xdp: left out: loading BPF programs takes root\n");
		return 0;
	}
	return run(&b, json) < 0;
}

// SPDX-License-Identifier: Apache-2.0
// What a dropped packet costs on a real interface, beside what others do; and what passes where
// there is no flood, with and without us.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/attach.h"
#include "kern/gate.h"
#include "lib/bulk.h"
#include "lib/place.h"
#include "prog/programs.h"
#include "xdp.h"

#define SETTLE_US 5000 /* for what is under way when a flood ends */
#define BATCH 64       /* packets that the flood hands over at once, as a card does */
#define FLOOD 50000    /* packets a flood */
#define FLOODS_MAX 200 /* until as many have been dropped as a sample is to have */
#define BULK_MS 300
#define BULK_TIMES 4 /* a round: bulk TCP varies more than packets */

enum kind { KIND_FLOOR, KIND_GATE, KIND_FILTER, KIND_NFT };

static const char ingress[] = "chain c { type filter hook ingress device \"%s\" priority 0; "
			      "ip saddr @s drop; }";
static const char prerouting[] = "chain c { type filter hook prerouting priority -300; "
				 "ip saddr @s drop; }";

/* Who drops, how many addresses are denied, and as many sources the flood has. */
static const struct row {
	const char *name;
	enum kind kind;
	uint32_t nr;
	unsigned flags;
	const char *family, *chain;
} rows[] = {
	{ "a program that drops all", KIND_FLOOR, 10000, XDP_FLAGS_DRV_MODE, NULL, NULL },
	{ "xdp-filter: 1 address", KIND_FILTER, 1, XDP_FLAGS_DRV_MODE, NULL, NULL },
	{ "sluice: 1 address", KIND_GATE, 1, XDP_FLAGS_DRV_MODE, NULL, NULL },
	{ "xdp-filter: 1,000", KIND_FILTER, 1000, XDP_FLAGS_DRV_MODE, NULL, NULL },
	{ "sluice: 1,000", KIND_GATE, 1000, XDP_FLAGS_DRV_MODE, NULL, NULL },
	{ "xdp-filter: 10,000", KIND_FILTER, 10000, XDP_FLAGS_DRV_MODE, NULL, NULL },
	{ "sluice: 10,000", KIND_GATE, 10000, XDP_FLAGS_DRV_MODE, NULL, NULL },
	{ "sluice, generic: 10,000", KIND_GATE, 10000, XDP_FLAGS_SKB_MODE, NULL, NULL },
	{ "nftables, ingress: 10,000", KIND_NFT, 10000, 0, "netdev", ingress },
	{ "nftables, raw prerouting: 10,000", KIND_NFT, 10000, 0, "ip", prerouting },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

/* Rows, by what follows the first, and what their ratio is to be at most; 0: it is only shown. */
static const struct {
	unsigned row, than;
	double target;
} ratios[] = {
	{ 2, 1, 0.75 }, { 4, 3, 0.75 }, { 6, 5, 0.75 }, { 6, 0, 1.35 },
	{ 6, 8, 0.30 }, { 6, 9, 0.30 }, { 7, 8, 0 },
};
#define RATIOS (sizeof(ratios) / sizeof(*ratios))

/* Of bulk TCP. */
enum { BULK_NOTHING, BULK_AUTO, BULK_NATIVE, BULKS };
static const char *const bulk_names[BULKS] = { "nothing attached", "mode auto", "mode native" };

struct subject {
	struct bpf_object *object;
	struct sl_gate gate;
	struct sl_gate_program *program;
	char *rules; /* for nft */
	int fd;	     /* of the program, -1: this machine has it not */
};

struct bench {
	const char *path; /* of the compiled xdp.bpf.c */
	struct bpf_object *own;
	struct sources *sources;
	struct place place;
	struct pair flooded, plain;
	struct subject subjects[ROWS];
	unsigned rounds, packets;
	double ns[ROWS][BENCH_ROUNDS_MAX];
	double ratio[RATIOS][BENCH_ROUNDS_MAX];
	double bulk[BULKS][BENCH_ROUNDS_MAX], bulk_ratio[BULKS][BENCH_ROUNDS_MAX];
	char auto_mode[300];
};

/* ---- who drops ---- */

static int load_gate(struct subject *s, uint32_t nr)
{
	struct sl_gate_options options = { .image_lines = 1 << 17, .cell_sets = 1024 };
	struct sl_rule deny = { .action = SL_ACTION_DROP };
	struct sl_prefixes list = { 0 };
	struct sl_why why;
	int ret = sl_gate_load(&s->gate, &options, &s->program, &why);

	if (ret < 0) {
		fprintf(stderr, "veth: %s\n", why.text);
		return ret;
	}
	s->fd = sl_gate_program_fd(s->program);
	ret = sl_prefixes_rule(&list, &deny);
	for (uint32_t i = 0; i < nr && ret == 0; i++) {
		struct sl_prefix p = { .length = 128, .lo = 0xffffull << 32 | listed4(i) };

		ret = sl_prefixes_add(&list, &p);
	}
	if (ret == 0)
		ret = sl_gate_publish(&s->gate, &list, &why);
	sl_prefixes_fini(&list);
	return ret;
}

static int load_filter(struct subject *s, uint32_t nr)
{
	if (access(BENCH_XDP_FILTER, R_OK) < 0)
		return 0;
	s->object = bench_object_load(BENCH_XDP_FILTER);
	if (!s->object)
		return -errno;
	s->fd = bench_program_fd(s->object, "xdpfilt_alw_ip");
	return bench_filter_fill(s->object, nr);
}

static int write_rules(const struct bench *b, struct subject *s, const struct row *row)
{
	size_t size;
	FILE *f = open_memstream(&s->rules, &size);

	if (!f)
		return -ENOMEM;
	fprintf(f, "table %s bench { set s { type ipv4_addr; elements = {", row->family);
	for (uint32_t i = 0; i < row->nr; i++) {
		uint32_t a = listed4(i);

		fprintf(f, "%s%u.%u.%u.%u", i ? "," : "", a >> 24, a >> 16 & 255, a >> 8 & 255,
			a & 255);
	}
	fprintf(f, "}; }\n");
	fprintf(f, row->chain, b->flooded.near_name);
	fprintf(f, "\n}\n");
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

static int load_own(struct bench *b)
{
	b->own = bench_object_load(b->path);
	if (!b->own)
		return -errno;
	b->sources = bench_object_bss(b->own);
	return b->sources ? 0 : -errno;
}

static int load_row(struct bench *b, size_t i)
{
	struct subject *s = &b->subjects[i];

	s->fd = -1;
	switch (rows[i].kind) {
	case KIND_FLOOR:
		s->fd = bench_program_fd(b->own, "drop_all");
		return 0;
	case KIND_GATE:
		return load_gate(s, rows[i].nr);
	case KIND_FILTER:
		return load_filter(s, rows[i].nr);
	case KIND_NFT:
		s->fd = 0;
		return write_rules(b, s, &rows[i]);
	}
	return -EINVAL;
}

static int load_all(struct bench *b)
{
	int ret = load_own(b);

	for (size_t i = 0; i < ROWS && ret == 0; i++)
		ret = load_row(b, i);
	return ret < 0 ? bench_fail("loading what is measured", ret) : 0;
}

static void unload(struct bench *b)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct subject *s = &b->subjects[i];

		if (s->program)
			sl_gate_close(&s->gate);
		sl_gate_program_free(s->program);
		bpf_object__close(s->object);
		free(s->rules);
	}
	bpf_object__close(b->own);
}

/* A link's descriptor, or 0 for rules. */
static int put_on(struct bench *b, size_t i)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = rows[i].flags);
	int link;

	if (rows[i].kind == KIND_NFT)
		return bench_command(b->subjects[i].rules,
				     (const char *[]){ "nft", "-f", "-", NULL });
	link = bpf_link_create(b->subjects[i].fd, b->flooded.near_index, BPF_XDP, &options);
	return link < 0 ? -errno : link;
}

static int take_off(size_t i, int link)
{
	if (rows[i].kind != KIND_NFT)
		return close(link);
	return bench_command(
		NULL, (const char *[]){ "nft", "delete", "table", rows[i].family, "bench", NULL });
}

/* ---- the flood ---- */

/* A UDP datagram without payload; its source is written when it is sent. */
static uint32_t make_frame(const struct pair *to, uint8_t *frame)
{
	static const uint8_t type_and_ip[] = { 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17 };
	uint8_t *ip = frame + ETH_HLEN, *udp = ip + 20;

	memcpy(frame, to->near_mac, ETH_ALEN);
	frame[ETH_ALEN] = 2;
	memcpy(frame + offsetof(struct ether_header, ether_type), type_and_ip, sizeof(type_and_ip));
	memcpy(ip + 16, (uint8_t[]){ 10, 99, (uint8_t)to->number, 1 }, 4);
	memcpy(udp, (uint8_t[]){ 0x30, 0x39, 0, 9, 0, 26 }, 6);
	return ETH_ZLEN;
}

/* Frames that are made in the far namespace and leave by its interface, as from a card. */
static int flood(struct bench *b, uint32_t sources)
{
	uint8_t frame[ETH_ZLEN] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = FLOOD,
		    .data_size_in = make_frame(&b->flooded, frame),
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	int ret = bench_place_enter(b->place.far);

	if (ret < 0)
		return ret;
	b->sources->nr = sources;
	b->sources->ifindex = (uint32_t)b->flooded.far_index;
	if (bpf_prog_test_run_opts(bench_program_fd(b->own, "send_source"), &options) < 0)
		ret = -errno;
	return bench_place_enter(b->place.near) < 0 ? -EIO : ret;
}

/* CPU time that the near end has spent on a packet, in ns; negative: an errno.  What finds its
 * queue full is lost on the way, and costs it nothing. */
static double measure(struct bench *b, size_t i)
{
	uint64_t cpu_ns = bench_pair_cpu_ns(&b->flooded), delivered = bench_place_delivered();
	uint32_t before = bench_pair_received(&b->flooded), received = 0;
	int ret = 0;

	for (int n = 0; n < FLOODS_MAX && received < b->packets && ret == 0; n++) {
		ret = flood(b, rows[i].nr);
		usleep(SETTLE_US);
		received = bench_pair_received(&b->flooded) - before;
	}
	cpu_ns = bench_pair_cpu_ns(&b->flooded) - cpu_ns;
	if (ret < 0)
		return bench_fail("the flood", ret);
	if (received < b->packets / 10 || !cpu_ns)
		return bench_fail("too little of the flood arrived", -EIO);
	if (bench_place_delivered() - delivered > received / 1000)
		return bench_fail("what was to be dropped has passed", -EIO);
	return (double)cpu_ns / received;
}

static double sample(struct bench *b, size_t i)
{
	int link = put_on(b, i);
	double ns;

	if (link < 0)
		return bench_fail(rows[i].name, link);
	ns = measure(b, i);
	if (take_off(i, link) < 0)
		ns = -EIO;
	return ns < 0 ? bench_fail(rows[i].name, -EIO) : ns;
}

/* ---- what passes ---- */

static double bulk_attached(struct bench *b, enum sl_attach_mode mode)
{
	struct sl_attach_options options = { .mode = mode };
	struct sl_attached attached;
	char pins[SL_PINS_MAX];
	struct sl_why why;
	double rate;

	snprintf(pins, sizeof(pins), SL_BPFFS "/sluice-bench-%d", (int)getpid());
	if (sl_attach(pins, b->plain.near_name, &options, &attached, &why) < 0) {
		fprintf(stderr, "veth: %s\n", why.text);
		return -EIO;
	}
	if (mode == SL_MODE_AUTO)
		snprintf(b->auto_mode, sizeof(b->auto_mode), "%s: %s",
			 sl_attach_mode_name(attached.mode), attached.because);
	rate = bench_bulk(&b->place, &b->plain, BULK_MS);
	return sl_detach_all(pins, &why) < 0 ? -EIO : rate;
}

static double bulk(struct bench *b, unsigned how)
{
	if (how == BULK_NOTHING)
		return bench_bulk(&b->place, &b->plain, BULK_MS);
	return bulk_attached(b, how == BULK_AUTO ? SL_MODE_AUTO : SL_MODE_NATIVE);
}

/* The best of a few in turn: what else the machine does can only slow it down. */
static int bulk_round(struct bench *b, unsigned round)
{
	for (unsigned i = 0; i < BULK_TIMES * BULKS; i++) {
		double rate = bulk(b, i % BULKS), *best = &b->bulk[i % BULKS][round];

		if (rate < 0)
			return bench_fail(bulk_names[i % BULKS], (int)rate);
		*best = rate > *best ? rate : *best;
	}
	for (unsigned how = 0; how < BULKS; how++)
		b->bulk_ratio[how][round] = b->bulk[how][round] / b->bulk[BULK_NOTHING][round];
	return 0;
}

/* ---- rounds ---- */

static int run_round(struct bench *b, unsigned round)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (b->subjects[i].fd < 0)
			continue;
		b->ns[i][round] = sample(b, i);
		if (b->ns[i][round] < 0)
			return -EIO;
	}
	for (size_t i = 0; i < RATIOS; i++)
		if (b->subjects[ratios[i].than].fd >= 0)
			b->ratio[i][round] =
				b->ns[ratios[i].row][round] / b->ns[ratios[i].than][round];
	return bulk_round(b, round);
}

static void report(const struct bench *b)
{
	printf("\n%-34s %8s %8s\n", "ns of CPU a dropped packet", "median", "least");
	for (size_t i = 0; i < ROWS; i++)
		if (b->subjects[i].fd >= 0)
			printf("%-34s %8.0f %8.0f\n", rows[i].name,
			       bench_median(b->ns[i], b->rounds),
			       bench_at_place(b->ns[i], b->rounds, 0));
	printf("\n%-60s %8s %8s\n", "ratio", "median", "target");
	for (size_t i = 0; i < RATIOS; i++) {
		if (b->subjects[ratios[i].than].fd < 0)
			continue;
		printf("%-24s / %-33s %8.2f ", rows[ratios[i].row].name, rows[ratios[i].than].name,
		       bench_median(b->ratio[i], b->rounds));
		if (ratios[i].target)
			printf("%8.2f", ratios[i].target);
		putchar('\n');
	}
	printf("\n%-34s %8s %8s %8s\n", "bulk TCP without a flood", "Gbit/s", "ratio", "target");
	for (unsigned how = 0; how < BULKS; how++)
		printf("%-34s %8.1f %8.3f %8s\n", bulk_names[how],
		       bench_median(b->bulk[how], b->rounds) * 8 / 1e9,
		       bench_median(b->bulk_ratio[how], b->rounds), how == BULK_AUTO ? "0.97" : "");
	printf("auto is %s\n", b->auto_mode);
}

static void write_values(FILE *f, const double *values, unsigned nr)
{
	fputs("[", f);
	for (unsigned i = 0; i < nr; i++)
		fprintf(f, "%s%.3f", i ? ", " : "", values[i]);
	fputs("]", f);
}

static int write_json(const struct bench *b, const char *path)
{
	FILE *f = fopen(path, "w");
	const char *comma = "";

	if (!f)
		return bench_fail(path, -errno);
	fprintf(f, "{\"rounds\": %u, \"packets\": %u,\n \"cpu_ns\": {", b->rounds, b->packets);
	for (size_t i = 0; i < ROWS; i++) {
		if (b->subjects[i].fd < 0)
			continue;
		fprintf(f, "%s\n  \"%s\": ", comma, rows[i].name);
		write_values(f, b->ns[i], b->rounds);
		comma = ",";
	}
	fprintf(f, "},\n \"ratios\": [");
	comma = "";
	for (size_t i = 0; i < RATIOS; i++) {
		if (b->subjects[ratios[i].than].fd < 0)
			continue;
		fprintf(f,
			"%s\n  {\"of\": \"%s\", \"to\": \"%s\", \"target\": %.2f, \"is\": ", comma,
			rows[ratios[i].row].name, rows[ratios[i].than].name, ratios[i].target);
		write_values(f, b->ratio[i], b->rounds);
		fprintf(f, "}");
		comma = ",";
	}
	fprintf(f, "],\n \"bulk_bytes_per_s\": {");
	for (unsigned how = 0; how < BULKS; how++) {
		fprintf(f, "%s\n  \"%s\": ", how ? "," : "", bulk_names[how]);
		write_values(f, b->bulk[how], b->rounds);
	}
	fprintf(f, "}}\n");
	return fclose(f) == 0 ? 0 : bench_fail(path, -EIO);
}

static int run(struct bench *b, const char *json)
{
	int ret = bench_pair_make(&b->place, 0, &b->flooded);

	if (ret == 0)
		ret = bench_pair_make(&b->place, 1, &b->plain);
	if (ret == 0)
		ret = bench_pair_thread(&b->flooded);
	if (ret < 0)
		return bench_fail("a pair of veth", ret);
	ret = load_all(b);
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
	static struct bench b = { .rounds = 7, .packets = 200000 };
	const char *json = NULL;
	int opt, ret;

	while ((opt = getopt(argc, argv, "r:n:j:")) != -1) {
		if (opt == 'j')
			json = optarg;
		else if (opt == 'r' || opt == 'n')
			*(opt == 'r' ? &b.rounds : &b.packets) =
				(unsigned)strtoul(optarg, NULL, 10);
		else
			argc = 0;
	}
	if (optind + 1 != argc || b.rounds - 1 >= BENCH_ROUNDS_MAX || b.packets - 1 >= 100000000) {
		fprintf(stderr, "usage: veth [-r ROUNDS] [-n PACKETS] [-j FILE] xdp.bpf.o\n");
		return 2;
	}
	b.path = argv[optind];
	ret = geteuid() == 0 ? bench_place_open(&b.place) : -EPERM;
	if (ret < 0) {
		printf("veth: left out: no network namespace: %s\n", strerror(-ret));
		return 0;
	}
	ret = run(&b, json);
	bench_place_close(&b.place);
	return ret < 0;
}

// SPDX-License-Identifier: Apache-2.0
// Pinned maps: opened by others, lists on trial, and a list that outgrows its room.
// With words it makes pins for end-to-end tests:	pins make DIR [LINES] | pins run DIR FRAME |
//	pins flood DIR FRAME NR
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "frame.h"
#include "gaterun.h"
#include "kern/edit.h"
#include "tap.h"

static struct sl_why why;
static char pins[64];

/* The program of whoever comes later: with the maps that are pinned. */
static int load(const char *dir, uint32_t lines)
{
	struct sl_gate_options options = { .pins = dir, .image_lines = lines, .cell_sets = 1024 };

	return sl_gate_load(&gate, &options, &gate_program, &why);
}

static void unload(void)
{
	sl_gate_program_free(gate_program);
	sl_gate_close(&gate);
}

static void remove_pins(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", pins);
	if (system(command) != 0)
		printf("# %s stays\n", pins);
}

static struct sl_prefixes list_of(const char *text)
{
	struct sl_rule rule = { .action = SL_ACTION_DROP, .list = "default" };
	struct sl_prefixes list = { 0 };
	bool had_host_bits;
	struct sl_prefix p;

	if (sl_prefix_parse(sl_str_of(text), &p, &had_host_bits) < 0)
		abort();
	p.rule = (uint16_t)sl_prefixes_rule(&list, &rule);
	sl_prefixes_add(&list, &p);
	return list;
}

static int try(const char *text, uint64_t trial_ns)
{
	struct sl_prefixes list = list_of(text);
	int ret = sl_gate_try(&gate, &list, trial_ns, &why);

	sl_prefixes_fini(&list);
	return ret;
}

static bool has(const char *text)
{
	struct sl_prefixes wanted = list_of(text), list = { 0 };
	bool is_there;

	sl_gate_read(&gate, &list, &why);
	is_there = list.nr == 1 && sl_prefix_cmp(&list.prefixes[0], &wanted.prefixes[0]) == 0;
	sl_prefixes_fini(&wanted);
	sl_prefixes_fini(&list);
	return is_there;
}

static void test_trial(void)
{
	uint64_t left_ns;
	uint32_t action;
	int shadow;

	is_int(try("10.0.0.0/8", 0), 0, "a list is published");
	is_int(sl_gate_confirm(&gate), -ENOENT, "nothing is on trial");
	is_int(sl_gate_revert(&gate), -ENOENT, "there is nothing to go back to");
	is_int(try("11.0.0.0/8", 60 * 1000000000ull), 0, "another on trial");
	is_int(sl_gate_trial(&gate, &left_ns), SL_TRIAL_ON, "it says so");
	ok(has("11.0.0.0/8"), "it is the list");
	is_int(gate_run("ip4=11.0.0.1 tcp=80", &action, &shadow), SL_DROP_DENY, "and holds");
	is_int(try("12.0.0.0/8", 0), -EBUSY, "no other one meanwhile");
	is_int(sl_gate_revert(&gate), 0, "taken back");
	ok(has("10.0.0.0/8"), "the one before is the list");
	is_int(gate_run("ip4=11.0.0.1 tcp=80", &action, &shadow), SL_PASS,
	       "the other does not hold");
	try("11.0.0.0/8", 60 * 1000000000ull);
	is_int(sl_gate_confirm(&gate), 0, "confirmed");
	is_int(sl_gate_trial(&gate, &left_ns), SL_TRIAL_NONE, "it is the list for good");
	try("12.0.0.0/8", 60 * 1000000000ull);
	gate.switches->revert_at = gate_ticks();
	is_int(sl_gate_trial(&gate, &left_ns), SL_TRIAL_OVER, "a trial that nobody has confirmed");
	ok(has("11.0.0.0/8"), "the one before is the list again");
	is_int(sl_gate_confirm(&gate), -ENOENT, "it is too late to confirm");
	is_int(try("13.0.0.0/8", 60 * 1000000000ull), 0, "the next one can come");
	gate.switches->revert_at = gate_ticks();
	ok(has("11.0.0.0/8"), "and what it would go back to is not the failed one");
	sl_gate_revert(&gate);
}

static int make(const char *dir, const char *lines)
{
	int ret = load(dir, lines ? (uint32_t)atoi(lines) : 0);

	if (ret < 0)
		fprintf(stderr, "%s\n", why.text);
	else
		unload();
	return ret == -EPERM ? 77 : ret < 0;
}

static int run(const char *dir, const char *frame)
{
	uint32_t action;
	int shadow, verdict;

	if (load(dir, 0) < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	verdict = gate_run(frame, &action, &shadow);
	puts(verdict < 0 ? "none" : sl_verdict_name(verdict));
	unload();
	return 0;
}

static int flood(const char *dir, const char *text, const char *nr)
{
	uint8_t frame[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = atoi(nr));
	int ret;

	if (load(dir, 0) < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	options.data_size_in = (uint32_t)frame_make(text, frame);
	ret = bpf_prog_test_run_opts(sl_gate_program_fd(gate_program), &options);
	unload();
	return ret < 0;
}

int main(int argc, char **argv)
{
	int ret;

	if (argc >= 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "run") == 0)
		return run(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "flood") == 0)
		return flood(argv[2], argv[3], argv[4]);
	snprintf(pins, sizeof(pins), SL_BPFFS "/sluice-test-%d", getpid());
	ret = load(pins, 1 << 17);
	if (ret == -EPERM || ret == -ENOENT) {
		printf("1..0 # SKIP %s\n", why.text);
		return 0;
	}
	if (ok(ret == 0, "maps are pinned"))
		test_trial();
	else
		printf("# %s\n", why.text);
	remove_pins();
	return gate_done();
}

// SPDX-License-Identifier: Apache-2.0
// Runs frames through the kernel program.
#include "gaterun.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "frame.h"
#include "tap.h"

struct sl_gate gate;
struct sl_gate_program *gate_program;
static struct sl_why why;

uint32_t gate_ticks(void)
{
	return (uint32_t)(sl_now_ns() >> SL_TICK_SHIFT);
}

int gate_run(const char *text, uint32_t *ret_action, int *ret_shadow)
{
	uint8_t frame[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame);
	struct sl_counter before[SL_VERDICTS], after;
	int verdict = -1, seen = 0;

	*ret_shadow = -1;
	options.data_size_in = (uint32_t)frame_make(text, frame);
	for (int i = 0; i < SL_VERDICTS; i++)
		sl_gate_count(&gate, 0, i, &before[i]);
	if (bpf_prog_test_run_opts(sl_gate_program_fd(gate_program), &options) < 0)
		return -1;
	*ret_action = options.retval;
	for (int i = 0; i < SL_VERDICTS; i++) {
		sl_gate_count(&gate, 0, i, &after);
		if (after.packets == before[i].packets)
			continue;
		if (after.bytes - before[i].bytes != options.data_size_in)
			return -1;
		if (i >= SL_SHADOW_DENY) {
			*ret_shadow = i;
			continue;
		}
		verdict = i;
		seen += (int)(after.packets - before[i].packets);
	}
	return seen == 1 ? verdict : -1;
}

void gate_publish(const char *const *lines, size_t nr)
{
	static const struct {
		const char *word;
		enum sl_action action;
	} actions[] = { { "manage", SL_ACTION_MANAGE }, { "allow", SL_ACTION_ALLOW },
			{ "drop", SL_ACTION_DROP },	{ "reject", SL_ACTION_REJECT },
			{ "shadow", SL_ACTION_SHADOW }, { "none", SL_ACTION_NONE } };
	struct sl_prefixes list = { 0 };

	for (size_t i = 0; i < nr; i++) {
		char prefix[64], word[16];
		struct sl_rule rule = { 0 };
		bool had_host_bits;
		struct sl_prefix p;
		const char *port = strstr(lines[i], "port="), *ticks = strstr(lines[i], "ticks=");

		if (sscanf(lines[i], "%63s %15s", prefix, word) != 2 ||
		    sl_prefix_parse(sl_str_of(prefix), &p, &had_host_bits) < 0)
			abort();
		for (size_t a = 0; a < sizeof(actions) / sizeof(*actions); a++)
			if (strcmp(actions[a].word, word) == 0)
				rule.action = (uint8_t)actions[a].action;
		rule.has_port = port != NULL;
		rule.port = port ? (uint16_t)atoi(port + 5) : 0;
		p.expires = ticks ? gate_ticks() + (uint32_t)atoi(ticks + 6) : 0;
		p.rule = (uint16_t)sl_prefixes_rule(&list, &rule);
		sl_prefixes_add(&list, &p);
	}
	if (sl_gate_publish(&gate, &list, &why) < 0)
		printf("# %s\n", why.text);
	sl_prefixes_fini(&list);
}

void gate_wait_ticks(uint32_t nr)
{
	for (uint32_t start = gate_ticks(); gate_ticks() < start + nr;)
		;
}

bool gate_start(void)
{
	struct sl_gate_options options = { .image_lines = 1 << 17, .cell_sets = 1024 };
	int ret = sl_gate_load(&gate, &options, &gate_program, &why);

	if (ret == -EPERM) {
		printf("1..0 # SKIP %s\n", why.text);
		return false;
	}
	if (!ok(ret == 0, "the verifier takes it"))
		printf("# %s\n", why.text);
	return ret == 0;
}

int gate_done(void)
{
	sl_gate_program_free(gate_program);
	sl_gate_close(&gate);
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Verdicts: their names, and how often each was given.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "kern/gate.h"

static const struct {
	const char *name, *action, *reason;
} verdicts[] = {
#define TEXTS(name, action, reason, text) { #name, #action, reason },
	SL_VERDICT_LIST(TEXTS)
#undef TEXTS
};

const char *sl_verdict_name(enum sl_verdict verdict)
{
	return verdicts[verdict].name;
}

const char *sl_verdict_action(enum sl_verdict verdict)
{
	return verdicts[verdict].action;
}

const char *sl_verdict_reason(enum sl_verdict verdict)
{
	return verdicts[verdict].reason;
}

int sl_gate_count(struct sl_gate *gate, uint32_t slot, enum sl_verdict verdict,
		  struct sl_counter *ret_counter)
{
	int cpus = libbpf_num_possible_cpus(), ret = 0;
	uint32_t key = slot * SL_VERDICTS + verdict;
	struct sl_counter *each, sum = { 0 };

	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(gate->counters, &key, each) < 0)
		ret = -errno;
	for (int i = 0; i < cpus; i++) {
		sum.packets += each[i].packets;
		sum.bytes += each[i].bytes;
	}
	free(each);
	*ret_counter = sum;
	return ret;
}

int sl_gate_clear_counters(struct sl_gate *gate, uint32_t slot)
{
	int cpus = libbpf_num_possible_cpus(), ret = 0;
	struct sl_counter *none;

	if (cpus < 0)
		return cpus;
	none = calloc((size_t)cpus, sizeof(*none));
	if (!none)
		return -ENOMEM;
	for (uint32_t i = 0; i < SL_VERDICTS; i++) {
		uint32_t key = slot * SL_VERDICTS + i;

		if (bpf_map_update_elem(gate->counters, &key, none, BPF_ANY) < 0)
			ret = -errno;
	}
	free(none);
	return ret;
}

// SPDX-License-Identifier: Apache-2.0
// The counters of the pinned maps as metrics.
#include "control/kernel_metrics.h"

#include <bpf/bpf.h>
#include <inttypes.h>
#include <stdlib.h>

#include "kern/gate.h"
#include "kern/punish.h"

static bool find_interface(const struct sl_gate *gate, uint32_t slot, struct sl_interface *ret)
{
	return bpf_map_lookup_elem(gate->interfaces, &slot, ret) == 0 && ret->name[0] &&
	       memchr(ret->name, '\0', sizeof(ret->name));
}

static void put(FILE *to, struct sl_gate *gate, uint32_t slot, const char *name, bool is_bytes)
{
	struct sl_interface interface;

	if (!find_interface(gate, slot, &interface))
		return;
	for (unsigned v = 0; v < SL_VERDICTS; v++) {
		struct sl_counter c;

		if (sl_gate_count(gate, slot, v, &c) == 0)
			fprintf(to,
				"%s_total{iface=\"%s\",action=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
				name, interface.name, sl_verdict_action(v), sl_verdict_reason(v),
				(uint64_t)(is_bytes ? c.bytes : c.packets));
	}
}

static void expose(FILE *to, enum sl_exposition form, struct sl_gate *gate, const char *name,
		   const char *help, bool is_bytes)
{
	sl_expose_family(to, form, SL_METRICS_COUNTER, name, help);
	for (uint32_t slot = 0; slot < SL_INTERFACES_MAX; slot++)
		put(to, gate, slot, name, is_bytes);
}

static const char *pins_dir(void)
{
	const char *dir = getenv("SLUICE_PINS");

	return dir && *dir ? dir : SL_BPFFS "/" SL_ABI_DIR;
}

static void expose_gauge(FILE *to, enum sl_exposition form, const char *name, const char *help,
			 uint32_t value)
{
	sl_expose_family(to, form, SL_METRICS_GAUGE, name, help);
	fprintf(to, "%s %" PRIu32 "\n", name, value);
}

static void expose_all(FILE *to, enum sl_exposition form, struct sl_gate *gate)
{
	expose(to, form, gate, "sluice_xdp_packets", "Packets, by interface and verdict", false);
	expose(to, form, gate, "sluice_xdp_bytes", "Bytes of frames, by interface and verdict",
	       true);
	expose_gauge(to, form, "sluice_xdp_punished_taken",
		     "Places of clients that are or were punished",
		     sl_punished_count(gate->punished));
	expose_gauge(to, form, "sluice_xdp_punished_places",
		     "Places that there are: when all are taken, some end early", SL_PUNISHED_MAX);
}

/* Without maps of the daemon's, opened for each scrape: they may be pinned anew at any time. */
void sl_kernel_expose(FILE *to, enum sl_exposition form, struct sl_gate *open)
{
	struct sl_gate gate;
	struct sl_why why;

	if (open) {
		expose_all(to, form, open);
		return;
	}
	if (sl_gate_open(&gate, pins_dir(), &why) < 0)
		return;
	expose_all(to, form, &gate);
	sl_gate_close(&gate);
}

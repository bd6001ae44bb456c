// SPDX-License-Identifier: Apache-2.0
// What the kernel half has counted comes out of its pinned maps, for scrapers.
#include "control/kernel_metrics.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gaterun.h"
#include "kern/punish.h"
#include "tap.h"

static char pins[64];

static char *expose(enum sl_exposition form)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	sl_kernel_expose(f, form, NULL);
	fclose(f);
	return text;
}

static void nothing(void)
{
	char *text = expose(SL_EXPOSE_PROMETHEUS);

	is_str(sl_str_of(text), "", "without pinned maps there is nothing");
	free(text);
}

static void one_interface(void)
{
	const struct sl_interface interface = { .name = "test0", .ifindex = 1 };
	static const char *const list[] = { "198.51.100.0/24 drop" };
	uint32_t slot = 0, action;
	int shadow;
	char *text = expose(SL_EXPOSE_PROMETHEUS);

	ok(!strstr(text, "iface="), "a slot that is free has no samples");
	free(text);
	bpf_map_update_elem(gate.interfaces, &slot, &interface, BPF_ANY);
	gate_publish(list, 1);
	is_int(gate_run("ip4=198.51.100.7 tcp=80,S", &action, &shadow), SL_DROP_DENY,
	       "a packet is dropped");
	text = expose(SL_EXPOSE_PROMETHEUS);
	ok(strstr(text, "# HELP sluice_xdp_packets_total ") == text, "a family has its help");
	ok(strstr(text, "\nsluice_xdp_packets_total{iface=\"test0\",action=\"drop\","
			"reason=\"deny_list\"} 1\n"),
	   "it is counted by interface, action and reason");
	ok(strstr(text, "\nsluice_xdp_bytes_total{iface=\"test0\",action=\"drop\","
			"reason=\"deny_list\"} "),
	   "and so are its bytes");
	free(text);
	text = expose(SL_EXPOSE_OPENMETRICS);
	ok(strstr(text, "# TYPE sluice_xdp_bytes counter\n# UNIT sluice_xdp_bytes bytes\n"),
	   "OpenMetrics says in which unit");
	free(text);
}

static int punish(uint32_t number)
{
	struct sl_address client = { .lo = 0xffffull << 32 | (0x0a000000 + number) };
	struct sl_punishment p = { .until_ns = UINT64_MAX };

	return bpf_map_update_elem(gate.punished, &client, &p, BPF_ANY);
}

static bool is_punished(uint32_t number)
{
	struct sl_address client = { .lo = 0xffffull << 32 | (0x0a000000 + number) };
	struct sl_punishment p;

	return bpf_map_lookup_elem(gate.punished, &client, &p) == 0;
}

/* Who is punished when all places are taken takes that of another; lists have none to lose. */
static void full_map(void)
{
	static const char places[] = "\nsluice_xdp_punished_places 65536\n";
	static const char taken[] = "\nsluice_xdp_punished_taken ";
	uint32_t first = 0, last = 0, action, nr, all = SL_PUNISHED_MAX + 5000;
	int failed = 0, shadow;
	char *text, *at;

	is_int(sl_punished_count(gate.punished), 0, "nobody is punished");
	for (uint32_t i = 0; i < all; i++)
		failed += punish(i) < 0;
	is_int(failed, 0, "more are than there are places, and none is refused");
	for (uint32_t i = 0; i < 1000; i++) {
		first += is_punished(i);
		last += is_punished(all - 1 - i);
	}
	ok(last == 1000 && first < 1000,
	   "the oldest went first: %u of 1000 are left, %u of the last", first, last);
	text = expose(SL_EXPOSE_PROMETHEUS);
	at = strstr(text, taken);
	nr = at ? (uint32_t)strtoul(at + sizeof(taken) - 1, NULL, 10) : 0;
	ok(nr > SL_PUNISHED_MAX / 100 * 95 && nr <= SL_PUNISHED_MAX && strstr(text, places),
	   "metrics show that the map is full: %u", nr);
	free(text);
	is_int(gate_run("ip4=198.51.100.7 tcp=80,S", &action, &shadow), SL_DROP_DENY,
	       "the list holds as before");
}

static void remove_pins(void)
{
	DIR *dir = opendir(pins);
	const struct dirent *entry;
	char path[400];

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", pins, entry->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(pins);
}

int main(void)
{
	struct sl_gate_options options = { .pins = pins, .image_lines = 1 << 17, .cell_sets = 64 };
	struct sl_why why;
	int ret;

	snprintf(pins, sizeof(pins), SL_BPFFS "/sluice-test-%d", (int)getpid());
	setenv("SLUICE_PINS", pins, 1);
	nothing();
	ret = sl_gate_load(&gate, &options, &gate_program, &why);
	if (ret < 0) {
		printf("ok 2 # SKIP %s\n1..2\n", why.text);
		return 0;
	}
	one_interface();
	full_map();
	sl_gate_program_free(gate_program);
	sl_gate_close(&gate);
	remove_pins();
	ok(access(pins, F_OK) < 0, "the pins are gone");
	return done_testing();
}

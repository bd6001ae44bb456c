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
	sl_gate_program_free(gate_program);
	sl_gate_close(&gate);
	remove_pins();
	ok(access(pins, F_OK) < 0, "the pins are gone");
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// What outlives a packet: switches, lists on trial, hits, punishments, limits.
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/clock.h"
#include "gaterun.h"
#include "tap.h"

static const char *const lists[] = { "10.0.0.0/8 drop", "2001:db8::/32 drop" };

static void test_switches(void)
{
	uint32_t action, flags = gate.switches->flags;
	uint64_t port = 1ull << (8080 % 64);
	uint32_t word = 8080 / 64;
	int shadow;

	gate.switches->flags &= ~(uint32_t)SL_FLAG_ENFORCE;
	is_int(gate_run("ip4=10.9.9.9 tcp=80", &action, &shadow), SL_PASS_OFF, "switched off");
	is_int(action, XDP_PASS, "a denied address passes");
	gate.switches->flags = flags & ~(uint32_t)SL_FLAG_MALFORMED;
	is_int(gate_run("ip4=11.0.0.1,ihl=2 tcp=80", &action, &shadow), SL_PASS_MALFORMED,
	       "told to let through what is malformed");
	is_int(gate_run("ip4=10.9.9.9 tcp=80 cut=36", &action, &shadow), SL_DROP_DENY,
	       "an address is still judged");
	gate.switches->flags = flags | SL_FLAG_PORTS;
	bpf_map_update_elem(gate.ports, &word, &port, BPF_ANY);
	is_int(gate_run("ip4=10.9.9.9 tcp=8080", &action, &shadow), SL_DROP_DENY, "a port of ours");
	is_int(gate_run("ip4=10.9.9.9 udp=8080", &action, &shadow), SL_DROP_DENY, "UDP too");
	is_int(gate_run("ip4=10.9.9.9 tcp=8081", &action, &shadow), SL_PASS_PORT,
	       "a port that is not");
	is_int(gate_run("ip4=10.9.9.9 icmp", &action, &shadow), SL_PASS_PORT, "no port at all");
	is_int(gate_run("ip4=10.9.9.9,at=9 data=8", &action, &shadow), SL_DROP_DENY,
	       "a later fragment may be for ours");
	is_int(gate_run("ip6=2001:db8::1 frag=9 data=8", &action, &shadow), SL_DROP_DENY,
	       "of IPv6 too");
	gate.switches->flags = flags;
}

static void test_confirm(void)
{
	static const char *const trial[] = { "11.0.0.1 drop" };
	uint32_t action;
	int shadow;

	gate_publish(trial, 1);
	is_int(gate_run("ip4=11.0.0.1 tcp=80", &action, &shadow), SL_DROP_DENY,
	       "a list on trial holds");
	gate.switches->revert_at = gate_ticks() + 2;
	is_int(gate_run("ip4=11.0.0.1 tcp=80", &action, &shadow), SL_DROP_DENY,
	       "until its time is up");
	gate_wait_ticks(4);
	is_int(gate_run("ip4=11.0.0.1 tcp=80", &action, &shadow), SL_PASS,
	       "then the one before it does");
	is_int(gate_run("ip4=10.9.9.9 tcp=80", &action, &shadow), SL_DROP_DENY, "with all it had");
	gate.switches->revert_at = 0;
	is_int(gate_run("ip4=11.0.0.1 tcp=80", &action, &shadow), SL_DROP_DENY,
	       "confirmed, it stays");
}

static struct sl_why why;

static void test_hits(void)
{
	static const char *const two[] = { "10.0.0.0/8 drop", "10.1.0.0/16 allow",
					   "2001:db8::/32 drop" };
	static const char *const three[] = { "9.0.0.0/8 drop", "10.0.0.0/8 drop",
					     "10.1.0.0/16 drop", "2001:db8::/32 drop" };
	struct sl_prefixes list = { 0 };
	uint32_t action, start = gate_ticks();
	int shadow;

	gate_publish(two, 3);
	for (int i = 0; i < 5; i++)
		gate_run("ip4=10.9.9.9 tcp=80", &action, &shadow);
	gate_run("ip4=10.1.9.9 tcp=80", &action, &shadow);
	gate_run("ip6=2001:db8::1 tcp=80", &action, &shadow);
	gate_publish(three, 4);
	gate_run("ip4=10.9.9.9 tcp=80", &action, &shadow);
	is_int(sl_gate_read(&gate, &list, &why), 0, "the list can be read back");
	is_int((int64_t)list.nr, 4, "all of it");
	is_int((int64_t)list.prefixes[1].hits, 6, "hits go on over a new list");
	is_int((int64_t)list.prefixes[2].hits, 0, "but not for what is another rule now");
	is_int((int64_t)list.prefixes[3].hits, 1, "IPv6");
	ok(list.prefixes[1].last_hit >= start - 1 && list.prefixes[1].last_hit <= gate_ticks(),
	   "the last hit was just now");
	sl_prefixes_fini(&list);
}

static void test_punished(void)
{
	struct sl_address client = { 0, 0xffffull << 32 | 11 << 24 | 5 };
	struct sl_punishment p = { .until_ns = sl_now_ns() + SL_SEC / 5 };
	uint32_t action, flags = gate.switches->flags;
	int shadow;

	bpf_map_update_elem(gate.punished, &client, &p, BPF_ANY);
	is_int(gate_run("ip4=11.0.0.5 tcp=80", &action, &shadow), SL_PASS,
	       "the map is not asked while empty");
	gate.switches->flags |= SL_FLAG_PUNISHED;
	is_int(gate_run("ip4=11.0.0.5 tcp=80", &action, &shadow), SL_DROP_PUNISHED, "punished");
	is_int(gate_run("ip4=11.0.0.6 tcp=80", &action, &shadow), SL_PASS, "others are not");
	gate.switches->flags |= SL_FLAG_SHADOW;
	is_int(gate_run("ip4=11.0.0.5 tcp=80", &action, &shadow), SL_PASS, "on trial it passes");
	is_int(shadow, SL_SHADOW_PUNISHED, "and is counted");
	gate.switches->flags &= ~(uint32_t)SL_FLAG_SHADOW;
	while (sl_now_ns() < p.until_ns + SL_SEC / 20)
		;
	is_int(gate_run("ip4=11.0.0.5 tcp=80", &action, &shadow), SL_PASS, "it ends by itself");
	bpf_map_lookup_elem(gate.punished, &client, &p);
	is_int((int64_t)p.hits, 2, "what was dropped for it is counted");
	gate.switches->flags = flags;
}

static unsigned passed(const char *frame, unsigned nr)
{
	unsigned passes = 0;
	uint32_t action;
	int shadow;

	for (unsigned i = 0; i < nr; i++)
		passes += gate_run(frame, &action, &shadow) == SL_PASS;
	return passes;
}

/* One a minute, with bursts: no clock moves on far enough for one more. */
static void test_limits(void)
{
	struct sl_gcra_rate slow = { .period = (60 * SL_SEC >> 4) << 16 };
	struct sl_control *c = gate.switches;
	uint32_t action;
	int shadow;

	slow.burst = 5 * (60 * SL_SEC >> 4);
	c->packets = slow;
	is_int(passed("ip4=12.0.0.1 tcp=80", 9), 5, "a burst of five packets, and no more");
	is_int(gate_run("ip4=12.0.0.1 tcp=80", &action, &shadow), SL_DROP_PACKETS,
	       "by the packet limit");
	is_int(passed("ip4=12.0.0.2 tcp=80", 9), 5, "another client has its own");
	is_int(passed("ip6=2001:db9::1 tcp=80", 4), 4, "IPv6: one address");
	is_int(passed("ip6=2001:db9::2 tcp=80", 4), 1, "and another of the same /64: one client");
	is_int(gate_run("ip4=10.9.9.9 tcp=80", &action, &shadow), SL_DROP_DENY, "lists come first");
	c->packets.burst = 0;
	c->connections = slow;
	is_int(passed("ip4=12.0.0.3 tcp=80,S", 9), 5, "five connections");
	is_int(gate_run("ip4=12.0.0.3 tcp=80,S", &action, &shadow), SL_DROP_CONNECTIONS,
	       "by that limit");
	is_int(passed("ip4=12.0.0.3 tcp=80,A", 9), 9, "what is no SYN goes on");
	is_int(passed("ip4=12.0.0.3 tcp=80,S,A", 9), 9, "nor is an answer to one");
	c->connections.burst = 0;
	c->bytes = slow; /* a byte a minute, 300 at once */
	c->bytes.burst = 300 * (60 * SL_SEC >> 4);
	is_int(passed("ip4=12.0.0.4 tcp=80 data=46", 9), 3, "three frames of 100 bytes");
	c->bytes.burst = 0;
	c->packets = slow;
	c->packets.burst = 0;
	c->client4 = 0xffffff00;
	c->packets.burst = slow.burst;
	is_int(passed("ip4=12.0.9.1 udp=9", 4) + passed("ip4=12.0.9.77 udp=9", 4), 5,
	       "clients by /24, if told so");
	c->client4 = 0xffffffff;
	c->packets.burst = 0;
}

int main(void)
{
	if (!gate_start())
		return 0;
	gate_publish(lists, 2);
	test_switches();
	test_confirm();
	test_hits();
	test_punished();
	test_limits();
	return gate_done();
}

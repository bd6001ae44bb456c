// SPDX-License-Identifier: Apache-2.0
// The very program on the very kernel: a table of frames, and what becomes of each.
#include <linux/bpf.h>
#include <stdio.h>

#include "gaterun.h"
#include "tap.h"

static const char *const lists[] = {
	"10.0.0.0/8 drop",
	"10.1.0.0/16 allow",
	"10.1.2.3 drop",
	"10.2.0.0/16 drop",
	"10.2.0.0/24 none",
	"10.3.3.0/24 manage",
	"10.3.3.3 drop",
	"172.16.0.0/12 drop port=22",
	"192.0.2.128/25 drop",
	"192.0.2.129 allow",
	"198.51.100.7 shadow",
	"203.0.113.0/24 drop ticks=100000",
	"203.0.113.64/26 allow ticks=1",
	"2001:db8::/32 drop",
	"2001:db8:1::/48 allow",
	"2001:db8:1::bad drop",
	"2001:db8:3::/64 manage",
	"2001:db8:3::3 drop",
	"fd00::/8 drop port=22",
	"2001:db8:2::/48 none",
	"100.64.0.1 drop",
	"100.64.0.3 drop",
	"100.64.0.5 drop",
	"100.64.0.7 drop",
	"100.64.0.9 drop",
	"100.64.0.11 drop",
	"100.64.0.128/26 drop",
};

struct row {
	const char *frame;
	enum sl_verdict verdict;
};

static const struct row rows[] = {
	/* Neither family. */
	{ "arp", SL_PASS_OTHER },
	{ "lldp", SL_PASS_OTHER },
	{ "vlan arp", SL_PASS_OTHER },
	/* IPv4 by address: the longest prefix, whatever is behind the address. */
	{ "ip4=11.0.0.1 tcp=80,S", SL_PASS },
	{ "ip4=10.9.9.9 tcp=80,S", SL_DROP_DENY },
	{ "ip4=10.9.9.9 udp=80", SL_DROP_DENY },
	{ "ip4=10.9.9.9 icmp", SL_DROP_DENY },
	{ "ip4=10.9.9.9", SL_DROP_DENY },
	{ "ip4=10.0.0.0 tcp=80", SL_DROP_DENY },
	{ "ip4=10.255.255.255 tcp=80", SL_DROP_DENY },
	{ "ip4=9.255.255.255 tcp=80", SL_PASS },
	{ "ip4=11.0.0.0 tcp=80", SL_PASS },
	{ "ip4=10.1.0.0 tcp=80", SL_PASS_ALLOW },
	{ "ip4=10.1.255.255 tcp=80", SL_PASS_ALLOW },
	{ "ip4=10.1.2.3 tcp=80", SL_DROP_DENY },
	{ "ip4=10.1.2.2 tcp=80", SL_PASS_ALLOW },
	{ "ip4=10.1.2.4 tcp=80", SL_PASS_ALLOW },
	{ "ip4=10.2.0.77 tcp=80", SL_PASS },
	{ "ip4=10.2.1.0 tcp=80", SL_DROP_DENY },
	{ "ip4=10.3.3.3 tcp=80", SL_PASS_MANAGE },
	{ "ip4=10.3.3.0 tcp=80", SL_PASS_MANAGE },
	{ "ip4=10.3.4.0 tcp=80", SL_DROP_DENY },
	{ "ip4=192.0.2.127 tcp=80", SL_PASS },
	{ "ip4=192.0.2.128 tcp=80", SL_DROP_DENY },
	{ "ip4=192.0.2.129 tcp=80", SL_PASS_ALLOW },
	{ "ip4=192.0.2.255 tcp=80", SL_DROP_DENY },
	{ "ip4=192.0.3.0 tcp=80", SL_PASS },
	{ "ip4=0.0.0.0 tcp=80", SL_PASS },
	{ "ip4=255.255.255.255 tcp=80", SL_PASS },
	/* A /24 with more than a chain holds. */
	{ "ip4=100.64.0.0 udp=1", SL_PASS },
	{ "ip4=100.64.0.1 udp=1", SL_DROP_DENY },
	{ "ip4=100.64.0.2 udp=1", SL_PASS },
	{ "ip4=100.64.0.11 udp=1", SL_DROP_DENY },
	{ "ip4=100.64.0.127 udp=1", SL_PASS },
	{ "ip4=100.64.0.128 udp=1", SL_DROP_DENY },
	{ "ip4=100.64.0.191 udp=1", SL_DROP_DENY },
	{ "ip4=100.64.0.192 udp=1", SL_PASS },
	/* Ports. */
	{ "ip4=172.16.0.1 tcp=22,S", SL_DROP_DENY },
	{ "ip4=172.16.0.1 tcp=23,S", SL_PASS },
	{ "ip4=172.31.255.255 udp=22", SL_DROP_DENY },
	{ "ip4=172.32.0.0 tcp=22", SL_PASS },
	{ "ip4=172.16.0.1 icmp", SL_PASS },
	/* Ends: of a list, and of an entry in one. */
	{ "ip4=203.0.113.1 tcp=80", SL_DROP_DENY },
	{ "ip4=203.0.113.64 tcp=80", SL_DROP_DENY },
	/* Tags. */
	{ "vlan ip4=10.9.9.9 tcp=80", SL_DROP_DENY },
	{ "qinq vlan ip4=10.9.9.9 tcp=80", SL_DROP_DENY },
	{ "qinq qinq ip4=11.9.9.9 tcp=80", SL_PASS },
	{ "vlan ip4=11.0.0.1 tcp=80", SL_PASS },
	{ "vlan vlan vlan ip4=10.9.9.9 tcp=80", SL_DROP_VLAN_DEPTH },
	{ "qinq vlan vlan vlan vlan ip4=11.0.0.1 tcp=80", SL_DROP_VLAN_DEPTH },
	{ "vlan ip6=2001:db8::1 tcp=80", SL_DROP_DENY },
	/* Options. */
	{ "ip4=10.9.9.9,options=4 tcp=80", SL_DROP_DENY },
	{ "ip4=172.16.0.1,options=4 tcp=22", SL_DROP_DENY },
	{ "ip4=172.16.0.1,options=40 tcp=22", SL_DROP_DENY },
	{ "ip4=172.16.0.1,options=40 tcp=23", SL_PASS },
	/* Fragments: a later one has no ports, and counts as whichever port is denied. */
	{ "ip4=10.9.9.9,at=100 data=64", SL_DROP_DENY },
	{ "ip4=10.9.9.9,at=1,more data=64", SL_DROP_DENY },
	{ "ip4=11.0.0.1,at=100 data=64", SL_PASS },
	{ "ip4=10.9.9.9,more tcp=80", SL_DROP_DENY },
	{ "ip4=172.16.0.1,more tcp=22", SL_DROP_DENY },
	{ "ip4=172.16.0.1,more tcp=23", SL_PASS },
	{ "ip4=172.16.0.1,at=100 tcp=23", SL_DROP_DENY },
	{ "ip4=10.1.9.9,at=100 data=8", SL_PASS_ALLOW },
	{ "ip4=11.0.0.1,more tcp=80 cut=44", SL_DROP_SHORT_L4 },
	/* IPv4 that cannot be. */
	{ "ip4=10.9.9.9,version=5 tcp=80", SL_DROP_BAD_IP },
	{ "ip4=10.1.9.9,ihl=4 tcp=80", SL_DROP_BAD_IP },
	{ "ip4=11.0.0.1,ihl=0 tcp=80", SL_DROP_BAD_IP },
	{ "ip4=11.0.0.1,total=19 tcp=80", SL_DROP_BAD_IP },
	{ "ip4=11.0.0.1,ihl=15 tcp=80", SL_DROP_BAD_IP },
	{ "ip4=11.0.0.1,ihl=15,total=60 tcp=80", SL_DROP_SHORT_IP },
	{ "ip4=10.9.9.9,ihl=15,total=60 tcp=80", SL_DROP_DENY },
	{ "ip4=10.3.3.1,ihl=15,total=60 tcp=80", SL_PASS_MANAGE },
	{ "ip4=11.0.0.1 tcp=80,doff=4", SL_DROP_BAD_L4 },
	{ "ip4=11.0.0.1 tcp=80,doff=0", SL_DROP_BAD_L4 },
	{ "ip4=10.1.9.9 tcp=80,doff=4", SL_PASS_ALLOW },
	/* A trial: counted, and passed. */
	{ "ip4=198.51.100.7 tcp=80", SL_PASS },
	/* IPv6. */
	{ "ip6=2001:db7:ffff:ffff:ffff:ffff:ffff:ffff tcp=80", SL_PASS },
	{ "ip6=2001:db8:: tcp=80", SL_DROP_DENY },
	{ "ip6=2001:db8:ffff:ffff:ffff:ffff:ffff:ffff tcp=80", SL_DROP_DENY },
	{ "ip6=2001:db9:: tcp=80", SL_PASS },
	{ "ip6=2001:db8:1::1 tcp=80", SL_PASS_ALLOW },
	{ "ip6=2001:db8:1::bad tcp=80", SL_DROP_DENY },
	{ "ip6=2001:db8:2::1 tcp=80", SL_PASS },
	{ "ip6=2001:db8:3::3 tcp=80", SL_PASS_MANAGE },
	{ "ip6=2001:db8:3:1::3 tcp=80", SL_DROP_DENY },
	{ "ip6=fd00::1 tcp=22", SL_DROP_DENY },
	{ "ip6=fd00::1 tcp=23", SL_PASS },
	{ "ip6=fdff::1 udp=22", SL_DROP_DENY },
	{ "ip6=fe00::1 udp=22", SL_PASS },
	{ "ip6=2001:db8::1 icmp6", SL_DROP_DENY },
	{ "ip6=2001:db8::1", SL_DROP_DENY },
	{ "ip6=::1 tcp=80", SL_PASS },
	/* IPv4 in IPv6's clothes is judged as what it is. */
	{ "ip6=::ffff:10.9.9.9 tcp=80", SL_DROP_DENY },
	{ "ip6=::ffff:10.1.9.9 tcp=80", SL_PASS_ALLOW },
	{ "ip6=::ffff:11.0.0.1 tcp=80", SL_PASS },
	{ "ip6=::fffe:10.9.9.9 tcp=80", SL_PASS },
	/* Extension headers in many orders: none is a way around. */
	{ "ip6=2001:db8::1 hop tcp=80", SL_DROP_DENY },
	{ "ip6=fd00::1 hop tcp=22", SL_DROP_DENY },
	{ "ip6=fd00::1 hop tcp=23", SL_PASS },
	{ "ip6=fd00::1 hop=3 tcp=22", SL_DROP_DENY },
	{ "ip6=fd00::1 hop=3 tcp=23", SL_PASS },
	{ "ip6=fd00::1 hop dst route frag=0 ah=4 dst tcp=22", SL_DROP_DENY },
	{ "ip6=fd00::1 hop dst route frag=0 ah=4 dst tcp=23", SL_PASS },
	{ "ip6=fd00::1 route dst tcp=22", SL_DROP_DENY },
	{ "ip6=fd00::1 route dst udp=23", SL_PASS },
	{ "ip6=fd00::1 ah=1 tcp=22", SL_DROP_DENY },
	{ "ip6=fd00::1 ah=1 tcp=23", SL_PASS },
	{ "ip6=fd00::1 mobility tcp=22", SL_DROP_DENY },
	{ "ip6=fd00::1 dst=20 tcp=23", SL_PASS },
	{ "ip6=fd00::1 hop hop hop hop hop hop hop tcp=23", SL_PASS },
	{ "ip6=fd00::1 hop hop hop hop hop hop hop hop tcp=23", SL_PASS },
	{ "ip6=fd00::1 hop hop hop hop hop hop hop hop hop tcp=23", SL_DROP_DENY },
	{ "ip6=2001:db9::1 hop hop hop hop hop hop hop hop hop tcp=23", SL_DROP_EXT_DEPTH },
	{ "ip6=2001:db8:1::1 hop hop hop hop hop hop hop hop hop tcp=23", SL_PASS_ALLOW },
	{ "ip6=2001:db9::1 dst=250 dst=10 tcp=80", SL_DROP_EXT_DEPTH },
	{ "ip6=2001:db9::1 dst=200 dst=10 tcp=80", SL_PASS },
	/* IPv6 fragments. */
	{ "ip6=2001:db8::1 frag=0 tcp=80", SL_DROP_DENY },
	{ "ip6=2001:db8::1 frag=100 data=40", SL_DROP_DENY },
	{ "ip6=2001:db9::1 frag=100 data=40", SL_PASS },
	{ "ip6=fd00::1 frag=0 tcp=23", SL_PASS },
	{ "ip6=fd00::1 frag=0 tcp=22", SL_DROP_DENY },
	{ "ip6=fd00::1 frag=100 tcp=23", SL_DROP_DENY },
	{ "ip6=fd00::1 hop dst frag=7 tcp=23", SL_DROP_DENY },
	{ "ip6=2001:db8:1::1 frag=7 data=9", SL_PASS_ALLOW },
	/* IPv6 that cannot be. */
	{ "ip6=2001:db9::1,version=4 tcp=80", SL_DROP_BAD_IP },
	{ "ip6=2001:db8:1::1,version=7 tcp=80", SL_DROP_BAD_IP },
	{ "ip6=2001:db9::1 tcp=80,doff=3", SL_DROP_BAD_L4 },
	{ "ip6=2001:db9::1 hop cut=61", SL_DROP_SHORT_EXT },
	{ "ip6=2001:db8::1 hop cut=56", SL_DROP_DENY },
	/* Larger than any header. */
	{ "ip4=11.0.0.1 tcp=80 data=1400", SL_PASS },
	{ "ip4=10.9.9.9 tcp=80 data=3000", SL_DROP_DENY },
};

static uint32_t action_of(enum sl_verdict verdict)
{
	return verdict < SL_DROP_DENY ? XDP_PASS : XDP_DROP;
}

static void test_table(void)
{
	gate_publish(lists, sizeof(lists) / sizeof(*lists));
	/* So that the entry with one tick has had its time. */
	gate_wait_ticks(2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t action = 99;
		int shadow, verdict = gate_run(rows[i].frame, &action, &shadow);

		ok(verdict == (int)rows[i].verdict && action == action_of(rows[i].verdict),
		   "%s: %s%s%s", rows[i].frame, sl_verdict_name(rows[i].verdict),
		   verdict == (int)rows[i].verdict ? "" : ", but got ",
		   verdict == (int)rows[i].verdict ? ""
		   : verdict < 0		   ? "none"
						   : sl_verdict_name(verdict));
	}
}

static void test_shadow(void)
{
	uint32_t action;
	int shadow;

	gate_run("ip4=198.51.100.7 tcp=80", &action, &shadow);
	is_int(shadow, SL_SHADOW_DENY, "a trial is counted beside");
	gate_run("ip4=11.0.0.1 tcp=80", &action, &shadow);
	is_int(shadow, -1, "and only what it is about");
}

/* Every frame cut at every byte of its headers: no length is a way around, none is a surprise. */
static void test_truncation(void)
{
	static const struct {
		const char *frame;
		size_t ip, address_end,
			end; /* offsets: of IP, behind what the verdict needs, of all */
	} cuts[] = {
		{ "ip4=10.9.9.9 tcp=80", 14, 34, 54 },
		{ "ip4=10.9.9.9,options=12 udp=80", 14, 34, 54 },
		{ "vlan ip4=10.9.9.9 tcp=80", 18, 38, 58 },
		{ "qinq vlan ip4=10.9.9.9 udp=80", 22, 42, 50 },
		{ "ip6=2001:db8::1 tcp=80", 14, 54, 74 },
		{ "ip6=2001:db8::1 hop dst frag=0 tcp=80", 14, 54, 98 },
		{ "vlan vlan ip6=2001:db8::1 udp=80", 22, 62, 70 },
		{ "ip6=::ffff:10.9.9.9 ah=3 tcp=80", 14, 54, 94 },
	};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		unsigned wrong = 0, nr = 0;

		for (size_t cut = 14; cut <= cuts[i].end; cut++, nr++) {
			char text[128];
			uint32_t action = 99;
			int shadow, verdict, wanted = SL_DROP_DENY;

			if (cut < cuts[i].ip)
				wanted = SL_DROP_SHORT_ETH;
			else if (cut < cuts[i].address_end)
				wanted = SL_DROP_SHORT_IP;
			snprintf(text, sizeof(text), "%s cut=%zu", cuts[i].frame, cut);
			verdict = gate_run(text, &action, &shadow);
			if (verdict == wanted && action == XDP_DROP)
				continue;
			printf("# %s: %d, not %d\n", text, verdict, wanted);
			wrong++;
		}
		is_int(wrong, 0, "%s, cut at %u places", cuts[i].frame, nr);
	}
}

/* The same for an address that nobody has anything against: which reason is told. */
static void test_truncation_reasons(void)
{
	static const struct {
		const char *frame;
		enum sl_verdict verdict;
	} cuts[] = {
		{ "vlan ip4=11.0.0.1 tcp=80 cut=17", SL_DROP_SHORT_ETH },
		{ "ip4=11.0.0.1 tcp=80 cut=33", SL_DROP_SHORT_IP },
		{ "ip4=11.0.0.1,options=8 tcp=80 cut=41", SL_DROP_SHORT_IP },
		{ "ip4=11.0.0.1 tcp=80 cut=34", SL_DROP_SHORT_L4 },
		{ "ip4=11.0.0.1 tcp=80 cut=53", SL_DROP_SHORT_L4 },
		{ "ip4=11.0.0.1 udp=80 cut=41", SL_DROP_SHORT_L4 },
		{ "ip4=11.0.0.1 icmp cut=36", SL_PASS },
		{ "ip6=2001:db9::1 tcp=80 cut=53", SL_DROP_SHORT_IP },
		{ "ip6=2001:db9::1 hop tcp=80 cut=55", SL_DROP_SHORT_EXT },
		{ "ip6=2001:db9::1 hop tcp=80 cut=63", SL_DROP_SHORT_L4 },
		{ "ip6=2001:db9::1 hop=2 tcp=80 cut=70", SL_DROP_SHORT_EXT },
		{ "ip6=2001:db9::1 udp=80 cut=61", SL_DROP_SHORT_L4 },
		{ "ip6=2001:db9::1 frag=0 dst udp=80 cut=63", SL_DROP_SHORT_EXT },
	};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		uint32_t action;
		int shadow;

		is_int(gate_run(cuts[i].frame, &action, &shadow), cuts[i].verdict, "%s: %s",
		       cuts[i].frame, sl_verdict_name(cuts[i].verdict));
	}
}

int main(void)
{
	if (!gate_start())
		return 0;
	test_table();
	test_shadow();
	test_truncation();
	test_truncation_reasons();
	return gate_done();
}

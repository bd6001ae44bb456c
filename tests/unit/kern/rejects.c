// SPDX-License-Identifier: Apache-2.0
// What a rejected packet is answered: each answer is taken apart, and every checksum done again.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "frame.h"
#include "gaterun.h"
#include "tap.h"

static const char *const lists[] = { "10.0.0.0/8 reject", "2001:db8::/32 reject",
				     "11.0.0.0/8 drop" };

struct answer {
	uint32_t action;
	size_t len;
	uint8_t in[FRAME_MAX], out[FRAME_MAX];
};

/* At a station of whose address this is the first byte. */
static struct answer ask_at(const char *text, uint8_t station)
{
	struct answer a = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = a.in, .data_out = a.out,
		    .data_size_out = sizeof(a.out));

	options.data_size_in = (uint32_t)frame_make(text, a.in);
	a.in[0] = station;
	if (bpf_prog_test_run_opts(sl_gate_program_fd(gate_program), &options) < 0)
		return a;
	a.action = options.retval;
	a.len = options.data_size_out;
	return a;
}

static struct answer ask(const char *text)
{
	return ask_at(text, 2);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return ntohl(v);
}

static uint32_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return n % 2 ? sum + (uint32_t)(p[n - 1] << 8) : sum;
}

static bool is_sum_right(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static uint32_t pseudo_sum(const uint8_t *ip, unsigned protocol, size_t n)
{
	bool is_v4 = ip[0] >> 4 == 4;

	return sum16(is_v4 ? ip + 12 : ip + 8, is_v4 ? 8 : 32, 0) + protocol + (uint32_t)n;
}

static bool is_swapped(const struct answer *a, size_t l3)
{
	const uint8_t *in = a->in + l3, *out = a->out + l3;
	size_t at = in[0] >> 4 == 4 ? 12 : 8, n = in[0] >> 4 == 4 ? 4 : 16;

	return memcmp(a->in, a->out + 6, 6) == 0 && memcmp(a->in + 6, a->out, 6) == 0 &&
	       memcmp(a->in + 12, a->out + 12, l3 - 12) == 0 &&
	       memcmp(in + at, out + at + n, n) == 0 && memcmp(in + at + n, out + at, n) == 0;
}

static bool is_ip4_right(const struct answer *a, size_t l3, unsigned protocol)
{
	const uint8_t *ip = a->out + l3;

	return ip[0] == 0x45 && ip[9] == protocol && (ip[2] << 8 | ip[3]) == (int)(a->len - l3) &&
	       is_sum_right(sum16(ip, 20, 0));
}

static bool is_ip6_right(const struct answer *a, size_t l3, unsigned protocol)
{
	const uint8_t *ip = a->out + l3;

	return ip[0] == 0x60 && ip[6] == protocol &&
	       (ip[4] << 8 | ip[5]) == (int)(a->len - l3 - 40);
}

static void is_reset(const char *frame, size_t l3, unsigned flags, uint32_t seq, uint32_t ack)
{
	struct answer a = ask(frame);
	bool is_v4 = (a.in[l3] >> 4) == 4;
	size_t l4 = l3 + (is_v4 ? 20 : 40);
	const uint8_t *tcp = a.out + l4;

	ok(a.action == XDP_TX && a.len == l4 + 20, "%s: an answer of one header", frame);
	ok(is_swapped(&a, l3), "%s: to where it came from", frame);
	ok(is_v4 ? is_ip4_right(&a, l3, 6) : is_ip6_right(&a, l3, 6), "%s: its IP header", frame);
	ok(tcp[0] == 0 && tcp[1] == 80 && (tcp[2] << 8 | tcp[3]) == 40000, "%s: ports", frame);
	is_int(tcp[13], flags, "%s: flags", frame);
	is_int(get32(tcp + 4), seq, "%s: sequence", frame);
	is_int(get32(tcp + 8), ack, "%s: acknowledged", frame);
	ok(is_sum_right(sum16(tcp, 20, pseudo_sum(a.out + l3, 6, 20))), "%s: checksum", frame);
}

static void is_prohibited(const char *frame, size_t l3)
{
	struct answer a = ask(frame);
	bool is_v4 = (a.in[l3] >> 4) == 4;
	size_t header = is_v4 ? 20 : 40, l4 = l3 + header;
	const uint8_t *icmp = a.out + l4;
	size_t n = a.len - l4;

	ok(a.action == XDP_TX && n == 8 + header + 8, "%s: an error with a quote", frame);
	ok(is_swapped(&a, l3), "%s: to where it came from", frame);
	if (is_v4)
		ok(is_ip4_right(&a, l3, 1) && icmp[0] == 3 && icmp[1] == 13 &&
			   is_sum_right(sum16(icmp, n, 0)),
		   "%s: ICMP 3/13, checksums", frame);
	else
		ok(is_ip6_right(&a, l3, 58) && icmp[0] == 1 && icmp[1] == 1 &&
			   is_sum_right(sum16(icmp, n, pseudo_sum(a.out + l3, 58, n))),
		   "%s: ICMPv6 1/1, checksum", frame);
	ok(memcmp(icmp + 8, a.in + l3, header + 8) == 0, "%s: the quote", frame);
}

static void is_silent(const char *frame)
{
	is_int(ask(frame).action, XDP_DROP, "%s: no answer", frame);
}

int main(void)
{
	if (!gate_start())
		return 0;
	gate_publish(lists, 3);
	is_reset("ip4=10.0.0.1 tcp=80,S", 14, 0x14, 0, 1);
	is_reset("ip4=10.0.0.1 tcp=80,A data=33", 14, 0x04, 0, 0);
	is_reset("ip4=10.0.0.1 tcp=80 data=33", 14, 0x14, 0, 33);
	is_reset("vlan ip4=10.0.0.1 tcp=80,S,F", 18, 0x14, 0, 2);
	is_reset("qinq vlan ip4=10.0.0.1,options=8 tcp=80,S", 22, 0x14, 0, 1);
	is_reset("ip6=2001:db8::1 tcp=80,S", 14, 0x14, 0, 1);
	is_reset("ip6=2001:db8::1 hop dst tcp=80,S", 14, 0x14, 0, 1);
	is_prohibited("ip4=10.0.0.1 udp=53", 14);
	is_prohibited("vlan ip4=10.0.0.1 udp=53 data=100", 18);
	is_prohibited("qinq vlan ip4=10.0.0.1 udp=53 data=1", 22);
	is_prohibited("ip6=2001:db8::1 udp=53", 14);
	is_prohibited("vlan ip6=2001:db8::1 udp=53 data=900", 18);
	is_silent("ip4=10.0.0.1 tcp=80,R");
	is_silent("ip4=10.0.0.1 icmp");
	is_silent("ip6=2001:db8::1 icmp6");
	is_silent("ip4=10.0.0.1,at=8 data=40");
	is_silent("ip6=2001:db8::1 frag=8 data=40");
	is_silent("ip4=10.0.0.1 tcp=80,S cut=50");
	is_silent("ip4=10.0.0.1");
	is_silent("ip4=11.0.0.1 tcp=80,S");
	is_int(ask_at("ip4=10.0.0.1 tcp=80,S", 0xff).action, XDP_DROP,
	       "what came to a group of stations is answered by none");
	return gate_done();
}

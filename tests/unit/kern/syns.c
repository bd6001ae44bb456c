// SPDX-License-Identifier: Apache-2.0
// A flood of SYNs: what all clients together may send, and the cookies that answer the rest.  Each
// answer is taken apart.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "gaterun.h"
#include "kern/cookies.h"
#include "tap.h"

#define SECOND (1000000000ull >> SL_GCRA_UNIT_SHIFT)

static int verdict_of(const char *frame)
{
	uint32_t action;
	int shadow, verdict = gate_run(frame, &action, &shadow);

	return shadow >= 0 ? shadow : verdict;
}

static void set_syns(uint64_t per_s, uint64_t burst, uint32_t flags)
{
	struct sl_control *c = gate.switches;

	memset(&c->syns_taken, 0, sizeof(c->syns_taken));
	c->syns.period = (SECOND << SL_GCRA_PERIOD_SHIFT) / per_s;
	c->syns.burst = burst * SECOND / per_s;
	c->flags = SL_FLAG_ENFORCE | SL_FLAG_MALFORMED | flags;
}

/* One a second, and three at once. */
static void is_limited(uint32_t flags, int beyond)
{
	set_syns(1, 3, flags);
	for (unsigned i = 0; i < 3; i++)
		is_int(verdict_of("ip4=10.0.0.1 tcp=80,S"), SL_PASS, "SYN %u passes", i);
	is_int(verdict_of("ip4=10.0.0.1 tcp=80,S"), beyond, "the fourth does not");
	is_int(verdict_of("ip4=10.9.9.9 tcp=80,S"), beyond, "nor does another client's");
	is_int(verdict_of("ip6=2001:db8::1 tcp=80,S"), beyond, "nor one of IPv6");
	is_int(verdict_of("ip4=10.0.0.1 tcp=80,A"), SL_PASS, "an ACK does");
	is_int(verdict_of("ip4=10.0.0.1 tcp=80,S,A"), SL_PASS, "so does a SYN that answers one");
	is_int(verdict_of("ip4=10.0.0.1 udp=80"), SL_PASS, "and UDP");
}

/* Whoever floods alone is stopped by his own limit, and takes nothing of the others'. */
static void own_limit_first(void)
{
	struct sl_control *c = gate.switches;

	set_syns(1, 3, 0);
	c->connections = (struct sl_gcra_rate){ SECOND << SL_GCRA_PERIOD_SHIFT, SECOND };
	is_int(verdict_of("ip4=10.0.0.1 tcp=80,S"), SL_PASS, "a client's first SYN");
	for (unsigned i = 0; i < 5; i++)
		is_int(verdict_of("ip4=10.0.0.1 tcp=80,S"), SL_DROP_CONNECTIONS,
		       "its own limit stops the next ones");
	is_int(verdict_of("ip4=10.0.0.2 tcp=80,S"), SL_PASS, "others still have theirs");
	c->connections.burst = 0;
}

static void lists_first(void)
{
	static const char *const lists[] = { "10.0.0.0/8 allow" };

	gate_publish(lists, 1);
	set_syns(1, 1, 0);
	for (unsigned i = 0; i < 3; i++)
		is_int(verdict_of("ip4=10.0.0.1 tcp=80,S"), SL_PASS_ALLOW,
		       "no flood locks out who is allowed");
	gate_publish(lists, 0);
}

static int listen_at(int family, uint16_t port)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, family == AF_INET ? (void *)&a4 : (void *)&a6,
		 family == AF_INET ? sizeof(a4) : sizeof(a6)) < 0 ||
	    listen(fd, 8) < 0)
		perror("# listen");
	return fd;
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
	return sum;
}

static bool is_sum_right(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void check_syn_ack(const char *frame, const uint8_t *in, const uint8_t *out, size_t l3)
{
	bool is_v4 = in[l3] >> 4 == 4;
	size_t l4 = l3 + (is_v4 ? 20 : 40), at = l3 + (is_v4 ? 12 : 8), n = is_v4 ? 4 : 16;
	const uint8_t *tcp = out + l4;
	static const uint8_t mss4[] = { 2, 4, 1460 >> 8, 1460 & 255 };
	static const uint8_t mss6[] = { 2, 4, 1440 >> 8, 1440 & 255 };

	ok(memcmp(in, out + 6, 6) == 0 && memcmp(in + 6, out, 6) == 0 &&
		   memcmp(in + at, out + at + n, n) == 0 && memcmp(in + at + n, out + at, n) == 0,
	   "%s: to where it came from", frame);
	ok(is_v4 ? out[l3] == 0x45 && out[l3 + 3] == 44 && is_sum_right(sum16(out + l3, 20, 0))
		 : out[l3] == 0x60 && out[l3 + 5] == 24 && out[l3 + 6] == 6,
	   "%s: its IP header", frame);
	is_int(tcp[13], 0x12, "%s: SYN and ACK", frame);
	is_int(get32(tcp + 8), 1, "%s: the SYN is acknowledged", frame);
	is_int(tcp[12] >> 4, 6, "%s: one option", frame);
	ok(memcmp(tcp + 20, is_v4 ? mss4 : mss6, 4) == 0, "%s: the MSS", frame);
	ok(is_sum_right(sum16(tcp, 24, sum16(out + at, 2 * n, 6 + 24))), "%s: checksum", frame);
}

static uint32_t ask(const char *frame, size_t l3)
{
	uint8_t in[FRAME_MAX], out[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in, .data_out = out,
		    .data_size_out = sizeof(out));
	size_t l4;

	options.data_size_in = (uint32_t)frame_make(frame, in);
	l4 = l3 + (in[l3] >> 4 == 4 ? 20 : 40);
	if (!ok(bpf_prog_test_run_opts(sl_gate_program_fd(gate_program), &options) == 0 &&
			options.retval == XDP_TX && options.data_size_out == l4 + 24,
		"%s: answered by as much as a SYN-ACK needs", frame))
		return 0;
	check_syn_ack(frame, in, out, l3);
	return get32(out + l4 + 4);
}

static void cookies(void)
{
	int v4 = listen_at(AF_INET, 80), v6 = listen_at(AF_INET6, 80);
	uint32_t one;

	if (!sl_cookies_are_made()) {
		printf("# no cookies: this kernel has no CONFIG_SYN_COOKIES\n");
		return;
	}
	is_limited(SL_FLAG_COOKIES, SL_REPLY_SYN_FLOOD);
	one = ask("ip4=10.0.0.1 tcp=80,S", 14);
	ok(one != ask("ip4=10.0.0.2 tcp=80,S", 14), "another client, another cookie");
	ask("vlan ip4=10.0.0.1 tcp=80,S data=100", 18);
	ask("qinq vlan ip4=10.0.0.1,options=8 tcp=80,S", 22);
	ask("ip4=10.0.0.1 tcp=80,S,doff=15 data=40", 14);
	ask("ip6=2001:db8::1 tcp=80,S", 14);
	ask("ip6=2001:db8::1 hop dst tcp=80,S data=9", 14);
	is_int(verdict_of("ip4=10.0.0.1 tcp=81,S"), SL_DROP_SYN_FLOOD, "nobody listens: no answer");
	is_int(verdict_of("ip6=2001:db8::1 tcp=81,S"), SL_DROP_SYN_FLOOD, "nor by IPv6");
	is_int(verdict_of("ip4=10.0.0.1 tcp=80,S,doff=15"), SL_DROP_SYN_FLOOD,
	       "options that the frame has not: no answer");
	is_limited(SL_FLAG_COOKIES | SL_FLAG_SHADOW, SL_SHADOW_SYN_FLOOD);
	close(v4);
	close(v6);
}

int main(void)
{
	/* The listeners are asked for by the network namespace that the program runs in. */
	bool is_alone = unshare(CLONE_NEWNET) == 0;

	if (!gate_start())
		return 0;
	is_limited(0, SL_DROP_SYN_FLOOD);
	is_limited(SL_FLAG_SHADOW, SL_SHADOW_SYN_FLOOD);
	own_limit_first();
	lists_first();
	if (is_alone)
		cookies();
	else
		printf("# no cookies: no network namespace can be made\n");
	return gate_done();
}

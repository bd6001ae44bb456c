// SPDX-License-Identifier: Apache-2.0
// Socket addresses and prefixes: what is read, what is refused, and how it is written again.
#include "net/addr.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>

#include "tap.h"

/* Stands in front of the C library's: no test asks a name server.  One name exists. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	struct sockaddr_in *in;

	if (strcmp(node, "origin.test"))
		return EAI_NONAME;
	*ret = calloc(1, sizeof(**ret));
	in = calloc(1, sizeof(*in));
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(service));
	in->sin_addr.s_addr = htonl(0xc0000207);
	(*ret)->ai_family = AF_INET;
	(*ret)->ai_addrlen = sizeof(*in);
	(*ret)->ai_addr = (struct sockaddr *)in;
	return 0;
}

void freeaddrinfo(struct addrinfo *ai)
{
	free(ai->ai_addr);
	free(ai);
}

static struct sl_str printed(const struct sl_addr *a)
{
	static char buf[256];
	struct sl_out o;

	sl_out_init(&o, buf, sizeof(buf));
	sl_addr_print(&o, a);
	return sl_out_done(&o);
}

static struct sl_str printed_ip(const struct sl_ip *ip)
{
	static char buf[64];
	struct sl_out o;

	sl_out_init(&o, buf, sizeof(buf));
	sl_ip_print(&o, ip);
	return sl_out_done(&o);
}

static struct sl_str at_guard(const char *text)
{
	return (struct sl_str){ guarded(text, strlen(text)), strlen(text) };
}

static void test_good_addresses(void)
{
	static const struct {
		const char *text, *print;
		unsigned port;
	} good[] = {
		{ "192.0.2.1:80", "192.0.2.1:80", 80 },
		{ "0.0.0.0:0", "0.0.0.0:0", 0 },
		{ "255.255.255.255:65535", "255.255.255.255:65535", 65535 },
		{ "192.0.2.1:00080", "192.0.2.1:80", 80 },
		{ "[::]:8080", "[::]:8080", 8080 },
		{ "[2001:DB8:0:0::1]:443", "[2001:db8::1]:443", 443 },
		{ "[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80", 80 },
		{ "unix:/run/x.sock", "unix:/run/x.sock", 0 },
		{ "unix:/run/a:80", "unix:/run/a:80", 0 },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct sl_addr a;

		is_int(sl_addr_parse(at_guard(good[i].text), &a), 0, "%s is an address",
		       good[i].text);
		is_str(printed(&a), good[i].print, "it is written as %s", good[i].print);
		is_int(sl_addr_port(&a), good[i].port, "its port is %u", good[i].port);
	}
}

static void test_bad_addresses(void)
{
	static const char *const bad[] = {
		"",
		":",
		":80",
		"80",
		"192.0.2.1",
		"192.0.2.1:",
		"192.0.2.1:65536",
		"192.0.2.1:999999",
		"192.0.2.1:+80",
		"192.0.2.1: 80",
		"192.0.2.1:80 ",
		" 192.0.2.1:80",
		"192.0.2:80",
		"192.0.2.256:80",
		"192.0.2.01:80",
		"192.0.2.1.1:80",
		"2001:db8::1:80",
		"[2001:db8::1]",
		"[2001:db8::1]80",
		"[2001:db8::1:80",
		"[]:80",
		"[192.0.2.1]:80",
		"[fe80::1%lo]:80",
		"[::1::2]:80",
		"unix:",
		"unix:run/x",

	};
	struct sl_addr a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(sl_addr_parse(at_guard(bad[i]), &a), -EINVAL, "'%s' is no address", bad[i]);
	is_int(sl_addr_parse(SL_S("192.0.2.1\0:80"), &a), -EINVAL, "nor with a NUL inside");
	is_int(sl_addr_parse(SL_S("unix:/run\0x"), &a), -EINVAL, "nor a path with a NUL");
}

static void test_unix_length(void)
{
	char text[5 + 108 + 1] = "unix:/";
	struct sl_addr a;

	memset(text + 6, 'x', sizeof(text) - 7);
	is_int(sl_addr_parse((struct sl_str){ text, 5 + 107 }, &a), 0,
	       "a socket path of 107 bytes fits");
	is_int(a.len, offsetof(struct sockaddr_un, sun_path) + 108, "with its NUL");
	is_int(sl_addr_parse((struct sl_str){ text, 5 + 108 }, &a), -EINVAL,
	       "one of 108 bytes does not");
}

static void test_names(void)
{
	static const char *const bad[] = {
		"ori gin.test:80", "origin.test:x", ".:80",	     "origin.test.:80",
		"127.1:80",	   "0x7f000001:80", "2130706433:80", "-:99999",
	};
	struct sl_addr a;

	struct sl_str host;
	uint16_t port;

	is_int(sl_addr_parse(SL_S("origin.test:9000"), &a), -ENOENT, "a name is not an address");
	ok(sl_addr_split_name(SL_S("origin.test:9000"), &host, &port) && port == 9000,
	   "but it has a port");
	is_str(host, "origin.test", "and a host");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(sl_addr_parse(at_guard(bad[i]), &a) == -EINVAL &&
			   !sl_addr_split_name(at_guard(bad[i]), &host, &port),
		   "'%s' is not asked for", bad[i]);
}

static void test_nets(void)
{
	static const struct {
		const char *net, *ip;
		bool has;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "192.0.1.255", false },
		{ "192.0.2.0/24", "::ffff:192.0.2.9", true },
		{ "::ffff:192.0.2.0/120", "192.0.2.9", true },
		{ "192.0.2.4/30", "192.0.2.7", true },
		{ "192.0.2.4/30", "192.0.2.8", false },
		{ "192.0.2.4/30", "192.0.2.3", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.0", false },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::1", false },
		{ "0.0.0.0/0", "::fffe:255.255.255.255", false },
		{ "::/0", "192.0.2.1", true },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "::1/128", "::1", true },
		{ "::1/128", "::", false },
	};
	struct sl_net net;
	struct sl_ip ip;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		is_int(sl_net_parse(at_guard(cases[i].net), &net), 0, "%s is a net", cases[i].net);
		is_int(sl_ip_parse(at_guard(cases[i].ip), &ip), 0, "%s is an address", cases[i].ip);
		ok(sl_net_has(&net, &ip) == cases[i].has, "%s %s %s", cases[i].net,
		   cases[i].has ? "has" : "has not", cases[i].ip);
	}
	ok(!sl_nets_have(&net, 0, &ip), "no nets have nobody");
}

static void test_bad_nets(void)
{
	static const char *const bad[] = {
		"",
		"/",
		"/8",
		"192.0.2.0/",
		"192.0.2.0/33",
		"192.0.2.1/24",
		"192.0.2.0/24/8",
		"192.0.2.0/-1",
		"192.0.2.0/0024",
		"192.0.2/24",
		"128.0.0.0/0",
		"2001:db8::/129",
		"2001:db8::1/64",
		"[::1]",
		"::1 ",
		"origin.test",
	};
	struct sl_net net;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(sl_net_parse(at_guard(bad[i]), &net), -EINVAL, "'%s' is no net", bad[i]);
}

static void test_ips(void)
{
	static const struct sl_str zero = SL_STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	struct sl_addr a;
	struct sl_ip ip, other;

	is_int(sl_addr_parse(SL_S("192.0.2.1:1"), &a), 0, "an IPv4 peer");
	ip = sl_addr_ip(&a);
	is_str(printed_ip(&ip), "192.0.2.1", "is printed as IPv4");
	is_int(sl_addr_parse(SL_S("[::ffff:192.0.2.1]:1"), &a), 0, "the same one, mapped");
	other = sl_addr_ip(&a);
	ok(memcmp(&ip, &other, sizeof(ip)) == 0, "is the same address");
	is_int(sl_ip_parse(SL_S("2001:db8::1"), &ip), 0, "an IPv6 address");
	is_str(printed_ip(&ip), "2001:db8::1", "is printed without brackets");
	is_int(sl_addr_parse(SL_S("unix:/x"), &a), 0, "a unix socket");
	ip = sl_addr_ip(&a);
	ok(memcmp(&ip, zero.ptr, sizeof(ip)) == 0, "has the address zero");
	a.len = sizeof(sa_family_t);
	is_str(printed(&a), "unix:", "a unix peer without a name is printed without one");
}

int main(void)
{
	test_good_addresses();
	test_bad_addresses();
	test_unix_length();
	test_names();
	test_nets();
	test_bad_nets();
	test_ips();
	return done_testing();
}

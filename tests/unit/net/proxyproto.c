// SPDX-License-Identifier: Apache-2.0
// PROXY protocol: what is taken, what is refused, and that what we write we read.
#include "net/proxyproto.h"

#include <errno.h>
#include <stddef.h>

#include "tap.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define IN4 "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdb\x04\x01\xbb"
#define IN4_SAYS "192.0.2.1:56068 198.51.100.2:443"
#define IP6(last) "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" last
#define LINE65 "1234567890123456789012345678901234567890123456789012345678901234 "

enum { LINE_REST = SL_PROXY_V1_MAX - 16 }; /* after "PROXY UNKNOWN " and before CRLF */

struct fact {
	const char *says;
	struct sl_str in;
	ssize_t ret;	   /* 0: all of in */
	const char *addrs; /* "source destination"; NULL: the socket's own */
};

/* clang-format off */
static const struct fact facts[] = {
	/* version 1 */
	{ "TCP4", SL_STR("PROXY TCP4 192.0.2.1 198.51.100.2 56068 443\r\n"), 0, IN4_SAYS },
	{ "TCP6",
	  SL_STR("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"),
	  0, "[2001:db8::1]:1 [2001:db8::2]:65535" },
	{ "the longest TCP4",
	  SL_STR("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
	  0, "255.255.255.255:65535 255.255.255.255:65535" },
	{ "port 0", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n"), 0, "1.2.3.4:0 5.6.7.8:0" },
	{ "UNKNOWN", SL_STR("PROXY UNKNOWN\r\n"), 0, NULL },
	{ "UNKNOWN with addresses, ignored", SL_STR("PROXY UNKNOWN a b c d e\r\n"), 0, NULL },
	{ "a request behind the line is left",
	  SL_STR("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n"), 15, NULL },
	{ "UNKNOWN is a word", SL_STR("PROXY UNKNOWNS\r\n"), -EBADMSG, NULL },
	{ "lower case", SL_STR("proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "UDP4 is not in version 1",
	  SL_STR("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "no word", SL_STR("PROXY \r\n"), -EBADMSG, NULL },
	{ "two spaces", SL_STR("PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "two spaces between addresses",
	  SL_STR("PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "a space at the end", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n"), -EBADMSG, NULL },
	{ "a field too many", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n"), -EBADMSG, NULL },
	{ "a port too few", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"), -EBADMSG, NULL },
	{ "a tab for a space", SL_STR("PROXY TCP4 1.2.3.4\t5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "a bare LF", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"), -EBADMSG, NULL },
	{ "a bare CR", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX"), -EBADMSG, NULL },
	{ "a NUL", SL_STR("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "an address of the other family",
	  SL_STR("PROXY TCP4 2001:db8::1 5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "an IPv4 address in TCP6", SL_STR("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "an address with leading zeros",
	  SL_STR("PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "an octet of 256", SL_STR("PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n"), -EBADMSG, NULL },
	{ "an address of 65 bytes", SL_STR("PROXY TCP6 " LINE65 "::1 1 2\r\n"), -EBADMSG, NULL },
	{ "port 65536", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n"), -EBADMSG, NULL },
	{ "port 00", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 00 2\r\n"), -EBADMSG, NULL },
	{ "port +1", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n"), -EBADMSG, NULL },
	{ "port 099999", SL_STR("PROXY TCP4 1.2.3.4 5.6.7.8 099999 2\r\n"), -EBADMSG, NULL },
	/* version 2 */
	{ "v2 TCP over IPv4", SL_STR(SIG "\x21\x11\0\x0c" IN4), 0, IN4_SAYS },
	{ "v2 UDP over IPv4", SL_STR(SIG "\x21\x12\0\x0c" IN4), 0, IN4_SAYS },
	{ "v2 TCP over IPv6",
	  SL_STR(SIG "\x21\x21\0\x24" IP6("\1") IP6("\2") "\0\1\xff\xff"),
	  0, "[2001:db8::1]:1 [2001:db8::2]:65535" },
	{ "a request behind it is left", SL_STR(SIG "\x21\x11\0\x0c" IN4 "GET /"), 28, IN4_SAYS },
	{ "LOCAL", SL_STR(SIG "\x20\0\0\0"), 0, NULL },
	{ "LOCAL with addresses, skipped", SL_STR(SIG "\x20\x11\0\x0c" IN4), 0, NULL },
	{ "LOCAL with any family and rubbish", SL_STR(SIG "\x20\xff\0\3abc"), 0, NULL },
	{ "UNSPEC", SL_STR(SIG "\x21\0\0\0"), 0, NULL },
	{ "UNSPEC with something, skipped", SL_STR(SIG "\x21\0\0\3abc"), 0, NULL },
	{ "additions are skipped",
	  SL_STR(SIG "\x21\x11\0\x16" IN4 "\x04\0\0\xea\0\4\1\2\3\4"), 0, IN4_SAYS },
	{ "a good checksum",
	  SL_STR(SIG "\x21\x11\0\x13" IN4 "\x03\0\4\xca\x8d\xc9\x1d"), 0, IN4_SAYS },
	{ "a bad checksum", SL_STR(SIG "\x21\x11\0\x13" IN4 "\x03\0\4\1\2\3\4"), -EBADMSG, NULL },
	{ "a checksum of 3 bytes",
	  SL_STR(SIG "\x21\x11\0\x12" IN4 "\x03\0\3\1\2\3"), -EBADMSG, NULL },
	{ "an addition beyond the header",
	  SL_STR(SIG "\x21\x11\0\x10" IN4 "\x04\0\2\1"), -EBADMSG, NULL },
	{ "an addition cut in its length",
	  SL_STR(SIG "\x21\x11\0\x0e" IN4 "\x04\0"), -EBADMSG, NULL },
	{ "an addition of one byte", SL_STR(SIG "\x21\x11\0\x0d" IN4 "\x04"), -EBADMSG, NULL },
	{ "an addition of 65535 bytes",
	  SL_STR(SIG "\x21\x11\0\x0f" IN4 "\x04\xff\xff"), -EBADMSG, NULL },
	{ "one byte too few for IPv4", SL_STR(SIG "\x21\x11\0\x0b" IN4), -EBADMSG, NULL },
	{ "one byte too few for IPv6",
	  SL_STR(SIG "\x21\x21\0\x23" IP6("\1") IP6("\2") "\0\1\xff"), -EBADMSG, NULL },
	{ "one byte too few for a unix socket", SL_STR(SIG "\x21\x31\0\xd7"), -EBADMSG, NULL },
	{ "version 1 in a binary header", SL_STR(SIG "\x11"), -EBADMSG, NULL },
	{ "version 3", SL_STR(SIG "\x31"), -EBADMSG, NULL },
	{ "an unassigned command", SL_STR(SIG "\x22"), -EBADMSG, NULL },
	{ "an unassigned family", SL_STR(SIG "\x21\x41"), -EBADMSG, NULL },
	{ "an unassigned transport", SL_STR(SIG "\x21\x13"), -EBADMSG, NULL },
	{ "a family without transport", SL_STR(SIG "\x21\x10"), -EBADMSG, NULL },
	{ "a header of 4097 bytes", SL_STR(SIG "\x21\x11\x0f\xf1"), -EBADMSG, NULL },
	{ "a header of 4096 bytes", SL_STR(SIG "\x21\x11\x0f\xf0"), -EAGAIN, NULL },
	{ "a signature with one bit wrong", SL_STR("\r\n\r\n\1"), -EBADMSG, NULL },
	{ "a request without a header", SL_STR("GET / HTTP/1.1\r\n"), -EBADMSG, NULL },
	{ "PRI", SL_STR("PRI * HTTP/2.0\r\n"), -EBADMSG, NULL },
	{ "a TLS hello", SL_STR("\x16\x03\x01"), -EBADMSG, NULL },
	{ "PROX", SL_STR("PROX"), -EAGAIN, NULL },
	{ "nothing yet", SL_STR(""), -EAGAIN, NULL },
};
/* clang-format on */

static ssize_t read_guarded(struct sl_str in, struct sl_proxy *proxy)
{
	return sl_proxy_read((struct sl_str){ guarded(in.ptr, in.len), in.len }, proxy);
}

static void check_addrs(const struct fact *f, const struct sl_proxy *proxy)
{
	struct sl_out o;
	char mem[256];

	if (!f->addrs) {
		ok(!proxy->has_addrs, "... and the socket's own addresses stand");
		return;
	}
	sl_out_init(&o, mem, sizeof(mem));
	sl_addr_print(&o, &proxy->src);
	sl_out_char(&o, ' ');
	sl_addr_print(&o, &proxy->dst);
	ok(proxy->has_addrs, "... and brings addresses");
	is_str(sl_out_done(&o), f->addrs, "... those that were sent");
}

/* A good header asks for more until its last byte; a bad one never turns good. */
static void check_prefixes(const struct fact *f, ssize_t ret)
{
	size_t n, end = ret > 0 ? (size_t)ret : f->in.len;
	struct sl_proxy proxy;

	for (n = 0; n < end; n++)
		if (read_guarded((struct sl_str){ f->in.ptr, n }, &proxy) != -EAGAIN)
			break;
	if (ret > 0) {
		is_int((int64_t)n, (int64_t)end, "... every proper prefix asks for more");
		return;
	}
	for (; n < end; n++)
		if (read_guarded((struct sl_str){ f->in.ptr, n }, &proxy) != -EBADMSG)
			break;
	is_int((int64_t)n, (int64_t)end, "... and what is once refused stays refused");
}

static void check_read(void)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const struct fact *f = &facts[i];
		struct sl_proxy proxy = { .src.len = 77 };
		ssize_t ret = read_guarded(f->in, &proxy);

		is_int(ret, f->ret ? f->ret : (ssize_t)f->in.len * (f->in.len > 0), "%s", f->says);
		if (ret > 0)
			check_addrs(f, &proxy);
		else
			is_int(proxy.src.len, 77, "... and writes no output");
		check_prefixes(f, ret);
	}
}

static void check_line_limit(void)
{
	struct sl_proxy proxy;
	char line[128];

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + 14 + LINE_REST, "\r\n", 2);
	is_int(read_guarded((struct sl_str){ line, 107 }, &proxy), 107, "a line of 107 bytes");
	memcpy(line + 14 + LINE_REST, "x\r\n", 3);
	is_int(read_guarded((struct sl_str){ line, 108 }, &proxy), -EBADMSG,
	       "one of 108 is refused");
	is_int(read_guarded((struct sl_str){ line, 106 }, &proxy), -EBADMSG,
	       "as soon as no line end can come in time");
	is_int(read_guarded((struct sl_str){ line, 105 }, &proxy), -EAGAIN, "and not before");
}

/* "unix:" in front, since an address may be of any kind here. */
static struct sl_addr addr_of(const char *text)
{
	struct sl_addr a = { 0 };

	if (sl_addr_parse(sl_str_of(text), &a) < 0)
		ok(false, "\"%s\" is an address", text);
	return a;
}

static const struct {
	const char *src, *dst;
	const char *v1; /* without CRLF */
	int v2_len;
	const char *says;
} pairs[] = {
	{ "192.0.2.1:56068", "198.51.100.2:443", "PROXY TCP4 192.0.2.1 198.51.100.2 56068 443", 28,
	  "IPv4" },
	{ "[2001:db8::1]:1", "[2001:db8::2]:65535", "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535",
	  52, "IPv6" },
	{ "[::ffff:192.0.2.1]:7", "[::ffff:198.51.100.2]:8",
	  "PROXY TCP4 192.0.2.1 198.51.100.2 7 8", 28, "IPv4-mapped addresses" },
	{ "192.0.2.1:7", "[2001:db8::2]:8", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 7 8", 52,
	  "two IP families" },
	{ "unix:/run/a", "unix:/run/b", "PROXY UNKNOWN", 232, "unix sockets" },
	{ "192.0.2.1:7", "unix:/run/b", "PROXY UNKNOWN", 16, "an IP and a unix socket" },
};

static void check_round(int version, struct sl_str head, const struct sl_addr *src,
			const struct sl_addr *dst)
{
	struct sl_proxy proxy = { 0 };
	struct sl_ip want = sl_addr_ip(src), got;

	is_int(read_guarded(head, &proxy), (int64_t)head.len, "... version %d is read", version);
	if (!proxy.has_addrs)
		return;
	got = sl_addr_ip(&proxy.src);
	ok(memcmp(&got, &want, sizeof(got)) == 0, "... with the source's address");
	is_int(sl_addr_port(&proxy.src), sl_addr_port(src), "... and port");
	is_int(sl_addr_port(&proxy.dst), sl_addr_port(dst), "... and the destination's");
	if (proxy.src.sa.sa_family == AF_UNIX)
		is_str(sl_str_of(proxy.src.un.sun_path), src->un.sun_path, "... and its path");
}

static void check_write(void)
{
	char mem[SL_PROXY_WRITE_MAX];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct sl_addr src = addr_of(pairs[i].src), dst = addr_of(pairs[i].dst);
		ssize_t n = sl_proxy_write(1, &src, &dst, mem, sizeof(mem));

		is_str((struct sl_str){ mem, (size_t)n - 2 }, pairs[i].v1, "%s in version 1",
		       pairs[i].says);
		check_round(1, (struct sl_str){ mem, (size_t)n }, &src, &dst);
		is_int(sl_proxy_write(1, &src, &dst, mem, (size_t)n - 1), -ENOSPC,
		       "... and wants its room");
		n = sl_proxy_write(2, &src, &dst, mem, sizeof(mem));
		is_int(n, pairs[i].v2_len, "%s in version 2", pairs[i].says);
		check_round(2, (struct sl_str){ mem, (size_t)n }, &src, &dst);
		is_int(sl_proxy_write(2, &src, &dst, mem, (size_t)n - 1), -ENOSPC,
		       "... and wants its room");
	}
}

static void check_unix(void)
{
	char mem[SL_PROXY_WRITE_MAX] = SIG "\x21\x31\0\xd8";
	struct sl_str in = { mem, sizeof(mem) };
	struct sl_proxy proxy = { 0 };

	is_int(read_guarded(in, &proxy), 232, "unnamed unix sockets");
	is_int(proxy.src.len, offsetof(struct sockaddr_un, sun_path), "... stay unnamed");
	memset(mem + 16, 'a', 107);
	is_int(read_guarded(in, &proxy), 232, "a path of 107 bytes");
	is_int((int64_t)strlen(proxy.src.un.sun_path), 107, "... ends in NUL");
	mem[16 + 107] = 'a';
	is_int(read_guarded(in, &proxy), -EBADMSG, "one of 108 leaves no room for it");
}

int main(void)
{
	check_read();
	check_line_limit();
	check_write();
	check_unix();
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// Socket addresses and address prefixes: strict reading, one way of writing.
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { HOST_MAX = 253, MAPPED_BITS = 96, PORT_DIGITS = 5 };

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* inet_pton wants a NUL, and a NUL inside would cut the text short. */
static bool copy_z(struct sl_str text, char *buf, size_t size)
{
	if (text.len == 0 || text.len >= size || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(buf, text.ptr, text.len);
	buf[text.len] = '\0';
	return true;
}

bool sl_ip_is_v4(const struct sl_ip *ip)
{
	return memcmp(ip->b, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static struct sl_ip map_ipv4(const struct in_addr *in)
{
	struct sl_ip ip;

	memcpy(ip.b, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ip.b + sizeof(mapped_prefix), in, sizeof(*in));
	return ip;
}

static bool parse_ipv4(struct sl_str text, struct in_addr *ret_in)
{
	char buf[INET_ADDRSTRLEN];

	return copy_z(text, buf, sizeof(buf)) && inet_pton(AF_INET, buf, ret_in) == 1;
}

static bool parse_ipv6(struct sl_str text, struct in6_addr *ret_in6)
{
	char buf[INET6_ADDRSTRLEN];

	return copy_z(text, buf, sizeof(buf)) && inet_pton(AF_INET6, buf, ret_in6) == 1;
}

/* 1 to max_digits decimal digits and nothing else: no sign, no white space. */
static int parse_number(struct sl_str text, unsigned max_digits, unsigned max, unsigned *ret_n)
{
	unsigned n = 0;

	if (text.len == 0 || text.len > max_digits)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return -EINVAL;
		n = n * 10 + (unsigned)(text.ptr[i] - '0');
	}
	if (n > max)
		return -EINVAL;
	*ret_n = n;
	return 0;
}

int sl_ip_parse(struct sl_str text, struct sl_ip *ret_ip)
{
	struct in6_addr in6;
	struct in_addr in;

	if (parse_ipv4(text, &in)) {
		*ret_ip = map_ipv4(&in);
		return 0;
	}
	if (!parse_ipv6(text, &in6))
		return -EINVAL;
	memcpy(ret_ip->b, &in6, sizeof(ret_ip->b));
	return 0;
}

static bool has_bits_beyond(const struct sl_ip *ip, unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		if (ip->b[i / 8] & (0x80 >> i % 8))
			return true;
	return false;
}

int sl_net_parse(struct sl_str text, struct sl_net *ret_net)
{
	const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
	struct sl_str host = text, len;
	unsigned bits, base;
	struct sl_ip ip;

	if (slash)
		host.len = (size_t)(slash - text.ptr);
	if (sl_ip_parse(host, &ip) < 0)
		return -EINVAL;
	/* Counted as it was written: "::ffff:192.0.2.0/120" is the same net as "192.0.2.0/24". */
	base = host.len && memchr(host.ptr, ':', host.len) ? 0 : MAPPED_BITS;
	bits = 128 - base;
	if (slash) {
		len = (struct sl_str){ slash + 1, text.len - host.len - 1 };
		if (parse_number(len, 3, 128 - base, &bits) < 0)
			return -EINVAL;
	}
	if (has_bits_beyond(&ip, base + bits))
		return -EINVAL;
	*ret_net = (struct sl_net){ .ip = ip, .bits = (uint8_t)(base + bits) };
	return 0;
}

bool sl_net_has(const struct sl_net *net, const struct sl_ip *ip)
{
	unsigned bytes = net->bits / 8, rest = net->bits % 8;

	if (memcmp(net->ip.b, ip->b, bytes))
		return false;
	return rest == 0 || ((net->ip.b[bytes] ^ ip->b[bytes]) & (0xff00 >> rest) & 0xff) == 0;
}

bool sl_nets_have(const struct sl_net *nets, unsigned nr, const struct sl_ip *ip)
{
	for (unsigned i = 0; i < nr; i++)
		if (sl_net_has(&nets[i], ip))
			return true;
	return false;
}

static int parse_unix(struct sl_str path, struct sl_addr *ret_addr)
{
	struct sl_addr a = { .un.sun_family = AF_UNIX };

	if (path.len == 0 || path.ptr[0] != '/' ||
	    !copy_z(path, a.un.sun_path, sizeof(a.un.sun_path)))
		return -EINVAL;
	a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	*ret_addr = a;
	return 0;
}

/* A label of a host name has no other characters; getaddrinfo would take far more. */
static bool is_host_name(struct sl_str host)
{
	const char *last = host.ptr;

	if (host.len == 0 || host.len > HOST_MAX)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = sl_lower(host.ptr[i]);

		if (c == '.')
			last = host.ptr + i + 1;
		else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
			   c == '_'))
			return false;
	}
	/* "127.1" and "0x7f000001" are addresses to getaddrinfo and names to nobody. */
	return last < host.ptr + host.len && !(*last >= '0' && *last <= '9');
}

static int parse_host(struct sl_str host, unsigned port, struct sl_addr *ret_addr)
{
	struct sl_addr a = { 0 };

	if (parse_ipv4(host, &a.in.sin_addr)) {
		a.len = sizeof(a.in);
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons((uint16_t)port);
	} else if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']' &&
		   parse_ipv6((struct sl_str){ host.ptr + 1, host.len - 2 }, &a.in6.sin6_addr)) {
		a.len = sizeof(a.in6);
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons((uint16_t)port);
	} else {
		return is_host_name(host) ? -ENOENT : -EINVAL;
	}
	*ret_addr = a;
	return 0;
}

static int split(struct sl_str text, struct sl_str *ret_host, unsigned *ret_port)
{
	struct sl_str host = text, port;

	while (host.len && host.ptr[host.len - 1] != ':')
		host.len--;
	if (host.len == 0)
		return -EINVAL;
	port = (struct sl_str){ text.ptr + host.len, text.len - host.len };
	host.len--;
	*ret_host = host;
	return parse_number(port, PORT_DIGITS, 65535, ret_port);
}

int sl_addr_parse(struct sl_str text, struct sl_addr *ret_addr)
{
	static const struct sl_str unix_scheme = SL_STR("unix:");
	struct sl_str host;
	unsigned port;

	if (text.len == 0)
		return -EINVAL;
	if (sl_str_starts(text, unix_scheme))
		return parse_unix(
			(struct sl_str){ text.ptr + unix_scheme.len, text.len - unix_scheme.len },
			ret_addr);
	if (split(text, &host, &port) < 0)
		return -EINVAL;
	return parse_host(host, port, ret_addr);
}

bool sl_addr_split_name(struct sl_str text, struct sl_str *ret_host, uint16_t *ret_port)
{
	unsigned port;

	if (split(text, ret_host, &port) < 0 || !is_host_name(*ret_host))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

struct sl_ip sl_addr_ip(const struct sl_addr *addr)
{
	struct sl_ip ip = { { 0 } };

	if (addr->sa.sa_family == AF_INET)
		return map_ipv4(&addr->in.sin_addr);
	if (addr->sa.sa_family == AF_INET6)
		memcpy(ip.b, &addr->in6.sin6_addr, sizeof(ip.b));
	return ip;
}

void sl_addr_of_ip(const struct sl_ip *ip, uint16_t port, struct sl_addr *ret_addr)
{
	*ret_addr = (struct sl_addr){ .len = 0 };
	if (sl_ip_is_v4(ip)) {
		ret_addr->len = sizeof(ret_addr->in);
		ret_addr->in.sin_family = AF_INET;
		ret_addr->in.sin_port = htons(port);
		memcpy(&ret_addr->in.sin_addr, ip->b + sizeof(mapped_prefix),
		       sizeof(ret_addr->in.sin_addr));
		return;
	}
	ret_addr->len = sizeof(ret_addr->in6);
	ret_addr->in6.sin6_family = AF_INET6;
	ret_addr->in6.sin6_port = htons(port);
	memcpy(&ret_addr->in6.sin6_addr, ip->b, sizeof(ret_addr->in6.sin6_addr));
}

void sl_addr_set_port(struct sl_addr *addr, uint16_t port)
{
	if (addr->sa.sa_family == AF_INET)
		addr->in.sin_port = htons(port);
	else if (addr->sa.sa_family == AF_INET6)
		addr->in6.sin6_port = htons(port);
}

uint16_t sl_addr_port(const struct sl_addr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return ntohs(addr->in.sin_port);
	if (addr->sa.sa_family == AF_INET6)
		return ntohs(addr->in6.sin6_port);
	return 0;
}

void sl_ip_print(struct sl_out *o, const struct sl_ip *ip)
{
	const uint8_t *v4 = ip->b + sizeof(mapped_prefix);
	char buf[INET6_ADDRSTRLEN];

	if (!sl_ip_is_v4(ip)) {
		inet_ntop(AF_INET6, ip->b, buf, sizeof(buf));
		sl_out_str(o, sl_str_of(buf));
		return;
	}
	/* Three times a request: inet_ntop's printf was 2 % of one. */
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			sl_out_char(o, '.');
		sl_out_u64(o, v4[i]);
	}
}

/* The path of a socket that the kernel named may lack its NUL, or be empty. */
static void print_unix(struct sl_out *o, const struct sl_addr *addr)
{
	size_t len = addr->len > offsetof(struct sockaddr_un, sun_path)
			     ? addr->len - offsetof(struct sockaddr_un, sun_path)
			     : 0;

	if (len > sizeof(addr->un.sun_path))
		len = sizeof(addr->un.sun_path);
	sl_out_lit(o, "unix:");
	sl_out_mem(o, addr->un.sun_path, strnlen(addr->un.sun_path, len));
}

void sl_addr_print(struct sl_out *o, const struct sl_addr *addr)
{
	char buf[INET6_ADDRSTRLEN];

	switch (addr->sa.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &addr->in.sin_addr, buf, sizeof(buf));
		sl_out_fmt(o, "%s:%u", buf, sl_addr_port(addr));
		return;
	case AF_INET6:
		inet_ntop(AF_INET6, &addr->in6.sin6_addr, buf, sizeof(buf));
		sl_out_fmt(o, "[%s]:%u", buf, sl_addr_port(addr));
		return;
	case AF_UNIX:
		print_unix(o, addr);
		return;
	}
}

bool sl_addr_eq(const struct sl_addr *a, const struct sl_addr *b)
{
	return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

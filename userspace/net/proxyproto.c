// SPDX-License-Identifier: Apache-2.0
// PROXY protocol: the line of version 1 and the binary header of version 2.
#include "net/proxyproto.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "base/out.h"

/* Names are the specification's; each is a byte of the version 2 header. */
enum {
	V2_LOCAL = 0x20,
	V2_PROXY = 0x21,
	V2_UNSPEC = 0x00,
	V2_TCP4 = 0x11,
	V2_UDP4 = 0x12,
	V2_TCP6 = 0x21,
	V2_UDP6 = 0x22,
	V2_UNIX_STREAM = 0x31,
	V2_UNIX_DGRAM = 0x32,
	TLV_CRC32C = 0x03,
};

enum { V2_HEAD = 16, V2_IN = 12, V2_IN6 = 36, UNIX_PATH = 108, V2_UNIX = 2 * UNIX_PATH };

static const struct sl_str v1_start = SL_STR("PROXY ");
static const struct sl_str v2_start = SL_STR("\r\n\r\n\0\r\nQUIT\n");

/* Whether what is here of in is what a header with that start would have there. */
static bool is_start(struct sl_str in, struct sl_str start)
{
	return memcmp(in.ptr, start.ptr, in.len < start.len ? in.len : start.len) == 0;
}

static void set_in(struct sl_addr *a, const void *ip, uint16_t port_be)
{
	*a = (struct sl_addr){ .len = sizeof(a->in) };
	a->in.sin_family = AF_INET;
	a->in.sin_port = port_be;
	memcpy(&a->in.sin_addr, ip, 4);
}

static void set_in6(struct sl_addr *a, const void *ip, uint16_t port_be)
{
	*a = (struct sl_addr){ .len = sizeof(a->in6) };
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = port_be;
	memcpy(&a->in6.sin6_addr, ip, 16);
}

/*
 * Version 1
 */

/* Length of the line without its CRLF.  The specification has a receiver refuse a lone CR or LF,
 * and wait for no more than 107 bytes; other control bytes have no place in any of its fields. */
static ssize_t v1_line(struct sl_str in)
{
	for (size_t i = v1_start.len; i < in.len && i < SL_PROXY_V1_MAX - 1; i++) {
		if (in.ptr[i] >= ' ' && in.ptr[i] <= '~')
			continue;
		if (in.ptr[i] != '\r')
			return -EBADMSG;
		if (i + 1 == in.len)
			return -EAGAIN;
		return in.ptr[i + 1] == '\n' ? (ssize_t)i : -EBADMSG;
	}
	return in.len < SL_PROXY_V1_MAX - 1 ? -EAGAIN : -EBADMSG;
}

/* Fields are apart by one space each; an empty one comes out empty, and nothing takes that. */
static struct sl_str cut_field(struct sl_str *line)
{
	const char *space = memchr(line->ptr, ' ', line->len);
	struct sl_str field = { line->ptr, space ? (size_t)(space - line->ptr) : line->len };
	size_t n = field.len + (space != NULL);

	line->ptr += n;
	line->len -= n;
	return field;
}

static bool read_port(struct sl_str s, uint16_t *ret_port_be)
{
	unsigned port = 0;

	if (!s.len || s.len > 5 || (s.len > 1 && s.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		port = 10 * port + (unsigned)(s.ptr[i] - '0');
	}
	if (port > UINT16_MAX)
		return false;
	*ret_port_be = htons((uint16_t)port);
	return true;
}

static bool read_ip(int family, struct sl_str s, unsigned char ip[static 16])
{
	char z[INET6_ADDRSTRLEN];

	if (s.len >= sizeof(z))
		return false;
	memcpy(z, s.ptr, s.len);
	z[s.len] = '\0';
	return inet_pton(family, z, ip) == 1;
}

static bool v1_addrs(int family, struct sl_str line, struct sl_proxy *proxy)
{
	unsigned char src[16], dst[16];
	uint16_t sport, dport;

	if (line.len && line.ptr[line.len - 1] == ' ')
		return false;
	if (!read_ip(family, cut_field(&line), src) || !read_ip(family, cut_field(&line), dst) ||
	    !read_port(cut_field(&line), &sport) || !read_port(cut_field(&line), &dport) ||
	    line.len)
		return false;
	proxy->has_addrs = true;
	if (family == AF_INET) {
		set_in(&proxy->src, src, sport);
		set_in(&proxy->dst, dst, dport);
	} else {
		set_in6(&proxy->src, src, sport);
		set_in6(&proxy->dst, dst, dport);
	}
	return true;
}

static ssize_t v1_read(struct sl_str in, struct sl_proxy *proxy)
{
	ssize_t len = v1_line(in);
	struct sl_str line, word;
	bool is_good;

	if (len < 0)
		return len;
	line = (struct sl_str){ in.ptr + v1_start.len, (size_t)len - v1_start.len };
	word = cut_field(&line);
	if (sl_str_eq(word, SL_S("TCP4")))
		is_good = v1_addrs(AF_INET, line, proxy);
	else if (sl_str_eq(word, SL_S("TCP6")))
		is_good = v1_addrs(AF_INET6, line, proxy);
	else
		is_good = sl_str_eq(word, SL_S("UNKNOWN")); /* what follows it is to be ignored */
	return is_good ? len + 2 : -EBADMSG;
}

/*
 * Version 2
 */

static unsigned read_be16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t read_be32(const unsigned char *p)
{
	return (uint32_t)read_be16(p) << 16 | read_be16(p + 2);
}

/* CRC32c (RFC 4960 appendix B), bit by bit: a header is short and comes once a connection. */
static uint32_t crc32c(uint32_t crc, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

/* The checksum covers the whole header, with its own four bytes taken as zero. */
static bool has_crc(const unsigned char *head, size_t len, size_t at)
{
	static const unsigned char zero[4];
	uint32_t crc = crc32c(UINT32_MAX, head, at);

	crc = crc32c(crc, zero, sizeof(zero));
	crc = crc32c(crc, head + at + 4, len - at - 4);
	return read_be32(head + at) == ~crc;
}

/* The additions after the addresses: each must lie within the header, and they must fill it. */
static bool v2_tlvs(const unsigned char *head, size_t len, size_t at)
{
	size_t crc_at = 0;

	while (at < len) {
		size_t value_at = at + 3, value_len;

		if (len - at < 3)
			return false;
		value_len = read_be16(head + at + 1);
		if (value_len > len - value_at)
			return false;
		if (head[at] == TLV_CRC32C) {
			if (value_len != 4 || crc_at)
				return false;
			crc_at = value_at;
		}
		at = value_at + value_len;
	}
	return !crc_at || has_crc(head, len, crc_at);
}

/* A path that fills all 108 bytes would come without its NUL to those who print it; no path at all
 * is an unnamed socket.  Abstract names start with NUL and are not told from those. */
static bool set_unix(struct sl_addr *a, const unsigned char path[static UNIX_PATH])
{
	const unsigned char *end = memchr(path, '\0', UNIX_PATH);
	size_t n = end ? (size_t)(end - path) : 0;

	if (!end)
		return false;
	*a = (struct sl_addr){ .len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n) };
	a->un.sun_family = AF_UNIX;
	if (n)
		memcpy(a->un.sun_path, path, n);
	a->len += n > 0;
	return true;
}

static uint16_t port_at(const unsigned char *p)
{
	return htons((uint16_t)read_be16(p));
}

/* Bytes of addresses that a family byte stands for; -1 for one that the specification has not. */
static int v2_addrs_len(unsigned char family)
{
	switch (family) {
	case V2_UNSPEC:
		return 0;
	case V2_TCP4:
	case V2_UDP4:
		return V2_IN;
	case V2_TCP6:
	case V2_UDP6:
		return V2_IN6;
	case V2_UNIX_STREAM:
	case V2_UNIX_DGRAM:
		return V2_UNIX;
	default:
		return -1;
	}
}

static bool v2_addrs(const unsigned char *addrs, int addrs_len, struct sl_proxy *proxy)
{
	proxy->has_addrs = true;
	switch (addrs_len) {
	case V2_IN:
		set_in(&proxy->src, addrs, port_at(addrs + 8));
		set_in(&proxy->dst, addrs + 4, port_at(addrs + 10));
		return true;
	case V2_IN6:
		set_in6(&proxy->src, addrs, port_at(addrs + 32));
		set_in6(&proxy->dst, addrs + 16, port_at(addrs + 34));
		return true;
	default:
		return set_unix(&proxy->src, addrs) && set_unix(&proxy->dst, addrs + UNIX_PATH);
	}
}

static ssize_t v2_read(struct sl_str in, struct sl_proxy *proxy)
{
	const unsigned char *head = (const unsigned char *)in.ptr;
	bool is_local;
	int addrs_len;
	size_t len;

	if (in.len > 12 && head[12] != V2_LOCAL && head[12] != V2_PROXY)
		return -EBADMSG;
	is_local = in.len > 12 && head[12] == V2_LOCAL;
	addrs_len = in.len > 13 && !is_local ? v2_addrs_len(head[13]) : 0;
	if (addrs_len < 0)
		return -EBADMSG;
	if (in.len < V2_HEAD)
		return -EAGAIN;
	len = V2_HEAD + read_be16(head + 14);
	if (len > SL_PROXY_READ_MAX || len < V2_HEAD + (size_t)addrs_len)
		return -EBADMSG;
	if (in.len < len)
		return -EAGAIN;
	/* LOCAL: the specification has us discard the rest, whatever it is.  UNSPEC: nobody can
	 * tell where its addresses end and its additions begin. */
	if (!addrs_len)
		return (ssize_t)len;
	if (!v2_addrs(head + V2_HEAD, addrs_len, proxy) ||
	    !v2_tlvs(head, len, V2_HEAD + (size_t)addrs_len))
		return -EBADMSG;
	return (ssize_t)len;
}

ssize_t sl_proxy_read(struct sl_str in, struct sl_proxy *ret_proxy)
{
	struct sl_proxy proxy = { 0 };
	ssize_t ret;

	if (!in.len)
		return -EAGAIN;
	if (is_start(in, v1_start))
		ret = in.len > v1_start.len ? v1_read(in, &proxy) : -EAGAIN;
	else if (is_start(in, v2_start))
		ret = v2_read(in, &proxy);
	else
		ret = -EBADMSG;
	if (ret > 0)
		*ret_proxy = proxy;
	return ret;
}

/*
 * Writing
 */

/* Two ends in the one family that both can be told in.  A dual-stack socket shows IPv4 peers as
 * IPv4-mapped addresses; they are sent as the IPv4 addresses that they are. */
struct pair {
	int family; /* AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC when there is no such family */
	struct sl_ip src, dst;
	uint16_t sport, dport;
};

static bool is_ip(const struct sl_addr *a)
{
	return a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6;
}

static bool is_mapped(const struct sl_ip *ip)
{
	static const unsigned char prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(ip->b, prefix, sizeof(prefix)) == 0;
}

static struct pair pair_of(const struct sl_addr *src, const struct sl_addr *dst)
{
	struct pair p = { .family = AF_UNSPEC };

	if (src->sa.sa_family == AF_UNIX && dst->sa.sa_family == AF_UNIX)
		p.family = AF_UNIX;
	if (!is_ip(src) || !is_ip(dst))
		return p;
	p.src = sl_addr_ip(src);
	p.dst = sl_addr_ip(dst);
	p.sport = sl_addr_port(src);
	p.dport = sl_addr_port(dst);
	p.family = is_mapped(&p.src) && is_mapped(&p.dst) ? AF_INET : AF_INET6;
	return p;
}

static void v1_write_ip(struct sl_out *o, int family, const struct sl_ip *ip)
{
	char z[INET6_ADDRSTRLEN];

	inet_ntop(family, family == AF_INET ? ip->b + 12 : ip->b, z, sizeof(z));
	sl_out_str(o, sl_str_of(z));
	sl_out_char(o, ' ');
}

static void v1_write(struct sl_out *o, const struct pair *p)
{
	if (p->family != AF_INET && p->family != AF_INET6) {
		sl_out_lit(o, "PROXY UNKNOWN\r\n");
		return;
	}
	sl_out_str(o, p->family == AF_INET ? SL_S("PROXY TCP4 ") : SL_S("PROXY TCP6 "));
	v1_write_ip(o, p->family, &p->src);
	v1_write_ip(o, p->family, &p->dst);
	sl_out_u64(o, p->sport);
	sl_out_char(o, ' ');
	sl_out_u64(o, p->dport);
	sl_out_lit(o, "\r\n");
}

static void write_be16(struct sl_out *o, unsigned v)
{
	sl_out_char(o, (char)(v >> 8));
	sl_out_char(o, (char)v);
}

static void v2_write_ips(struct sl_out *o, const struct pair *p, size_t from)
{
	sl_out_mem(o, p->src.b + from, sizeof(p->src.b) - from);
	sl_out_mem(o, p->dst.b + from, sizeof(p->dst.b) - from);
	write_be16(o, p->sport);
	write_be16(o, p->dport);
}

/* The kernel may hand out 108 bytes without a NUL; the field on the wire takes them as they are. */
static void v2_write_unix(struct sl_out *o, const struct sl_addr *a)
{
	const size_t skip = offsetof(struct sockaddr_un, sun_path);
	char path[UNIX_PATH] = { 0 };
	size_t n = a->len > skip ? a->len - skip : 0;

	memcpy(path, a->un.sun_path, n < sizeof(path) ? n : sizeof(path));
	sl_out_mem(o, path, sizeof(path));
}

static void v2_write(struct sl_out *o, const struct pair *p, const struct sl_addr *src,
		     const struct sl_addr *dst)
{
	unsigned char family = p->family == AF_INET    ? V2_TCP4
			       : p->family == AF_INET6 ? V2_TCP6
			       : p->family == AF_UNIX  ? V2_UNIX_STREAM
						       : V2_UNSPEC;

	sl_out_str(o, v2_start);
	sl_out_char(o, V2_PROXY);
	sl_out_char(o, (char)family);
	write_be16(o, (unsigned)v2_addrs_len(family));
	if (p->family == AF_INET)
		v2_write_ips(o, p, 12);
	if (p->family == AF_INET6)
		v2_write_ips(o, p, 0);
	if (p->family == AF_UNIX) {
		v2_write_unix(o, src);
		v2_write_unix(o, dst);
	}
}

ssize_t sl_proxy_write(int version, const struct sl_addr *src, const struct sl_addr *dst, char *mem,
		       size_t size)
{
	struct pair p = pair_of(src, dst);
	struct sl_out o;

	assert(version == 1 || version == 2);
	sl_out_init(&o, mem, size);
	if (version == 1)
		v1_write(&o, &p);
	else
		v2_write(&o, &p, src, dst);
	return o.overflow ? -ENOSPC : (ssize_t)sl_out_len(&o);
}

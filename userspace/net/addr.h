/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses and address prefixes: parse, print, compare. */
#ifndef SL_NET_ADDR_H
#define SL_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/out.h"
#include "base/str.h"

struct sl_addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

/* An IP address as 16 bytes: IPv4 is IPv4-mapped (RFC 4291 2.5.5.2), so both are judged alike. */
struct sl_ip {
	uint8_t b[16];
};

struct sl_net {
	struct sl_ip ip;
	uint8_t bits; /* 0..128, counted in the mapped form: 192.0.2.0/24 is 120 */
};

/* "192.0.2.1:80", "[2001:db8::1]:80" or "unix:/path".  0; -EINVAL malformed; -ENOENT: it is
 * "NAME:80", and has to be looked up. */
int sl_addr_parse(struct sl_str text, struct sl_addr *ret_addr);
/* The parts of "NAME:80"; false when it is none. */
bool sl_addr_split_name(struct sl_str text, struct sl_str *ret_host, uint16_t *ret_port);
/* "192.0.2.0/24", "2001:db8::/32", or one address; no bit set beyond the prefix.  0 or -EINVAL. */
int sl_net_parse(struct sl_str text, struct sl_net *ret_net);
bool sl_net_has(const struct sl_net *net, const struct sl_ip *ip);
bool sl_nets_have(const struct sl_net *nets, unsigned nr, const struct sl_ip *ip);

bool sl_addr_eq(const struct sl_addr *a, const struct sl_addr *b);
/* All zero for a unix socket. */
struct sl_ip sl_addr_ip(const struct sl_addr *addr);
/* The other way; port in host order. */
void sl_addr_of_ip(const struct sl_ip *ip, uint16_t port, struct sl_addr *ret_addr);
void sl_addr_set_port(struct sl_addr *addr, uint16_t port);
uint16_t sl_addr_port(const struct sl_addr *addr); /* host order; 0 for a unix socket */
/* An address without its port, IPv4-mapped printed as IPv4, IPv6 without brackets. */
void sl_ip_print(struct sl_out *o, const struct sl_ip *ip);
/* As sl_addr_parse reads it. */
void sl_addr_print(struct sl_out *o, const struct sl_addr *addr);
bool sl_ip_is_v4(const struct sl_ip *ip); /* IPv4-mapped */
/* Reads one IPv4 or IPv6 address, no port, no brackets.  0 or -EINVAL. */
int sl_ip_parse(struct sl_str text, struct sl_ip *ret_ip);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt): whom a balancer speaks for. */
#ifndef SL_NET_PROXYPROTO_H
#define SL_NET_PROXYPROTO_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"
#include "net/addr.h"

enum {
	SL_PROXY_V1_MAX = 107,	  /* bytes of a version 1 line with its CRLF */
	SL_PROXY_READ_MAX = 4096, /* bytes of a header that is taken; version 2 could say 65551 */
	SL_PROXY_WRITE_MAX = 232, /* bytes that sl_proxy_write needs at the most */
};

struct sl_proxy {
	bool has_addrs; /* false (LOCAL, UNKNOWN, UNSPEC): the socket's own addresses stand */
	struct sl_addr src, dst;
};

/* Reads the header that must start `in`: its length; -EAGAIN when more bytes are needed; -EBADMSG
 * when none would help.  Look for it only on connections of peers that are trusted to send it. */
ssize_t sl_proxy_read(struct sl_str in, struct sl_proxy *ret_proxy);

/* Writes a header of version 1 or 2: its length, or -ENOSPC.  Addresses of two families, and those
 * that version 1 has no word for, are sent as unknown. */
ssize_t sl_proxy_write(int version, const struct sl_addr *src, const struct sl_addr *dst, char *mem,
		       size_t size);

#endif

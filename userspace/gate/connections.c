// SPDX-License-Identifier: Apache-2.0
// Lists a worker's clients.
#include "gate/connections.h"

#include <sys/socket.h>

#include "gate/client.h"
#include "gate/exchange.h"
#include "tls/conf.h"
#include "tls/records.h"

/* The address of a client that has not sent anything was not needed yet. */
static void find_address(const struct sl_client *c, struct sl_connection *ret)
{
	struct sl_addr addr = { .len = sizeof(addr.un) };

	ret->client = c->ip;
	ret->port = c->port;
	if (c->has_address || getpeername(c->conn.fd, &addr.sa, &addr.len) < 0)
		return;
	ret->client = sl_addr_ip(&addr);
	ret->port = sl_addr_port(&addr);
}

static void copy(char *to, size_t size, struct sl_str s)
{
	size_t n = s.len < size ? s.len : size - 1;

	if (n)
		memcpy(to, s.ptr, n);
	to[n] = '\0';
}

static const char *why_userspace(const struct sl_client *c)
{
	const struct sl_tls_conf *conf = c->acceptor->conf->tls;

	if (c->tls->why_userspace)
		return c->tls->why_userspace;
	if (c->tls->ktls_ciphers)
		return "no large body was sent yet";
	return conf && conf->kernel == SL_TLS_KERNEL_OFF ? "kernel_tls is off"
							 : "the kernel has no kTLS";
}

static void describe_tls(const struct sl_client *c, struct sl_connection *ret)
{
	const struct sl_layer *l = &c->tls->layer;
	struct sl_tls_facts facts;

	sl_tls_describe(c->tls, &facts);
	ret->tls = facts.version.ptr;
	ret->tls_cipher = facts.cipher.ptr;
	ret->alpn = facts.protocol;
	copy(ret->tls_name, sizeof(ret->tls_name), facts.name);
	ret->records = l->passes_in ? "kernel" : l->passes_out ? "kernel-sent" : "userspace";
	ret->why_userspace = l->passes_out ? NULL : why_userspace(c);
}

static void describe(const struct sl_client *c, struct sl_connection *ret)
{
	const struct sl_worker *w = c->worker;
	const struct sl_exchange *x = c->exchange;

	*ret = (struct sl_connection){
		.age_ns = w->loop.now_ns - c->start_ns,
		.listener = c->acceptor->conf->name,
		.requests = c->requests,
		.worker = w->index,
	};
	find_address(c, ret);
	if (c->tls)
		describe_tls(c, ret);
	if (!x)
		return;
	ret->busy_ns = w->loop.now_ns - x->start_ns + 1;
	ret->route = x->match.route ? x->match.route->name : NULL;
	ret->upstream = x->upstream_name;
}

unsigned sl_connections_list(struct sl_worker *w, struct sl_connection *ret, unsigned max)
{
	unsigned n = 0;

	for (struct sl_list *node = w->clients.next; node != &w->clients && n < max;
	     node = node->next)
		describe(sl_container_of(node, struct sl_client, node), &ret[n++]);
	return n;
}

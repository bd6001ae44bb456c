/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection, from accept to close; between requests it holds no fiber and no buffer. */
#ifndef SL_GATE_CLIENT_H
#define SL_GATE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "gate/worker.h"
#include "net/conn.h"
#include "net/proxyproto.h"

struct sl_client {
	struct sl_conn conn;
	struct sl_worker *worker;
	struct sl_acceptor *acceptor; /* that let it in */
	struct sl_exchange *exchange; /* under way; NULL between requests */
	uint64_t start_ns;
	struct sl_list node;	/* in worker->clients */
	struct sl_timer timer;	/* idle */
	struct sl_tls *tls;	/* after its handshake; NULL: it speaks none */
	struct sl_proxy *proxy; /* what a PROXY header said; NULL: none came */
	struct sl_ip ip;	/* of the client, as far as the connection tells: see has_address */
	uint16_t port;
	uint32_t requests;
	uint64_t key_mark; /* of the API key of its last request; 0: none */
	bool is_tallied;   /* counts in shared->tally */
	bool lingers;	   /* the peer may still be sending when we close */
	bool has_address;  /* ip and port are known: asked for at the first request */
	bool wants_proxy;  /* a PROXY protocol header has to come first */
	bool wants_tls;	   /* then a handshake */
};

/* Takes over fd. */
void sl_client_accept(struct sl_acceptor *a, int fd);
/* No fiber serves it at the moment. */
bool sl_client_is_idle(const struct sl_client *c);
void sl_client_close(struct sl_client *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker's clients are doing, for whoever asks. */
#ifndef SL_GATE_CONNECTIONS_H
#define SL_GATE_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

struct sl_worker;

/* Names point into rules, which the main thread frees: it may look at them until it does. */
struct sl_connection {
	uint64_t age_ns;
	uint64_t busy_ns; /* since its request began; 0: idle */
	struct sl_ip client;
	const char *listener;
	const char *route;	   /* NULL: idle, or none is found yet */
	const char *upstream;	   /* the target; NULL: none */
	const char *tls;	   /* the version that was agreed on; NULL: it speaks none */
	const char *tls_cipher;	   /* OpenSSL's word for it */
	const char *alpn;	   /* NULL: no protocol was agreed on */
	char tls_name[64];	   /* that it asked for, or as much as fits; "": none */
	const char *records;	   /* of TLS: who seals and opens them, and why not the kernel */
	const char *why_userspace; /* NULL: it is the kernel */
	uint32_t requests;
	uint32_t worker;
	uint16_t port;
};

/* On the worker's thread: the first `max` of them.  How many were written. */
unsigned sl_connections_list(struct sl_worker *w, struct sl_connection *ret, unsigned max);

#endif

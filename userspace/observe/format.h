/* SPDX-License-Identifier: Apache-2.0 */
/* How a line of the access log looks: JSON, or a text with variables, compiled once into pieces. */
#ifndef SL_OBSERVE_FORMAT_H
#define SL_OBSERVE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"
#include "observe/clock.h"
#include "observe/redact.h"

/* What a line says.  An empty string is left out of JSON, and "-" in a text. */
struct sl_access {
	struct sl_str client, request_id, method, host, path, query, route, upstream, user_agent,
		referer;
	struct sl_str consumer;				 /* empty: nobody that is known */
	struct sl_str tls_version, tls_cipher, tls_name; /* empty: it came without TLS */
	/* Of the client's certificate; empty: it showed none. */
	struct sl_str tls_client, tls_client_issuer, tls_client_serial, tls_client_print,
		tls_client_san;
	struct sl_str tls_ja4;	    /* empty: nobody asked for it */
	const char *error, *detail; /* NULL: none */
	uint16_t client_port, status;
	uint16_t upstream_status; /* that a target answered, the last one that did; 0: none */
	uint8_t minor;		  /* HTTP/1.minor */
	bool is_tls_resumed;
	bool is_punished; /* its client is denied from now on, because of it */
	uint64_t bytes_received, bytes_sent;
	uint64_t duration_us,
		upstream_us; /* between turns of the loop, as nginx's are between ms */
};

struct sl_log_piece;

/* All zero is JSON. */
struct sl_log_format {
	const struct sl_log_piece *pieces;
	unsigned pieces_nr; /* 0: JSON */
	bool has_ja4;	    /* it has to be found, then; JSON says it where it is known */
};

/* One line with its end, whatever bytes the strings of a are. */
void sl_log_format_print(const struct sl_log_format *f, const struct sl_redact *redact,
			 struct sl_wall *wall, uint64_t now_ns, struct sl_out *o,
			 const struct sl_access *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: a JSON line a request, gathered in memory and written by the ring, never waited
 * for. */
#ifndef SL_OBSERVE_ACCESSLOG_H
#define SL_OBSERVE_ACCESSLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/str.h"
#include "core/loop.h"
#include "net/addr.h"
#include "observe/clock.h"
#include "observe/stats.h"

/* What a line says.  An empty string is left out of it. */
struct sl_access {
	struct sl_str client, request_id, method, host, path, query, route, upstream, user_agent,
		referer;
	const char *error; /* NULL: none */
	uint16_t client_port, status;
	uint8_t minor; /* HTTP/1.minor */
	uint64_t bytes_received, bytes_sent;
	uint64_t duration_us,
		upstream_us; /* between turns of the loop, as nginx's are between ms */
};

struct sl_logbuf;

/* One a worker, all appending to one file: each write(2) holds whole lines. */
struct sl_accesslog {
	struct sl_loop *loop;
	struct sl_stats *stats;
	struct sl_wall *wall;
	int fd;	    /* borrowed; -1: none */
	bool is_on; /* lines are wanted */
	struct sl_logbuf *filling;
	struct sl_logbuf *first; /* of those to be written: the one being written, if one is */
	struct sl_logbuf *spare;
	unsigned buffers_nr, spare_nr;
	size_t written; /* bytes of the first */
	bool is_writing;
	bool is_torn; /* the file ends in half a line */
	bool is_pipe; /* or anything else that is not a file */
	struct sl_log_rate warn_rate;
	struct sl_op write_op;
	struct sl_timer timer;
};

/* fd is borrowed.  0 or -ENOMEM. */
int sl_accesslog_init(struct sl_accesslog *log, struct sl_loop *loop, struct sl_stats *stats,
		      struct sl_wall *wall, int fd);
/* The loop is in its last turn: a write that began now would never be handed in. */
void sl_accesslog_end(struct sl_accesslog *log);
/* Writes what is left, for as long as the file takes it; call it when the loop has ended. */
void sl_accesslog_fini(struct sl_accesslog *log);
void sl_accesslog_add(struct sl_accesslog *log, const struct sl_access *a);

#endif

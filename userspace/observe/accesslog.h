/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: a line a request, gathered in memory, written by the ring, never waited for. */
#ifndef SL_OBSERVE_ACCESSLOG_H
#define SL_OBSERVE_ACCESSLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/loop.h"
#include "observe/clock.h"
#include "observe/format.h"
#include "observe/redact.h"
#include "observe/stats.h"

struct sl_logbuf;

/* One a worker, all appending to one file: each write(2) holds whole lines. */
struct sl_accesslog {
	struct sl_loop *loop;
	struct sl_stats *stats;
	struct sl_wall *wall;
	const struct sl_log_format *format;
	const struct sl_redact *redact;
	int fd;	    /* borrowed; -1: none */
	bool is_on; /* lines are wanted */
	struct sl_logbuf *filling;
	struct sl_logbuf *first; /* of those to be written: the one being written, if one is */
	struct sl_logbuf *spare;
	unsigned buffers_nr, spare_nr;
	size_t written; /* bytes of the first */
	bool is_writing;
	bool is_torn;	  /* the file ends in half a line */
	bool is_pipe;	  /* or anything else that is not a file */
	uint64_t lost_nr; /* lines, since the last one that was told of; 0: none */
	uint64_t lost_ns; /* when the last of them was */
	struct sl_op write_op;
	struct sl_timer timer;
};

/* Begins with JSON lines that hide nothing.  fd is borrowed.  0 or -ENOMEM. */
int sl_accesslog_init(struct sl_accesslog *log, struct sl_loop *loop, struct sl_stats *stats,
		      struct sl_wall *wall, int fd);
/* From now on; both are borrowed until the next call. */
void sl_accesslog_set_format(struct sl_accesslog *log, const struct sl_log_format *format,
			     const struct sl_redact *redact);
/* The loop is in its last turn: a write that began now would never be handed in. */
void sl_accesslog_end(struct sl_accesslog *log);
/* Writes what is left, for as long as the file takes it; call it when the loop has ended. */
void sl_accesslog_fini(struct sl_accesslog *log);
void sl_accesslog_add(struct sl_accesslog *log, const struct sl_access *a);

#endif

// SPDX-License-Identifier: Apache-2.0
// The access log: lines gather in one buffer, full ones queue for the ring, a piece at a time.
#include "observe/accesslog.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	BUFFER_BYTES = 64 * 1024,
	BUFFERS_MAX = 64,  /* that wait for a slow disk, before lines are lost */
	BUFFERS_SPARE = 1, /* kept for the next burst */
	FLUSH_MS = 1000,
	RECOVERED_MS = 500, /* after the last line that was lost */
	LAST_WRITE_MS = 1000,
	/* A buffer's first byte is kept free: a line end that mends a line which a write tore. */
	HEADROOM = 1,
};

static const struct sl_log_format plain_json;
static const struct sl_redact nothing;

struct sl_logbuf {
	struct sl_logbuf *next;
	size_t filled;
	char data[BUFFER_BYTES];
};

/* ---- buffers ---- */

static struct sl_logbuf *take_buffer(struct sl_accesslog *log)
{
	struct sl_logbuf *b = log->spare;

	if (b) {
		log->spare = b->next;
		log->spare_nr--;
	} else if (log->buffers_nr < BUFFERS_MAX) {
		b = malloc(sizeof(*b));
		log->buffers_nr += b != NULL;
	}
	if (b) {
		b->next = NULL;
		b->filled = HEADROOM;
	}
	return b;
}

static void give_buffer(struct sl_accesslog *log, struct sl_logbuf *b)
{
	if (log->spare_nr >= BUFFERS_SPARE) {
		log->buffers_nr--;
		free(b);
		return;
	}
	b->next = log->spare;
	log->spare = b;
	log->spare_nr++;
}

static void free_all(struct sl_logbuf *b)
{
	while (b) {
		struct sl_logbuf *next = b->next;

		free(b);
		b = next;
	}
}

/* ---- writing: the first of the queue, a piece at a time ---- */

static size_t count_lines(const char *p, size_t len)
{
	size_t n = 0;

	for (const char *end = p + len; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	return n;
}

/* What is written at once: all that is left, but to a pipe only whole lines that write(2) does not
 * mix with those of other workers (pipe(7), PIPE_BUF). */
static size_t next_piece(const struct sl_accesslog *log)
{
	const char *p = log->first->data + log->written;
	size_t left = log->first->filled - log->written;
	const char *end;

	if (!log->is_pipe || left <= PIPE_BUF)
		return left;
	end = memrchr(p, '\n', PIPE_BUF);
	if (!end) /* one long line */
		end = memchr(p, '\n', left);
	return end ? (size_t)(end - p) + 1 : left;
}

static void write_piece(struct sl_accesslog *log)
{
	sl_ring_write(log->loop, &log->write_op, log->fd, log->first->data + log->written,
		      next_piece(log));
}

/* Once a buffer: what the descriptor means may have changed since the last one.  fstat(2) would do
 * as well, but is a call that takes a path, and so none for a worker. */
static void begin_first(struct sl_accesslog *log)
{
	log->is_pipe = lseek(log->fd, 0, SEEK_CUR) < 0;
	log->first->data[0] = '\n';
	log->written = log->is_torn ? 0 : HEADROOM;
	log->is_torn = false;
}

/* Told once, when it begins; how many there were, when it is over. */
static void count_lost(struct sl_accesslog *log, size_t lines, const char *why)
{
	sl_count(&log->stats->log_lines_lost, lines);
	if (log->lost_nr == 0)
		sl_log_warn("accesslog.lost", "error=\"%s\" effect=\"lines are lost and counted\"",
			    why);
	log->lost_nr += lines;
	log->lost_ns = log->loop->now_ns;
}

/* A disk on the brink takes some lines and refuses others: that is not over yet. */
static void tell_recovery(struct sl_accesslog *log)
{
	if (log->loop->now_ns - log->lost_ns < RECOVERED_MS * SL_MS)
		return;
	sl_log_info("accesslog.resumed", "lines_lost=%" PRIu64, log->lost_nr);
	log->lost_nr = 0;
}

/* A full disk must not stop the gateway: these lines are lost, and counted. */
static void lose_lines(struct sl_accesslog *log, int error)
{
	const char *rest = log->first->data + log->written;
	size_t lost = count_lines(rest, log->first->filled - log->written);

	log->is_torn = log->written > HEADROOM && rest[-1] != '\n';
	log->written = log->first->filled;
	count_lost(log, lost, strerror(-error));
}

static void drop_first(struct sl_accesslog *log)
{
	struct sl_logbuf *done = log->first;

	log->first = done->next;
	give_buffer(log, done);
}

static void on_written(struct sl_op *op, int res, uint32_t flags);

static void on_writable(struct sl_op *op, int res, uint32_t flags)
{
	struct sl_accesslog *log = sl_container_of(op, struct sl_accesslog, write_op);

	log->write_op.done = on_written;
	write_piece(log);
}

static void on_written(struct sl_op *op, int res, uint32_t flags)
{
	struct sl_accesslog *log = sl_container_of(op, struct sl_accesslog, write_op);

	if (res == -EAGAIN) { /* a pipe that somebody made non-blocking is full */
		log->write_op.done = on_writable;
		sl_ring_poll(log->loop, &log->write_op, log->fd, POLLOUT);
		return;
	}
	if (res > 0 && log->lost_nr)
		tell_recovery(log);
	if (res > 0)
		log->written += (size_t)res;
	else if (res != -EINTR)
		lose_lines(log, res ? res : -EIO);
	if (log->written == log->first->filled) {
		drop_first(log);
		log->is_writing = log->first != NULL;
		if (log->is_writing)
			begin_first(log);
	}
	if (log->is_writing)
		write_piece(log);
}

/* What is gathered goes to the queue.  False when there is no buffer to go on with. */
static bool hand_in(struct sl_accesslog *log)
{
	struct sl_logbuf *fresh, **end = &log->first;

	if (log->filling->filled == HEADROOM)
		return true;
	fresh = take_buffer(log);
	if (!fresh)
		return false;
	while (*end)
		end = &(*end)->next;
	*end = log->filling;
	log->filling = fresh;
	if (!log->is_writing) {
		log->is_writing = true;
		begin_first(log);
		write_piece(log);
	}
	return true;
}

static void on_timer(struct sl_timer *t)
{
	struct sl_accesslog *log = sl_container_of(t, struct sl_accesslog, timer);

	if (!hand_in(log)) /* they must not wait for traffic that may not come */
		sl_timer_set(&log->loop->wheel, t, log->loop->now_ns + FLUSH_MS * SL_MS);
}

/* ---- from start to end ---- */

int sl_accesslog_init(struct sl_accesslog *log, struct sl_loop *loop, struct sl_stats *stats,
		      struct sl_wall *wall, int fd)
{
	*log = (struct sl_accesslog){
		.loop = loop, .stats = stats, .wall = wall, .fd = fd, .is_on = fd >= 0
	};
	sl_accesslog_set_format(log, &plain_json, &nothing);
	log->write_op.done = on_written;
	sl_timer_init(&log->timer, on_timer);
	if (fd < 0)
		return 0;
	log->filling = take_buffer(log);
	if (log->filling)
		return 0;
	log->fd = -1;
	return -ENOMEM;
}

/* Whoever should read a pipe may have stopped to: our end does not wait for that. */
static bool can_write(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, LAST_WRITE_MS) == 1 && (p.revents & POLLOUT);
}

static void write_rest(struct sl_accesslog *log)
{
	log->first = log->filling;
	log->filling = NULL;
	begin_first(log);
	while (log->written < log->first->filled && can_write(log->fd)) {
		ssize_t n = write(log->fd, log->first->data + log->written, next_piece(log));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		log->written += (size_t)n;
	}
}

void sl_accesslog_end(struct sl_accesslog *log)
{
	sl_timer_stop(&log->timer);
}

void sl_accesslog_fini(struct sl_accesslog *log)
{
	if (log->fd < 0)
		return;
	if (!log->is_writing) { /* else that write is stuck, and another would be too */
		write_rest(log);
		free_all(log->first);
	} /* and the kernel may still read its buffer; the process ends anyway */
	free(log->filling);
	free_all(log->spare);
	log->fd = -1;
}

void sl_accesslog_set_format(struct sl_accesslog *log, const struct sl_log_format *format,
			     const struct sl_redact *redact)
{
	log->format = format;
	log->redact = redact;
}

static bool try_add(struct sl_accesslog *log, const struct sl_access *a)
{
	struct sl_logbuf *b = log->filling;
	struct sl_out o;

	sl_out_init(&o, b->data + b->filled, BUFFER_BYTES - b->filled);
	sl_log_format_print(log->format, log->redact, log->wall, log->loop->now_ns, &o, a);
	if (o.overflow)
		return false;
	b->filled += sl_out_len(&o);
	return true;
}

void sl_accesslog_add(struct sl_accesslog *log, const struct sl_access *a)
{
	struct sl_access shorter = *a;

	if (!log->is_on)
		return;
	if (log->filling->filled == HEADROOM)
		sl_timer_set(&log->loop->wheel, &log->timer, log->loop->now_ns + FLUSH_MS * SL_MS);
	if (try_add(log, a))
		return;
	if (!hand_in(log)) {
		count_lost(log, 1, "the file takes them too slowly");
		return;
	}
	if (try_add(log, a))
		return;
	/* Escaped, a head of the largest size can be longer than a buffer: keep the line, cut the
	 * texts. */
	shorter.query = shorter.user_agent = shorter.referer = (struct sl_str){ NULL, 0 };
	if (shorter.path.len > 1024)
		shorter.path.len = 1024;
	if (shorter.host.len > 256)
		shorter.host.len = 256;
	if (!try_add(log, &shorter))
		count_lost(log, 1, "a line longer than a buffer");
}

// SPDX-License-Identifier: Apache-2.0
// The access log: two buffers a worker, one being filled while the other is written.
#include "observe/accesslog.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum { BUFFER_BYTES = 64 * 1024, FLUSH_MS = 1000 };

static void start_write(struct sl_accesslog *log);

static void on_written(struct sl_op *op, int res, uint32_t flags)
{
	struct sl_accesslog *log = sl_container_of(op, struct sl_accesslog, write_op);

	if (res > 0)
		log->written += (size_t)res;
	/* A full disk must not stop the gateway: these lines are lost, and counted. */
	if (res <= 0) {
		for (size_t i = log->written; i < log->to_write; i++)
			if (log->writing[i] == '\n')
				sl_count(&log->stats->log_lines_lost, 1);
		log->written = log->to_write;
	}
	if (log->written < log->to_write) {
		sl_ring_write(log->loop, &log->write_op, log->fd, log->writing + log->written,
			      log->to_write - log->written);
		return;
	}
	log->is_writing = false;
}

static void start_write(struct sl_accesslog *log)
{
	char *full = log->filling;

	if (log->is_writing || log->filled == 0)
		return;
	log->filling = log->writing;
	log->writing = full;
	log->to_write = log->filled;
	log->filled = log->written = 0;
	log->is_writing = true;
	sl_ring_write(log->loop, &log->write_op, log->fd, log->writing, log->to_write);
}

static void on_timer(struct sl_timer *t)
{
	start_write(sl_container_of(t, struct sl_accesslog, timer));
}

int sl_accesslog_init(struct sl_accesslog *log, struct sl_loop *loop, struct sl_stats *stats,
		      struct sl_wall *wall, int fd)
{
	*log = (struct sl_accesslog){ .loop = loop, .stats = stats, .wall = wall, .fd = fd };
	log->write_op.done = on_written;
	sl_timer_init(&log->timer, on_timer);
	if (fd < 0)
		return 0;
	log->filling = malloc(BUFFER_BYTES);
	log->writing = malloc(BUFFER_BYTES);
	if (log->filling && log->writing)
		return 0;
	free(log->filling);
	free(log->writing);
	log->fd = -1;
	return -ENOMEM;
}

static void write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

void sl_accesslog_fini(struct sl_accesslog *log)
{
	if (log->fd < 0)
		return;
	write_all(log->fd, log->filling, log->filled);
	free(log->filling);
	free(log->writing);
	log->fd = -1;
}

void sl_accesslog_set_fd(struct sl_accesslog *log, int fd)
{
	if (log->fd >= 0 && fd >= 0)
		log->fd = fd;
}

static void put_text(struct sl_out *o, const char *key, size_t key_len, struct sl_str value)
{
	if (value.len == 0)
		return;
	sl_out_mem(o, key, key_len);
	sl_out_json(o, value);
}

#define put(o, key, value) put_text(o, ",\"" key "\":", sizeof(key) + 3, value)

static void put_number(struct sl_out *o, const char *key, size_t key_len, uint64_t value)
{
	sl_out_mem(o, key, key_len);
	sl_out_u64(o, value);
}

#define put_u64(o, key, value) put_number(o, ",\"" key "\":", sizeof(key) + 3, value)

static void print_line(struct sl_accesslog *log, struct sl_out *o, const struct sl_access *a)
{
	sl_out_lit(o, "{\"time\":\"");
	sl_wall_print(log->wall, log->loop->now_ns, o);
	sl_out_lit(o, "\",\"client\":\"");
	sl_ip_print(o, &a->client);
	sl_out_char(o, '"');
	put_u64(o, "client_port", a->client_port);
	put(o, "request_id", a->request_id);
	put(o, "method", a->method);
	put(o, "host", a->host);
	put(o, "path", a->path);
	put(o, "query", a->query);
	if (a->minor)
		sl_out_lit(o, ",\"protocol\":\"HTTP/1.1\"");
	else
		sl_out_lit(o, ",\"protocol\":\"HTTP/1.0\"");
	put_u64(o, "status", a->status);
	put_u64(o, "bytes_received", a->bytes_received);
	put_u64(o, "bytes_sent", a->bytes_sent);
	put_u64(o, "duration_us", a->duration_us);
	put(o, "route", a->route);
	if (a->upstream.len) {
		put(o, "upstream", a->upstream);
		put_u64(o, "upstream_us", a->upstream_us);
	}
	put(o, "user_agent", a->user_agent);
	put(o, "referer", a->referer);
	if (a->error)
		put(o, "error", sl_str_of(a->error));
	sl_out_lit(o, "}\n");
}

static bool try_add(struct sl_accesslog *log, const struct sl_access *a)
{
	struct sl_out o;

	sl_out_init(&o, log->filling + log->filled, BUFFER_BYTES - log->filled);
	print_line(log, &o, a);
	if (o.overflow)
		return false;
	log->filled += sl_out_len(&o);
	return true;
}

void sl_accesslog_add(struct sl_accesslog *log, const struct sl_access *a)
{
	struct sl_access shorter = *a;

	if (log->fd < 0)
		return;
	if (log->filled == 0)
		sl_timer_set(&log->loop->wheel, &log->timer, log->loop->now_ns + FLUSH_MS * SL_MS);
	if (try_add(log, a))
		return;
	start_write(log);
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
		sl_count(&log->stats->log_lines_lost, 1);
}

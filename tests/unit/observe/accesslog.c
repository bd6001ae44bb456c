// SPDX-License-Identifier: Apache-2.0
// Access log lines: JSON whatever is in them, never waited for, counted when they are lost.
#include "observe/accesslog.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

enum { TEXT_MAX = 1 << 20 };

static struct sl_stats stats;
static struct sl_wall wall;
static char text[TEXT_MAX];

static struct sl_access plain(void)
{
	return (struct sl_access){
		.request_id = SL_STR("0123456789abcdef"),
		.method = SL_STR("GET"),
		.host = SL_STR("example.com"),
		.path = SL_STR("/a"),
		.status = 200,
		.minor = 1,
		.client = SL_STR("192.0.2.7"),
		.client_port = 4711,
		.bytes_sent = INT64_MAX,
	};
}

static int temporary(void)
{
	return memfd_create("log", MFD_CLOEXEC);
}

/* What is in the file, and how many lines of it are JSON objects. */
static int count_lines(int fd, json_t **ret_last)
{
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	char *line = text, *end;
	int nr = 0;

	if (len < 0)
		return -errno;
	text[len] = '\0';
	for (; (end = memchr(line, '\n', (size_t)(text + len - line))); line = end + 1, nr++) {
		json_t *json = json_loadb(line, (size_t)(end - line),
					  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

		if (!json_is_object(json))
			return -1;
		if (ret_last) {
			json_decref(*ret_last);
			*ret_last = json;
		} else {
			json_decref(json);
		}
	}
	return line == text + len ? nr : -1;
}

static void open_log(struct sl_accesslog *log, struct sl_loop *loop, int fd)
{
	memset(&stats, 0, sizeof(stats));
	if (sl_accesslog_init(log, loop, &stats, &wall, fd) < 0)
		abort();
}

/* Writes to files are made by another thread of the kernel's: they take the time they take. */
static void settle(struct sl_accesslog *log)
{
	uint64_t deadline_ns = log->loop->now_ns + 10 * SL_SEC;

	while (log->is_writing && log->loop->now_ns < deadline_ns)
		loopback_turns(log->loop, 1);
}

/* As the timer would, now; until it is written. */
static void flush(struct sl_accesslog *log)
{
	sl_timer_stop(&log->timer);
	log->timer.fire(&log->timer);
	settle(log);
}

/* Nothing is set behind the log's back once it has gone. */
static void close_log(struct sl_accesslog *log)
{
	sl_timer_stop(&log->timer);
	sl_accesslog_fini(log);
}

static bool says(const json_t *line, const char *key, const char *want)
{
	const char *got = json_string_value(json_object_get(line, key));

	return want ? got && strcmp(got, want) == 0 : !json_object_get(line, key);
}

static void one_line(struct sl_loop *loop)
{
	struct sl_access a = plain();
	struct sl_accesslog log;
	json_t *line = NULL;
	int fd = temporary();

	open_log(&log, loop, fd);
	a.error = "client_closed";
	a.detail = "reset";
	sl_accesslog_add(&log, &a);
	is_int(count_lines(fd, NULL), 0, "a line is gathered, not written");
	flush(&log);
	is_int(count_lines(fd, &line), 1, "then it is written");
	ok(says(line, "method", "GET") && says(line, "host", "example.com") &&
		   says(line, "path", "/a") && says(line, "protocol", "HTTP/1.1") &&
		   says(line, "error", "client_closed") && says(line, "detail", "reset") &&
		   says(line, "client", "192.0.2.7"),
	   "and says what happened");
	is_int(json_integer_value(json_object_get(line, "status")), 200, "with its status");
	ok(says(line, "query", NULL) && says(line, "upstream", NULL) &&
		   says(line, "referer", NULL) && !json_object_get(line, "upstream_us"),
	   "and nothing of what there was not");
	json_decref(line);
	close_log(&log);
	close(fd);
}

static void hostile_bytes(struct sl_loop *loop)
{
	static const size_t fields[] = {
		offsetof(struct sl_access, request_id), offsetof(struct sl_access, method),
		offsetof(struct sl_access, host),	offsetof(struct sl_access, path),
		offsetof(struct sl_access, query),	offsetof(struct sl_access, route),
		offsetof(struct sl_access, upstream),	offsetof(struct sl_access, user_agent),
		offsetof(struct sl_access, referer),
	};
	struct sl_accesslog log;
	char bytes[4];
	int fd = temporary(), added = 0;

	open_log(&log, loop, fd);
	for (unsigned f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
		for (unsigned c = 0; c < 256; c++) {
			struct sl_access a = plain();

			memcpy(bytes, (char[]){ 'a', (char)c, (char)(c ^ 0x80), (char)c }, 4);
			memcpy((char *)&a + fields[f], &(struct sl_str){ bytes, 4 },
			       sizeof(struct sl_str));
			sl_accesslog_add(&log, &a);
			added++;
			if (added % 64 == 0)
				flush(&log);
		}
	flush(&log);
	is_int(count_lines(fd, NULL), added, "any byte in any field: every line is JSON");
	is_int((int64_t)stats.log_lines_lost, 0, "and none is lost");
	close_log(&log);
	close(fd);
}

static void very_long(struct sl_loop *loop)
{
	static const char fills[] = { 'a', '\x01', '"', '\xff', '\xc3' };
	static char big[65536];
	struct sl_accesslog log;
	json_t *line = NULL;
	int fd = temporary();

	open_log(&log, loop, fd);
	for (unsigned i = 0; i < sizeof(fills); i++) {
		struct sl_access a = plain();

		memset(big, fills[i], sizeof(big));
		a.path = (struct sl_str){ big, 60000 };
		a.query = (struct sl_str){ big, sizeof(big) };
		a.host = a.user_agent = a.referer = a.query;
		sl_accesslog_add(&log, &a);
		flush(&log);
	}
	is_int(count_lines(fd, &line), sizeof(fills),
	       "fields longer than a buffer: the line stays");
	ok(json_object_get(line, "path") && says(line, "query", NULL), "with less text in it");
	is_int((int64_t)stats.log_lines_lost, 0, "and counts as written");
	json_decref(line);
	close_log(&log);
	close(fd);
}

static void many(struct sl_loop *loop)
{
	struct sl_access a = plain();
	struct sl_accesslog log;
	int fd = temporary();

	open_log(&log, loop, fd);
	for (unsigned i = 0; i < 3000; i++) {
		sl_accesslog_add(&log, &a);
		if (i % 200 == 0)
			loopback_turns(loop, 1);
	}
	settle(&log);
	close_log(&log);
	is_int(count_lines(fd, NULL) + (int)stats.log_lines_lost, 3000,
	       "3000 lines: each is written, or counted as lost (%u)",
	       (unsigned)stats.log_lines_lost);
	close(fd);
}

static void full_disk(struct sl_loop *loop)
{
	struct sl_access a = plain();
	struct sl_accesslog log;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), fd = temporary();

	open_log(&log, loop, full);
	for (unsigned i = 0; i < 3; i++)
		sl_accesslog_add(&log, &a);
	flush(&log);
	is_int((int64_t)stats.log_lines_lost, 3, "a full disk: three lines are lost, and counted");
	dup3(fd, full, O_CLOEXEC);
	sl_accesslog_add(&log, &a);
	flush(&log);
	is_int(count_lines(fd, NULL), 1, "in another file it goes on");
	is_int((int64_t)stats.log_lines_lost, 3, "and no more are lost");
	close_log(&log);
	close(full);
	close(fd);
}

/* As main does it: the same number comes to mean another file. */
static void rotated(struct sl_loop *loop)
{
	int old = temporary(), new = temporary(), fd = fcntl(old, F_DUPFD_CLOEXEC, 3);
	struct sl_access a = plain();
	struct sl_accesslog log;

	open_log(&log, loop, fd);
	sl_accesslog_add(&log, &a);
	flush(&log);
	sl_accesslog_add(&log, &a);
	dup3(new, fd, O_CLOEXEC);
	flush(&log);
	is_int(count_lines(old, NULL), 1, "what was written before is in the old file");
	is_int(count_lines(new, NULL), 1, "what was gathered goes to the new one");
	sl_accesslog_add(&log, &a);
	close_log(&log);
	is_int(count_lines(new, NULL), 2, "and what is left at the end as well");
	close(old);
	close(new);
	close(fd);
}

/* A reader that stalls: what is gathered meanwhile is not forgotten. */
static void stalled(struct sl_loop *loop)
{
	struct sl_access a = plain();
	struct sl_accesslog log;
	int fds[2], taken = 0;
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	fcntl(fds[0], F_SETFL, O_NONBLOCK); /* there may be nothing until the loop has its turn */
	open_log(&log, loop, fds[1]);
	for (unsigned i = 0; i < 100; i++)
		sl_accesslog_add(&log, &a);
	log.timer.fire(&log.timer);
	loopback_turns(loop, 3);
	sl_accesslog_add(&log, &a);
	sl_timer_stop(&log.timer);
	log.timer.fire(&log.timer);
	ok(log.is_writing && log.first,
	   "the time to flush comes while a write is stuck: it waits its turn");
	while (log.is_writing) {
		n = read(fds[0], text, sizeof(text));
		for (ssize_t i = 0; i < n; i++)
			taken += text[i] == '\n';
		loopback_turns(loop, 1);
	}
	flush(&log);
	n = read(fds[0], text, sizeof(text));
	for (ssize_t i = 0; i < n; i++)
		taken += text[i] == '\n';
	is_int(taken, 101, "and in the end all lines have come through");
	close_log(&log);
	close(fds[0]);
	close(fds[1]);
}

/* Whoever reads goes away in the middle of a line; later the log goes elsewhere. */
static void torn(struct sl_loop *loop)
{
	struct sl_access a = plain();
	static char big[20000];
	struct sl_accesslog log;
	int fds[2], fd = temporary();

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	open_log(&log, loop, fds[1]);
	memset(big, 'a', sizeof(big));
	a.path = (struct sl_str){ big, sizeof(big) };
	sl_accesslog_add(&log, &a);
	log.timer.fire(&log.timer);
	while (read(fds[0], text, 100) < 100) /* some of it has come */
		loopback_turns(loop, 1);
	close(fds[0]);
	settle(&log);
	is_int((int64_t)stats.log_lines_lost, 1, "a write that stops within a line: it is lost");
	dup3(fd, fds[1], O_CLOEXEC);
	a = plain();
	sl_accesslog_add(&log, &a);
	flush(&log);
	ok(pread(fd, text, sizeof(text), 0) > 2 && text[0] == '\n' && text[1] == '{',
	   "and the next begins on a line of its own");
	close_log(&log);
	close(fds[1]);
	close(fd);
}

/* A pipe that keeps each write as it was made. */
static void whole_lines(struct sl_loop *loop)
{
	struct sl_access a = plain();
	struct sl_accesslog log;
	int fds[2], taken = 0;
	bool held = true;

	if (pipe2(fds, O_DIRECT | O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	fcntl(fds[1], F_SETFL, O_DIRECT);
	open_log(&log, loop, fds[1]);
	for (unsigned i = 0; i < 100; i++)
		sl_accesslog_add(&log, &a);
	log.timer.fire(&log.timer);
	settle(&log);
	for (ssize_t n; (n = read(fds[0], text, sizeof(text))) > 0;) {
		held &= n <= PIPE_BUF && text[0] == '{' && text[n - 1] == '\n';
		for (ssize_t i = 0; i < n; i++)
			taken += text[i] == '\n';
	}
	ok(held && taken == 100, "into a pipe go whole lines, no more than it takes in one");
	close_log(&log);
	close(fds[0]);
	close(fds[1]);
}

static void switched_off(struct sl_loop *loop)
{
	struct sl_access a = plain();
	struct sl_accesslog log;

	open_log(&log, loop, -1);
	sl_accesslog_add(&log, &a);
	ok(!log.filling && !log.is_writing && log.timer.deadline_ns == SL_NEVER,
	   "without a file there is no log, and no memory for it");
	close_log(&log);
}

static void facts(struct sl_loop *loop)
{
	one_line(loop);
	hostile_bytes(loop);
	very_long(loop);
	many(loop);
	full_disk(loop);
	rotated(loop);
	stalled(loop);
	torn(loop);
	whole_lines(loop);
	switched_off(loop);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	loopback_run(facts, 0);
	return done_testing();
}

// SPDX-License-Identifier: Apache-2.0
// The daemon's own log: levels, how many lines of one event, and a reader that does not read.
#include "base/clock.h"

static uint64_t chosen_ns = 1000000000;

static uint64_t chosen_now_ns(void)
{
	return chosen_ns;
}

/* The code under test is compiled into this program, with a clock that we command. */
#define sl_now_ns chosen_now_ns
#include "base/log.c"
#undef sl_now_ns

#include <fcntl.h>
#include <stdlib.h>

#include "tap.h"

static int pipe_fds[2];
static char text[1 << 20];

/* All that was logged since the last call. */
static const char *said(void)
{
	ssize_t n = read(pipe_fds[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static unsigned count(const char *haystack, const char *needle)
{
	unsigned nr = 0;

	while ((haystack = strstr(haystack, needle))) {
		haystack += strlen(needle);
		nr++;
	}
	return nr;
}

static unsigned arguments_made;

static int make_argument(void)
{
	arguments_made++;
	return 7;
}

static void levels(void)
{
	sl_log_info("level.info", "n=%d", make_argument());
	sl_log_debug("level.debug", "n=%d", make_argument());
	said();
	ok(strstr(text, "Z info level.info n=7\n") && !strstr(text, "level.debug"),
	   "at first, info and what is worse");
	is_int(arguments_made, 1, "and what is off does not even make its arguments");
	sl_log_set_level(SL_LOG_DEBUG);
	sl_log_debug("level.debug", "n=%d", make_argument());
	ok(strstr(said(), " debug level.debug n=7\n"), "a level takes effect at once");
	sl_log_set_level(SL_LOG_ERROR);
	sl_log_warn("level.warn", "n=1");
	sl_log_error("level.error", "n=1");
	said();
	ok(!strstr(text, "level.warn") && strstr(text, "level.error"), "errors only");
	sl_log_set_level(SL_LOG_INFO);
}

static void a_flood(void)
{
	for (int i = 0; i < 1000; i++)
		sl_log_warn("flood.a", "n=%d", i);
	sl_log_warn("flood.b", "n=1");
	said();
	is_int(count(text, "flood.a"), SL_LOG_LINES_PER_S, "so many lines a second of one event");
	is_int(count(text, "flood.b"), 1, "and another event has lines of its own");
	chosen_ns += SL_SEC;
	sl_log_tell_suppressed();
	ok(strstr(said(), " warn log.suppressed event=flood.a lines=990\n"),
	   "then a line tells how many there were");
	is_int(count(text, "\n"), 1, "and no other");
	sl_log_tell_suppressed();
	is_str(sl_str_of(said()), "", "once");
	sl_log_warn("flood.a", "n=again");
	is_int(count(said(), "flood.a n=again"), 1, "and the event may speak again");
	for (int i = 0; i < 12; i++)
		sl_log_warn("flood.a", "n=%d", i);
	chosen_ns += SL_SEC;
	said();
	sl_log_info("flood.other", "n=1");
	ok(strstr(said(), "event=flood.a lines=3\n"), "any line tells of it, too");
}

/* More names than there is room for: they share one limit, and nothing is lost silently. */
static void many_events(void)
{
	static char names[2 * EVENTS_MAX][16];
	unsigned lines = 0;

	for (unsigned i = 0; i < 2 * EVENTS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "many.%u", i);
		sl_log_info(names[i], "n=1");
		lines += count(said(), " info many.");
	}
	ok(lines > EVENTS_MAX / 2 && lines < EVENTS_MAX + 2 * SL_LOG_LINES_PER_S,
	   "events without number are limited all the same (%u)", lines);
	chosen_ns += SL_SEC;
	sl_log_tell_suppressed();
	ok(strstr(said(), "log.suppressed event=other "), "and counted");
}

static void forged_lines(void)
{
	static char longest[LINE_MAX_BYTES * 2];

	sl_log_info("forged", "name=\"%s\"", "a\n2026 info started\x1b[2J\r\t\x7f");
	ok(strstr(said(), "name=\"a?2026 info started?[2J???\"\n"), "a value cannot make a line");
	memset(longest, 'x', sizeof(longest) - 1);
	sl_log_info("long", "%s", longest);
	said();
	ok(strlen(text) < LINE_MAX_BYTES && text[strlen(text) - 1] == '\n' &&
		   count(text, "\n") == 1,
	   "a line that is too long is cut, and ends");
}

/* Would wait for ever if it waited. */
static void stuck_reader(void)
{
	sl_log_set_level(SL_LOG_DEBUG);
	for (int i = 0; i < 500; i++)
		sl_log_debug("stuck", "%0800d", i);
	ok(true, "a reader that does not read stops nobody");
	while (*said())
		;
	sl_log_debug("stuck", "n=after");
	ok(strstr(said(), "n=after"), "and gets lines again when it does");
	sl_log_set_level(SL_LOG_INFO);
}

int main(void)
{
	alarm(20);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0 || fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) < 0 ||
	    dup2(pipe_fds[1], STDERR_FILENO) < 0)
		abort();
	levels();
	a_flood();
	many_events();
	forged_lines();
	stuck_reader();
	return done_testing();
}

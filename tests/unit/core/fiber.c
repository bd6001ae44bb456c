// SPDX-License-Identifier: Apache-2.0
// Fibers by hand: no ring, and a clock that only moves when told to.
#include "core/fiber.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/loop.h"
#include "tap.h"

enum { MANY = 4000 };

static struct sl_loop loop;

struct sleeper {
	unsigned wakes; /* returns from park, so far */
	unsigned want;	/* and then it ends */
	uint64_t deadline_ns;
	bool was_cancelled, has_ended;
};

static void init(size_t budget)
{
	memset(&loop, 0, sizeof(loop));
	loop.now_ns = 1000 * SL_SEC;
	loop.budget.limit = budget;
	sl_wheel_init(&loop.wheel, loop.now_ns);
	sl_fibers_init(&loop.fibers, &loop.budget);
}

static void fini(void)
{
	sl_fibers_fini(&loop.fibers);
	is_int((int64_t)loop.budget.used, 0, "all memory is given back");
}

static void at(uint64_t now_ns)
{
	loop.now_ns = now_ns;
	sl_wheel_run(&loop.wheel, now_ns);
	sl_fibers_run(&loop.fibers);
}

static void sleep_some(void *arg)
{
	struct sleeper *s = arg;

	while (s->wakes < s->want) {
		sl_fiber_park(&loop, s->deadline_ns);
		s->wakes++;
	}
	s->was_cancelled = sl_fiber_is_cancelled(sl_fiber_self(&loop));
	s->has_ended = true;
}

static void parked_and_woken(void)
{
	struct sleeper s = { .want = 2, .deadline_ns = SL_NEVER };
	struct sl_fiber *f = NULL;

	init(0);
	is_int(sl_fiber_spawn(&loop, sleep_some, &s, &f), 0, "a fiber is made");
	ok(s.wakes == 0 && loop.fibers.live_nr == 1, "and does not run yet");
	sl_fibers_run(&loop.fibers);
	ok(!s.has_ended && !sl_fiber_self(&loop), "it runs until it parks; outside is no fiber");
	sl_fibers_run(&loop.fibers);
	is_int(s.wakes, 0, "parked, it does not run by itself");
	sl_fiber_wake(&loop, f);
	sl_fiber_wake(&loop, f);
	sl_fibers_run(&loop.fibers);
	is_int(s.wakes, 1, "woken twice, it runs once");
	sl_fiber_wake(&loop, f);
	sl_fibers_run(&loop.fibers);
	ok(s.has_ended && !s.was_cancelled, "woken again, it comes to its end");
	is_int(loop.fibers.live_nr, 0, "and lives no more");
	sl_fiber_wake(&loop, NULL);
	sl_fiber_cancel(&loop, NULL);
	fini();
}

static void woken_before_it_ran(void)
{
	struct sleeper s = { .want = 1, .deadline_ns = SL_NEVER };
	struct sl_fiber *f;

	init(0);
	sl_fiber_spawn(&loop, sleep_some, &s, &f);
	sl_fiber_wake(&loop, f);
	sl_fibers_run(&loop.fibers);
	is_int(s.wakes, 0, "woken before its first run: that run is it");
	sl_fiber_cancel(&loop, f);
	sl_fibers_run(&loop.fibers);
	ok(s.has_ended && s.was_cancelled, "cancelled, it wakes and is told");
	fini();
}

static void wake_itself(void *arg)
{
	sl_fiber_wake(&loop, sl_fiber_self(&loop));
	sl_fiber_park(&loop, SL_NEVER); /* the wake came before the park and is not lost */
	*(bool *)arg = true;
	sl_fiber_wake(&loop, sl_fiber_self(&loop)); /* and this one comes to nothing */
}

static void woken_while_running(void)
{
	bool has_ended = false;

	init(0);
	sl_fiber_spawn(&loop, wake_itself, &has_ended, NULL);
	sl_fibers_run(&loop.fibers);
	ok(!has_ended, "a fiber that is ready again while it runs waits for the next turn");
	sl_fibers_run(&loop.fibers);
	ok(has_ended, "a wake while it runs ends its next park");
	ok(sl_list_is_empty(&loop.fibers.ready), "a wake on the last step resumes no dead fiber");
	fini();
}

static void woken_by_the_clock(void)
{
	struct sleeper s = { .want = 1 };
	uint64_t start_ns;

	init(0);
	start_ns = loop.now_ns;
	s.deadline_ns = start_ns + SL_SEC;
	sl_fiber_spawn(&loop, sleep_some, &s, NULL);
	at(start_ns);
	at(start_ns + SL_SEC - 1);
	is_int(s.wakes, 0, "before its deadline a parked fiber sleeps");
	at(start_ns + SL_SEC + 20 * SL_MS);
	ok(s.has_ended && !s.was_cancelled, "at its deadline it wakes");
	fini();
}

/* The timer of a fiber that was woken otherwise must not wake who has its stack now. */
static void stale_timer(void)
{
	struct sleeper a = { .want = 1 }, b = { .want = 1, .deadline_ns = SL_NEVER };
	struct sl_fiber *f, *g;

	init(0);
	a.deadline_ns = loop.now_ns + SL_SEC;
	sl_fiber_spawn(&loop, sleep_some, &a, &f);
	sl_fibers_run(&loop.fibers);
	sl_fiber_wake(&loop, f);
	sl_fibers_run(&loop.fibers);
	sl_fiber_spawn(&loop, sleep_some, &b, &g);
	ok(a.has_ended && f == g, "a stack is used again");
	at(loop.now_ns + 10 * SL_SEC);
	is_int(b.wakes, 0, "and the deadline of who had it before does not count");
	sl_fiber_wake(&loop, g);
	sl_fibers_run(&loop.fibers);
	fini();
}

static void beyond_the_budget(void)
{
	static struct sleeper s[100];
	struct sl_fiber *fibers[100];
	struct sl_fiber *none = (struct sl_fiber *)&loop;
	unsigned n;
	int ret = 0;

	init(100 * 1024);
	for (n = 0; n < 100; n++) {
		s[n] = (struct sleeper){ .want = 1, .deadline_ns = SL_NEVER };
		ret = sl_fiber_spawn(&loop, sleep_some, &s[n], &fibers[n]);
		if (ret < 0)
			break;
	}
	ok(n > 0 && n < 100, "a budget of 100 KiB lets %u fibers live", n);
	is_int(ret, -EAGAIN, "one more is refused");
	is_int(sl_fiber_spawn(&loop, sleep_some, &s[0], &none), -EAGAIN, "and one more again");
	ok(none == (struct sl_fiber *)&loop, "with nothing written");
	sl_fibers_run(&loop.fibers);
	sl_fiber_wake(&loop, fibers[0]);
	sl_fibers_run(&loop.fibers);
	is_int(sl_fiber_spawn(&loop, sleep_some, &s[0], &fibers[0]), 0,
	       "when one has ended, there is room");
	for (unsigned i = 0; i < n; i++)
		sl_fiber_wake(&loop, fibers[i]);
	sl_fibers_run(&loop.fibers);
	for (unsigned i = 0; i < n; i++)
		sl_fiber_wake(&loop, s[i].has_ended ? NULL : fibers[i]);
	sl_fibers_run(&loop.fibers);
	fini();
}

static void thousands(void)
{
	static struct sleeper s[MANY];
	static struct sl_fiber *fibers[MANY];
	unsigned started, ended = 0;

	init(0);
	for (started = 0; started < MANY; started++) {
		s[started] = (struct sleeper){ .want = 1, .deadline_ns = SL_NEVER };
		if (sl_fiber_spawn(&loop, sleep_some, &s[started], &fibers[started]) < 0)
			break;
	}
	sl_fibers_run(&loop.fibers);
	is_int(started, MANY, "%u fibers wait at once", MANY);
	for (unsigned i = started; i-- > 0;)
		sl_fiber_wake(&loop, fibers[i]);
	sl_fibers_run(&loop.fibers);
	for (unsigned i = 0; i < MANY; i++)
		ended += s[i].has_ended;
	is_int(ended, MANY, "and each comes to its end");
	ok(loop.fibers.free_nr > 0 && loop.fibers.free_nr <= 256,
	   "some stacks are kept (%u), the others go back to the system", loop.fibers.free_nr);
	for (unsigned i = 0; i < MANY; i++) {
		s[0] = (struct sleeper){ .want = 0 };
		sl_fiber_spawn(&loop, sleep_some, &s[0], NULL);
		sl_fibers_run(&loop.fibers);
	}
	ok(loop.fibers.free_nr <= 256 && s[0].has_ended, "%u fibers one after another need one",
	   MANY);
	fini();
}

/* ---- the guard page ---- */

static unsigned deep(unsigned depth)
{
	volatile char frame[512];

	memset((char *)frame, (int)depth, sizeof(frame));
	return depth ? deep(depth - 1) + (unsigned char)frame[depth % 512] : 0;
}

static void recurse(void *arg)
{
	*(unsigned *)arg = deep(*(unsigned *)arg);
}

static int run_deep(unsigned depth)
{
	struct rlimit no_core = { 0, 0 };
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGSEGV, SIG_DFL); /* a sanitizer would tell a story and exit */
		signal(SIGBUS, SIG_DFL);
		init(0);
		sl_fiber_spawn(&loop, recurse, &depth, NULL);
		sl_fibers_run(&loop.fibers);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void guard_page(void)
{
	is_int(run_deep(30), 0, "thirty frames of half a kilobyte fit a stack");
	is_int(run_deep(100000), SIGSEGV, "without end, they hit the guard page");
}

int main(void)
{
	parked_and_woken();
	woken_before_it_ran();
	woken_while_running();
	woken_by_the_clock();
	stale_timer();
	beyond_the_budget();
	thousands();
	guard_page();
	return done_testing();
}

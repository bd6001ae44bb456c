// SPDX-License-Identifier: Apache-2.0
// sluicectl top: the counters live on a terminal, once a second.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "metrics.h"
#include "screen.h"

enum { INTERVAL_MAX_S = 3600, PROMPT_MAX = 16 };

struct top {
	struct ctl *ctl;
	struct sl_reading reading;
	struct sample samples[2];
	unsigned at; /* which is the later */
	const char *pins;
	double seconds;
	struct termios before; /* the terminal's, to be put back */
	bool is_asking;	       /* for another interval */
	char typed[PROMPT_MAX];
	char note[64];
};

static volatile sig_atomic_t signalled; /* the last one that came; handlers do nothing else */

static void on_signal(int number)
{
	signalled = number;
}

static int look(struct top *t)
{
	t->at = !t->at;
	return sample_take(&t->samples[t->at], &t->reading, t->pins);
}

static struct screen screen_of(struct top *t)
{
	return (struct screen){
		.reading = &t->reading,
		.now = &t->samples[t->at],
		.before = &t->samples[!t->at],
		.is_live = sl_reading_is_live(&t->reading),
	};
}

static void pause_for(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	nanosleep(&ts, NULL);
}

/* ---- once ---- */

static enum ctl_exit show_once(struct top *t)
{
	struct screen screen;

	if (look(t) < 0)
		return ctl_fail(t->ctl, CTL_FAILED, "out of memory");
	pause_for(t->seconds);
	if (look(t) < 0)
		return ctl_fail(t->ctl, CTL_FAILED, "out of memory");
	screen = screen_of(t);
	if (t->ctl->is_json)
		return ctl_print_json(t->ctl, screen_json(&screen));
	screen_print(&screen);
	return CTL_OK;
}

/* ---- the terminal ---- */

/* Signals of the keyboard stay: INT and TSTP have to work in any program. */
static void enter(struct top *t)
{
	struct termios raw;

	tcgetattr(STDIN_FILENO, &t->before);
	raw = t->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l\033[2J", stdout); /* another page, no cursor */
	fflush(stdout);
}

static void leave(struct top *t)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
}

static void draw(struct top *t)
{
	struct screen screen = screen_of(t);
	struct winsize size = { .ws_col = 80, .ws_row = 24 };
	const char *no_color = getenv("NO_COLOR");

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	screen.columns = size.ws_col ? size.ws_col : 80;
	screen.rows = size.ws_row ? size.ws_row : 24;
	screen.is_terminal = true;
	screen.has_color = !no_color || !*no_color;
	screen.note = t->note;
	screen_print(&screen);
}

/* ---- keys ---- */

static bool is_interval(const char *text, double *ret_seconds)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.1) || seconds > INTERVAL_MAX_S)
		return false;
	*ret_seconds = seconds;
	return true;
}

static void ask(struct top *t, char key)
{
	size_t n = strlen(t->typed);

	if (key == '\n' || key == '\r') {
		t->is_asking = false;
		snprintf(t->note, sizeof(t->note), "%s",
			 is_interval(t->typed, &t->seconds) ? "" : "0.1 to 3600 seconds");
		return;
	}
	if ((key == 0x7f || key == '\b') && n > 0)
		t->typed[n - 1] = '\0';
	else if (((key >= '0' && key <= '9') || key == '.') && n + 1 < sizeof(t->typed))
		t->typed[n] = key, t->typed[n + 1] = '\0';
	snprintf(t->note, sizeof(t->note), "seconds: %s", t->typed);
}

/* False: that was the end.  *ret_now: do not wait for the next second. */
static bool read_keys(struct top *t, bool *ret_now)
{
	char keys[16];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR); /* the terminal is gone */
	for (ssize_t i = 0; i < n; i++) {
		if (t->is_asking)
			ask(t, keys[i]);
		else if (keys[i] == 'q')
			return false;
		else if (keys[i] == 's') {
			t->is_asking = true;
			t->typed[0] = '\0';
			ask(t, '\0');
		} else if (keys[i] == ' ')
			*ret_now = true;
	}
	return true;
}

/* ---- the loop ---- */

static void stop_here(struct top *t)
{
	leave(t);
	raise(SIGSTOP); /* until somebody says CONT */
	enter(t);
}

/* Until the time has come, or a key says so; false: the end. */
static bool wait_for_next(struct top *t, const sigset_t *open, double until)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	bool is_now = false;

	while (!is_now) {
		double left = until - (double)sl_now_ns() / 1e9;
		struct timespec ts = { 0 };

		if (left <= 0)
			return true;
		ts.tv_sec = (time_t)left;
		ts.tv_nsec = (long)((left - (double)ts.tv_sec) * 1e9);
		if (ppoll(&in, 1, &ts, open) > 0 && !read_keys(t, &is_now))
			return false;
		if (signalled == SIGTSTP)
			stop_here(t);
		else if (signalled && signalled != SIGWINCH)
			return false;
		signalled = 0;
		draw(t);
	}
	return true;
}

static void catch_signals(const int *numbers, sigset_t *ret_before)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t ours;

	sigemptyset(&ours);
	for (; *numbers; numbers++) {
		sigaddset(&ours, *numbers);
		sigaction(*numbers, &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &ours, ret_before); /* but while we wait: no look is lost */
}

static int run(struct top *t, const sigset_t *open)
{
	int ret = look(t);

	pause_for(0.05); /* there is something to be shown at once, if not much */
	do {
		ret = ret < 0 ? ret : look(t);
		if (ret < 0)
			return ret;
		draw(t);
	} while (wait_for_next(t, open, (double)sl_now_ns() / 1e9 + t->seconds));
	return 0;
}

static enum ctl_exit show_live(struct top *t)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, 0 };
	sigset_t before;
	int ret;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return ctl_fail(t->ctl, CTL_USAGE, "needs a terminal; without one, use --once");
	catch_signals(numbers, &before);
	enter(t);
	ret = run(t, &before);
	leave(t);
	if (signalled) { /* end as whoever sent it expects */
		signal(signalled, SIG_DFL);
		raise(signalled);
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
	return ret < 0 ? ctl_fail(t->ctl, CTL_FAILED, "out of memory") : CTL_OK;
}

enum ctl_exit ctl_top_show(struct ctl *ctl, char **arguments)
{
	struct top t = { .ctl = ctl, .seconds = 1, .pins = ctl->pins };
	enum ctl_exit code;

	if (arguments[0] && !is_interval(arguments[0], &t.seconds))
		return ctl_fail(ctl, CTL_USAGE, "'%.32s': an interval is 0.1 to %d seconds",
				arguments[0], INTERVAL_MAX_S);
	code = ctl_metrics_open(ctl, &t.reading);
	if (code != CTL_OK)
		return code;
	code = ctl->is_once || ctl->is_json ? show_once(&t) : show_live(&t);
	sample_fini(&t.samples[0]);
	sample_fini(&t.samples[1]);
	sl_reading_close(&t.reading);
	return code;
}

// SPDX-License-Identifier: Apache-2.0
// Signals that end a command, held back until it has put things back.
#include "ending.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
enum { NUMBERS_NR = sizeof(numbers) / sizeof(*numbers) };

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
	signalled = number;
}

void ending_begin(void)
{
	struct sigaction action = { .sa_handler = on_signal }, before;

	signalled = 0;
	for (int i = 0; i < NUMBERS_NR; i++) {
		/* What is ignored stays so: nohup, or the background of a shell. */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
			continue;
		sigaction(numbers[i], &action, NULL);
	}
}

bool ending_has_come(void)
{
	return signalled != 0;
}

void ending_wait_ms(unsigned ms)
{
	const struct timespec time = { .tv_sec = ms / 1000,
				       .tv_nsec = (long)(ms % 1000) * 1000000 };

	if (!signalled)
		nanosleep(&time, NULL);
}

void ending_finish(void)
{
	int number = signalled;

	for (int i = 0; i < NUMBERS_NR; i++)
		signal(numbers[i], SIG_DFL);
	if (!number)
		return;
	fflush(stderr);
	if (number != SIGPIPE)
		fflush(stdout);
	raise(number);
}

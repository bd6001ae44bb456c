// SPDX-License-Identifier: Apache-2.0
// Mails a question to every worker and waits for the answers.
#include "control/ask.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

struct question {
	struct sl_mail mail;
	struct sl_worker *worker;
	void (*ask)(struct sl_worker *w, void *arg);
	void *arg;
	sem_t *done;
};

static void on_mail(struct sl_mail *m)
{
	struct question *q = sl_container_of(m, struct question, mail);

	q->ask(q->worker, q->arg);
	sem_post(q->done); /* q may be gone after this */
}

int sl_daemon_ask(struct sl_daemon *d, void (*question)(struct sl_worker *w, void *arg), void *arg)
{
	struct question *questions = calloc(d->workers_nr, sizeof(*questions));
	sem_t done;

	if (!questions)
		return -ENOMEM;
	sem_init(&done, 0, 0);
	for (unsigned i = 0; i < d->workers_nr; i++) {
		questions[i] = (struct question){
			{ .open = on_mail }, &d->workers[i], question, arg, &done
		};
		sl_mail_post(&d->workers[i].loop, &questions[i].mail);
	}
	for (unsigned i = 0; i < d->workers_nr; i++)
		while (sem_wait(&done) < 0 && errno == EINTR)
			;
	sem_destroy(&done);
	free(questions);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A queue, and a thread that works it off by crypt(3).
#include "policy/passwords.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/fiber.h"
#include "core/mailbox.h"

#define PATIENCE_NS (10 * SL_SEC)

/* Of the heap, as it may outlive who asked: a client that is gone leaves it to the thread. */
struct job {
	struct sl_mail mail;
	struct sl_loop *loop;
	struct sl_fiber *fiber;
	struct sl_ip client;
	bool is_abandoned, is_done; /* is_done is the loop's */
	int verdict;
	char hash[SL_PASSWORD_HASH_MAX + 1], password[SL_PASSWORD_MAX + 1];
};

struct sl_passwords {
	pthread_t thread;
	pthread_mutex_t lock; /* held for moments, by whoever comes with an unknown password */
	pthread_cond_t changed;
	struct job *queue[SL_PASSWORDS_WAITING]; /* a ring; not the one that is looked at */
	unsigned first, nr;
	bool is_stopping;
	struct crypt_data scratch; /* 32 KiB, the thread's */
};

static void free_job(struct job *j)
{
	OPENSSL_cleanse(j->password, sizeof(j->password));
	free(j);
}

/* On the loop's thread. */
static void on_mail(struct sl_mail *m)
{
	struct job *j = sl_container_of(m, struct job, mail);

	if (j->is_abandoned) {
		free_job(j);
		return;
	}
	j->is_done = true;
	sl_fiber_wake(j->loop, j->fiber);
}

/* ---- the thread ---- */

static bool is_right(struct sl_passwords *p, const struct job *j)
{
	const char *made;

	memset(&p->scratch, 0, sizeof(p->scratch));
	made = crypt_r(j->password, j->hash, &p->scratch);
	return made && strlen(made) == strlen(j->hash) &&
	       CRYPTO_memcmp(made, j->hash, strlen(made)) == 0;
}

/* With the lock held, which is given up meanwhile. */
static struct job *take_next(struct sl_passwords *p)
{
	struct job *j;

	while (p->nr == 0 && !p->is_stopping)
		pthread_cond_wait(&p->changed, &p->lock);
	if (p->is_stopping)
		return NULL;
	j = p->queue[p->first];
	p->first = (p->first + 1) % SL_PASSWORDS_WAITING;
	p->nr--;
	return j;
}

/* With the lock held all the while: a loop that ends has abandoned what it asked before. */
static void finish(struct sl_passwords *p, struct job *j)
{
	if (j->is_abandoned)
		free_job(j);
	else
		sl_mail_post(j->loop, &j->mail);
}

static void *work(void *arg)
{
	struct sl_passwords *p = arg;
	struct job *j;

	pthread_mutex_lock(&p->lock);
	while ((j = take_next(p))) {
		if (!j->is_abandoned) {
			pthread_mutex_unlock(&p->lock);
			j->verdict = is_right(p, j);
			pthread_mutex_lock(&p->lock);
		}
		finish(p, j);
	}
	pthread_mutex_unlock(&p->lock);
	OPENSSL_cleanse(&p->scratch, sizeof(p->scratch));
	return NULL;
}

int sl_passwords_start(struct sl_passwords **ret_passwords)
{
	struct sl_passwords *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	ret = -pthread_create(&p->thread, NULL, work, p);
	if (ret < 0) {
		free(p);
		return ret;
	}
	pthread_setname_np(p->thread, "passwords");
	*ret_passwords = p;
	return 0;
}

void sl_passwords_stop(struct sl_passwords *passwords)
{
	if (!passwords)
		return;
	pthread_mutex_lock(&passwords->lock);
	passwords->is_stopping = true;
	pthread_cond_signal(&passwords->changed);
	pthread_mutex_unlock(&passwords->lock);
	pthread_join(passwords->thread, NULL);
	for (unsigned i = 0; i < passwords->nr; i++)
		free_job(passwords->queue[(passwords->first + i) % SL_PASSWORDS_WAITING]);
	free(passwords);
}

/* ---- who asks ---- */

static struct job *make_job(struct sl_loop *loop, const struct sl_ip *client, struct sl_str hash,
			    struct sl_str password)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->mail.open = on_mail;
	j->loop = loop;
	j->fiber = sl_fiber_self(loop);
	j->client = *client;
	memcpy(j->hash, hash.ptr, hash.len);
	memcpy(j->password, password.ptr, password.len);
	return j;
}

static bool has_too_many(const struct sl_passwords *p, const struct sl_ip *client)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < p->nr; i++)
		nr += memcmp(&p->queue[(p->first + i) % SL_PASSWORDS_WAITING]->client, client,
			     sizeof(*client)) == 0;
	return nr >= SL_PASSWORDS_WAITING_CLIENT;
}

static bool hand_in(struct sl_passwords *p, struct job *j)
{
	bool has_room;

	pthread_mutex_lock(&p->lock);
	has_room = p->nr < SL_PASSWORDS_WAITING && !has_too_many(p, &j->client);
	if (has_room) {
		p->queue[(p->first + p->nr++) % SL_PASSWORDS_WAITING] = j;
		pthread_cond_signal(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	return has_room;
}

/* What is posted is opened by this loop, and freed then. */
static void abandon(struct sl_passwords *p, struct job *j)
{
	pthread_mutex_lock(&p->lock);
	j->is_abandoned = true;
	pthread_mutex_unlock(&p->lock);
}

int sl_passwords_check(struct sl_passwords *passwords, struct sl_loop *loop,
		       const struct sl_ip *client, struct sl_str hash, struct sl_str password)
{
	uint64_t deadline_ns = loop->now_ns + PATIENCE_NS;
	struct job *j;
	int verdict;

	if (password.len > SL_PASSWORD_MAX || hash.len > SL_PASSWORD_HASH_MAX)
		return 0;
	j = make_job(loop, client, hash, password);
	if (!j)
		return -ENOMEM;
	if (!hand_in(passwords, j)) {
		free_job(j);
		return -EBUSY;
	}
	while (!j->is_done) {
		if (sl_fiber_is_cancelled(j->fiber) || loop->now_ns >= deadline_ns) {
			verdict = sl_fiber_is_cancelled(j->fiber) ? -ECANCELED : -EBUSY;
			abandon(passwords, j);
			return verdict;
		}
		sl_fiber_park(loop, deadline_ns);
	}
	verdict = j->verdict;
	free_job(j);
	return verdict;
}

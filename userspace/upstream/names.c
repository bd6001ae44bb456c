// SPDX-License-Identifier: Apache-2.0
// The table of host names: what is known of each, who waits for it, when it is asked for again.
#include "upstream/names.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/out.h"
#include "upstream/asker.h"

#define SYSTEM_FILE "/etc/resolv.conf"

enum {
	RETRY_FIRST_MS = 1000, /* after a look-up that failed; twice as long each time */
	RETRY_MAX_MS = 30000,
};

struct name {
	char host[SL_NAME_MAX + 1];
	struct name *next; /* in names.all */
	struct sl_names *names;
	struct sl_ip ips[SL_NAME_ADDRESSES_MAX]; /* sorted */
	unsigned ips_nr;
	int error; /* of the last look-up; 0: none */
	uint64_t failures;
	uint64_t due_ns; /* to be asked for */
	bool is_asking, was_asked;
	uint64_t round; /* when it was looked up last */
};

struct sl_names {
	pthread_mutex_t lock; /* of all below but the asker, which is the thread's */
	pthread_cond_t answered;
	pthread_t thread;
	void *tree; /* of struct name, by host (tsearch) */
	struct name *all;
	struct sl_names_conf conf;
	char *servers;
	bool is_stopping;
	uint64_t round;
	uint64_t until_ns; /* who looks something up in this round waits; 0: nobody had to yet */
	unsigned holders;
	struct sl_asker *asker;
	struct stat system; /* SYSTEM_FILE as the asker knows it; the thread's */
	int changed_fd;
	int wake_fd;
};

static int by_host(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->host, ((const struct name *)b)->host);
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sl_ip));
}

/* ---- what an answer changes; with the lock ---- */

static uint64_t retry_ns(uint64_t failures)
{
	uint64_t ms = failures > 6 ? RETRY_MAX_MS : (uint64_t)RETRY_FIRST_MS << (failures - 1);

	return (ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS) * SL_MS;
}

/* The addresses of before stay: targets that are gone are found out by using them. */
static void note_failure(struct name *name, int error)
{
	name->error = error;
	name->failures++;
	name->due_ns = sl_now_ns() + retry_ns(name->failures);
	if (name->failures == 1 && name->ips_nr > 0)
		sl_log_warn("names.failed", "host=%s error=\"%s\" effect=\"%u addresses stay\"",
			    name->host, strerror(-error), name->ips_nr);
}

static void note_addresses(struct name *name, const struct sl_answer *answer)
{
	const struct sl_names_conf *conf = &name->names->conf;
	uint64_t ttl_ns = answer->ttl_s * SL_SEC;
	bool is_new = name->ips_nr != answer->nr ||
		      memcmp(name->ips, answer->ips, answer->nr * sizeof(struct sl_ip)) != 0;

	if (ttl_ns < conf->min_ns)
		ttl_ns = conf->min_ns;
	if (ttl_ns > conf->max_ns)
		ttl_ns = conf->max_ns;
	name->due_ns = sl_now_ns() + ttl_ns;
	if (name->failures > 0 && name->ips_nr > 0)
		sl_log_info("names.answered", "host=%s after=%llu", name->host,
			    (unsigned long long)name->failures);
	if (is_new && name->ips_nr > 0) {
		sl_log_info("names.changed", "host=%s addresses=%u", name->host, answer->nr);
		eventfd_write(name->names->changed_fd, 1);
	}
	name->error = 0;
	name->failures = 0;
	memcpy(name->ips, answer->ips, answer->nr * sizeof(struct sl_ip));
	name->ips_nr = answer->nr;
}

/* On the thread, out of sl_asker_ask() or sl_asker_wait(). */
static void on_answer(void *arg, struct sl_answer *answer)
{
	struct name *name = arg;
	struct sl_names *n = name->names;

	pthread_mutex_lock(&n->lock);
	name->is_asking = false;
	if (answer->error == -ECANCELED) { /* the asker ends: the next one is asked */
		name->due_ns = 0;
	} else {
		name->was_asked = true;
		qsort(answer->ips, answer->nr, sizeof(struct sl_ip), by_address);
		if (answer->error)
			note_failure(name, answer->error);
		else
			note_addresses(name, answer);
		pthread_cond_broadcast(&n->answered);
	}
	pthread_mutex_unlock(&n->lock);
}

/* ---- the thread ---- */

static struct name *next_due(struct sl_names *n, uint64_t now_ns, uint64_t *ret_next_ns)
{
	*ret_next_ns = now_ns + 3600 * SL_SEC;
	for (struct name *name = n->all; name; name = name->next) {
		if (name->is_asking)
			continue;
		if (name->due_ns <= now_ns)
			return name;
		if (name->due_ns < *ret_next_ns)
			*ret_next_ns = name->due_ns;
	}
	return NULL;
}

/* Asks for all that is due.  When the next one is. */
static uint64_t ask_due(struct sl_names *n)
{
	uint64_t now_ns = sl_now_ns(), next_ns = 0;
	struct name *name;

	pthread_mutex_lock(&n->lock);
	while (n->asker && (name = next_due(n, now_ns, &next_ns))) {
		name->is_asking = true;
		pthread_mutex_unlock(&n->lock);
		sl_asker_ask(n->asker, name->host, on_answer, name);
		pthread_mutex_lock(&n->lock);
	}
	pthread_mutex_unlock(&n->lock);
	if (!n->asker)
		return now_ns + SL_SEC;
	return next_ns;
}

static bool is_stopping(struct sl_names *n)
{
	bool is;

	pthread_mutex_lock(&n->lock);
	is = n->is_stopping;
	pthread_mutex_unlock(&n->lock);
	return is;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The first, and another one whenever the system's name servers are others: c-ares reads them once.
 * A file that is not there is being replaced.  Without memory, or with a bad file, what was goes on
 * and a next time comes, at the latest with a second where there is no asker at all. */
static void renew_asker(struct sl_names *n)
{
	struct stat now = n->system;
	struct sl_asker *asker, *before = n->asker;

	if (!n->servers && stat(SYSTEM_FILE, &now) < 0)
		now = n->system;
	if (before && is_same_file(&now, &n->system))
		return;
	asker = sl_asker_new(n->servers, n->conf.timeout_ns);
	if (!asker)
		return;
	n->asker = asker;
	n->system = now;
	if (!before)
		return;
	sl_log_info("names.servers", "file=%s effect=\"read again\"", SYSTEM_FILE);
	sl_asker_free(before); /* its open questions come back, and are asked anew */
}

static void *run(void *arg)
{
	struct sl_names *n = arg;

	while (!is_stopping(n)) {
		renew_asker(n);
		sl_asker_wait(n->asker, n->wake_fd, ask_due(n));
	}
	sl_asker_free(n->asker);
	return NULL;
}

static void wake(struct sl_names *n)
{
	eventfd_write(n->wake_fd, 1);
}

/* ---- for everybody ---- */

/* Signals are for the main thread. */
static int start_thread(struct sl_names *n)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(&n->thread, NULL, run, n);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int sl_names_new(struct sl_names **ret_names, const struct sl_names_conf *conf, int changed_fd)
{
	struct sl_names *n = calloc(1, sizeof(*n));
	pthread_condattr_t attr;
	int ret;

	if (!n)
		return -ENOMEM;
	n->holders = 1;
	n->round = 1;
	n->conf = *conf;
	n->conf.servers = n->servers = conf->servers ? strdup(conf->servers) : NULL;
	n->changed_fd = changed_fd;
	pthread_mutex_init(&n->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&n->answered, &attr);
	pthread_condattr_destroy(&attr);
	n->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = n->wake_fd < 0 ? -errno : 0;
	if (conf->servers && !n->servers)
		ret = -ENOMEM;
	if (ret == 0)
		ret = start_thread(n);
	if (ret < 0) {
		if (n->wake_fd >= 0)
			close(n->wake_fd);
		free(n->servers);
		free(n);
		return ret;
	}
	*ret_names = n;
	return 0;
}

static void forget(void *name)
{
	free(name);
}

struct sl_names *sl_names_ref(struct sl_names *n)
{
	n->holders++;
	return n;
}

bool sl_names_is_like(const struct sl_names *n, const struct sl_names_conf *conf)
{
	const char *a = n->servers ? n->servers : "", *b = conf->servers ? conf->servers : "";

	return strcmp(a, b) == 0 && n->conf.timeout_ns == conf->timeout_ns &&
	       n->conf.min_ns == conf->min_ns && n->conf.max_ns == conf->max_ns;
}

void sl_names_unref(struct sl_names *n)
{
	if (!n || --n->holders > 0)
		return;
	pthread_mutex_lock(&n->lock);
	n->is_stopping = true;
	pthread_mutex_unlock(&n->lock);
	wake(n);
	pthread_join(n->thread, NULL);
	tdestroy(n->tree, forget);
	close(n->wake_fd);
	free(n->servers);
	pthread_cond_destroy(&n->answered);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* With the lock. */
static struct name *find_or_add(struct sl_names *n, struct sl_str host)
{
	struct name *name = calloc(1, sizeof(*name));
	struct name **found;

	if (!name)
		return NULL;
	memcpy(name->host, host.ptr, host.len);
	found = tsearch(name, &n->tree, by_host);
	if (!found || *found != name) {
		free(name);
		return found ? *found : NULL;
	}
	name->names = n;
	name->next = n->all;
	n->all = name;
	return name;
}

/* The asker gives up by itself; a little more than that, for all of the round together. */
static struct timespec end_of_wait(struct sl_names *n)
{
	if (!n->until_ns)
		n->until_ns = sl_now_ns() + n->conf.timeout_ns + SL_SEC;
	return (struct timespec){ (time_t)(n->until_ns / SL_SEC), (long)(n->until_ns % SL_SEC) };
}

/* Until it was asked for once; with the lock. */
static int wait_for(struct sl_names *n, struct name *name)
{
	struct timespec until;

	while (!name->was_asked) {
		until = end_of_wait(n);
		if (pthread_cond_timedwait(&n->answered, &n->lock, &until) == ETIMEDOUT &&
		    !name->was_asked)
			return -ETIMEDOUT;
	}
	return name->ips_nr > 0 ? 0 : name->error;
}

static struct sl_addr make_addr(const struct sl_ip *ip)
{
	struct sl_addr addr;

	sl_addr_of_ip(ip, 0, &addr);
	return addr;
}

/* What could not be found before may be there by now: whoever repairs a name server and tries again
 * is not told what was.  Once a round; with the lock. */
static struct name *ask_for(struct sl_names *n, struct sl_str host)
{
	struct name *name = find_or_add(n, host);

	if (!name || name->round == n->round)
		return name;
	name->round = n->round;
	if (name->ips_nr == 0) {
		name->was_asked = false;
		name->due_ns = 0;
		wake(n);
	}
	return name;
}

static bool may_be_host(struct sl_str host)
{
	return host.len > 0 && host.len <= SL_NAME_MAX;
}

int sl_names_ask(struct sl_names *n, struct sl_str host)
{
	bool is_there;

	if (!may_be_host(host))
		return -ENOENT;
	pthread_mutex_lock(&n->lock);
	is_there = ask_for(n, host);
	pthread_mutex_unlock(&n->lock);
	return is_there ? 0 : -ENOMEM;
}

int sl_names_lookup(struct sl_names *n, struct sl_str host, struct sl_addr *ret, unsigned max)
{
	struct name *name;
	int nr;

	if (!may_be_host(host))
		return -ENOENT;
	pthread_mutex_lock(&n->lock);
	name = ask_for(n, host);
	nr = name ? wait_for(n, name) : -ENOMEM;
	for (; nr >= 0 && (unsigned)nr < name->ips_nr && (unsigned)nr < max; nr++)
		ret[nr] = make_addr(&name->ips[nr]);
	pthread_mutex_unlock(&n->lock);
	return nr;
}

void sl_names_begin(struct sl_names *n)
{
	pthread_mutex_lock(&n->lock);
	n->round++;
	n->until_ns = 0;
	pthread_mutex_unlock(&n->lock);
}

/* One that is being asked for right now stays until the next time. */
void sl_names_end(struct sl_names *n)
{
	pthread_mutex_lock(&n->lock);
	for (struct name **link = &n->all; *link;) {
		struct name *name = *link;

		if (name->round == n->round || name->is_asking) {
			link = &name->next;
			continue;
		}
		*link = name->next;
		tdelete(name, &n->tree, by_host);
		free(name);
	}
	pthread_mutex_unlock(&n->lock);
}

unsigned sl_names_list(struct sl_names *n, struct sl_name_status *ret, unsigned max)
{
	unsigned nr = 0;

	pthread_mutex_lock(&n->lock);
	for (const struct name *name = n->all; name && nr < max; name = name->next) {
		ret[nr] = (struct sl_name_status){ .addresses_nr = name->ips_nr,
						   .failures = name->failures,
						   .is_stale = name->failures > 0 };
		memcpy(ret[nr++].host, name->host, sizeof(name->host));
	}
	pthread_mutex_unlock(&n->lock);
	return nr;
}

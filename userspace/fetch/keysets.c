// SPDX-License-Identifier: Apache-2.0
// The thread, and when it asks for what.
#include "fetch/keysets.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "fetch/document.h"
#include "jose/json.h"
#include "jose/jwks.h"

enum { LOOK_MS = 500 };

struct sl_keyset {
	struct sl_list node;
	struct sl_keysets *all;
	unsigned holders;
	char *url, *issuer, *ca; /* url NULL: of the issuer */
	char *text;
	size_t len;
	uint64_t next_ns, last_ns;    /* when it is due, when it was asked for */
	unsigned failures;	      /* in a row */
	char why[SL_FETCH_WHY_BYTES]; /* of the last of them */
	bool is_busy;
	atomic_bool is_wanted;
};

struct sl_keysets {
	unsigned holders; /* of one thread */
	int changed_fd;
	bool is_started;
	atomic_bool is_stopping;
	pthread_t thread;
	pthread_mutex_t lock; /* of the list and what is in it; never held while the network is */
	pthread_cond_t changed;
	struct sl_list list;
};

static void free_keyset(struct sl_keyset *s)
{
	free(s->url);
	free(s->issuer);
	free(s->ca);
	free(s->text);
	free(s);
}

/* ---- one set ---- */

static const char *name_of(const struct sl_keyset *s)
{
	return s->url ? s->url : s->issuer;
}

/* The document of an issuer says of itself whose it is: that has to be the same (section 4.3). */
static bool read_discovery(const struct sl_keyset *s, struct sl_fetch *f, char **ret_url)
{
	const char *wrong = NULL;
	json_t *root = NULL;
	struct sl_str uri;

	if (sl_jose_json_read((struct sl_str){ f->text, f->len }, &root, NULL) < 0) {
		snprintf(f->why, sizeof(f->why), "its discovery document is no JSON object");
		return false;
	}
	uri = sl_jose_json_string(root, "jwks_uri");
	if (!sl_str_eq(sl_jose_json_string(root, "issuer"), sl_str_of(s->issuer)))
		wrong = "its discovery document is another issuer's";
	else if (!uri.ptr || sl_fetch_check_url(uri))
		wrong = "its discovery document has no good jwks_uri";
	else
		*ret_url = strndup(uri.ptr, uri.len);
	json_decref(root);
	if (wrong)
		snprintf(f->why, sizeof(f->why), "%s", wrong);
	return !wrong && *ret_url;
}

static bool find_url(const struct sl_keyset *s, struct sl_fetch *f, char **ret_url)
{
	size_t len = strlen(s->issuer);
	char *url;
	bool is_found;

	while (len && s->issuer[len - 1] == '/')
		len--;
	if (asprintf(&url, "%.*s/.well-known/openid-configuration", (int)len, s->issuer) < 0)
		return false;
	f->url = url;
	is_found = sl_fetch_document(f) && read_discovery(s, f, ret_url);
	free(f->text);
	f->text = NULL;
	free(url);
	return is_found;
}

/* What no verifier could use is as good as no answer. */
static bool is_key_set(struct sl_fetch *f)
{
	struct sl_jwks_report report;
	struct sl_jwks *set = NULL;
	int ret = sl_jwks_read((struct sl_str){ f->text, f->len }, &set, &report);

	sl_jwks_free(set);
	if (ret < 0)
		snprintf(f->why, sizeof(f->why), "%s",
			 ret == -EBADMSG ? report.why : strerror(-ret));
	return ret == 0;
}

/* Without the lock: what it reads of s is never changed. */
static bool fetch(const struct sl_keyset *s, struct sl_fetch *f)
{
	char *url = NULL;
	bool is_good;

	*f = (struct sl_fetch){ .ca = s->ca, .is_given_up = &s->all->is_stopping };
	if (!s->url && !find_url(s, f, &url))
		return false;
	f->url = s->url ? s->url : url;
	is_good = sl_fetch_document(f) && is_key_set(f);
	free(url);
	if (!is_good) {
		free(f->text);
		f->text = NULL;
	}
	return is_good;
}

/* ---- when ---- */

/* Up to a quarter more, so that many gateways do not come at once. */
static uint64_t with_jitter(uint64_t ns)
{
	uint16_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return ns;
	return ns + ns / 4 * random / UINT16_MAX;
}

static uint64_t age_of(const struct sl_fetch *f)
{
	int64_t age = f->max_age_s < 0 ? SL_KEYSET_AGE_DEFAULT_S : f->max_age_s;

	if (age < SL_KEYSET_AGE_MIN_S)
		age = SL_KEYSET_AGE_MIN_S;
	return (uint64_t)(age < SL_KEYSET_AGE_MAX_S ? age : SL_KEYSET_AGE_MAX_S);
}

/* With the lock held. */
static void succeed(struct sl_keyset *s, struct sl_fetch *f)
{
	bool is_other = !s->text || f->len != s->len || memcmp(f->text, s->text, f->len) != 0;

	if (s->failures || is_other)
		sl_log_info("jwks.fetched", "url=%s is_new=%d", name_of(s), is_other);
	s->failures = 0;
	s->next_ns = sl_now_ns() + with_jitter(age_of(f) * SL_SEC);
	if (!is_other) {
		free(f->text);
		return;
	}
	free(s->text);
	s->text = f->text;
	s->len = f->len;
	eventfd_write(s->all->changed_fd, 1);
}

/* The first of a row is told, another reason, and every hundredth. */
static void fail(struct sl_keyset *s, const struct sl_fetch *f)
{
	uint64_t seconds = s->failures < 8 ? 1ull << s->failures : SL_KEYSET_RETRY_MAX_S;

	if (s->failures++ % 100 == 0 || strcmp(s->why, f->why) != 0)
		sl_log_warn("jwks.failed", "url=%s error=\"%s\" effect=\"%s\"", name_of(s), f->why,
			    s->text ? "the keys of before are good" : "no token can be judged");
	memcpy(s->why, f->why, sizeof(s->why));
	s->next_ns = sl_now_ns() + with_jitter(seconds * SL_SEC);
}

static bool is_due(struct sl_keyset *s, uint64_t now_ns)
{
	if (now_ns >= s->next_ns)
		return true;
	return atomic_load_explicit(&s->is_wanted, memory_order_relaxed) && !s->failures &&
	       now_ns >= s->last_ns + SL_KEYSET_EARLY_S * SL_SEC;
}

/* ---- the thread ---- */

/* Nobody holds it any more, and nobody is at it. */
static void sweep(struct sl_keysets *k)
{
	struct sl_list *node, *next;

	for (node = k->list.next; node != &k->list; node = next) {
		struct sl_keyset *s = sl_container_of(node, struct sl_keyset, node);

		next = node->next;
		if (s->holders || s->is_busy)
			continue;
		sl_list_del(node);
		free_keyset(s);
	}
}

static struct sl_keyset *find_due(struct sl_keysets *k)
{
	uint64_t now_ns = sl_now_ns();

	for (struct sl_list *node = k->list.next; node != &k->list; node = node->next) {
		struct sl_keyset *s = sl_container_of(node, struct sl_keyset, node);

		if (s->holders && is_due(s, now_ns))
			return s;
	}
	return NULL;
}

/* With the lock held, which is given up meanwhile. */
static void work_on(struct sl_keysets *k, struct sl_keyset *s)
{
	struct sl_fetch f;
	bool is_good;

	s->is_busy = true;
	s->last_ns = sl_now_ns();
	atomic_store(&s->is_wanted, false);
	pthread_mutex_unlock(&k->lock);
	is_good = fetch(s, &f);
	pthread_mutex_lock(&k->lock);
	s->is_busy = false;
	if (is_good)
		succeed(s, &f);
	else if (!atomic_load(&k->is_stopping))
		fail(s, &f);
}

static void *work(void *arg)
{
	struct sl_keysets *k = arg;

	pthread_mutex_lock(&k->lock);
	while (!atomic_load(&k->is_stopping)) {
		struct sl_keyset *s;
		struct timespec until;

		sweep(k);
		s = find_due(k);
		if (s) {
			work_on(k, s);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += LOOK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&k->changed, &k->lock, &until);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* ---- who holds it ---- */

int sl_keysets_new(struct sl_keysets **ret_keysets, int changed_fd)
{
	struct sl_keysets *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->holders = 1;
	k->changed_fd = changed_fd;
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->changed, NULL);
	sl_list_init(&k->list);
	*ret_keysets = k;
	return 0;
}

struct sl_keysets *sl_keysets_ref(struct sl_keysets *k)
{
	k->holders++;
	return k;
}

void sl_keysets_unref(struct sl_keysets *k)
{
	if (!k || --k->holders)
		return;
	if (k->is_started) {
		atomic_store(&k->is_stopping, true);
		pthread_mutex_lock(&k->lock);
		pthread_cond_signal(&k->changed);
		pthread_mutex_unlock(&k->lock);
		pthread_join(k->thread, NULL);
	}
	sweep(k);
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* Signals are the main thread's to read. */
int sl_keysets_start(struct sl_keysets *k)
{
	sigset_t all, before;
	int ret;

	if (k->is_started)
		return 0;
	if (!sl_fetch_begin())
		return -ENOMEM;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = -pthread_create(&k->thread, NULL, work, k);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	k->is_started = ret == 0;
	if (k->is_started)
		pthread_setname_np(k->thread, "keysets");
	return ret;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct sl_keyset *find(struct sl_keysets *k, const struct sl_keyset_conf *conf)
{
	for (struct sl_list *node = k->list.next; node != &k->list; node = node->next) {
		struct sl_keyset *s = sl_container_of(node, struct sl_keyset, node);

		if (is_same(s->url, conf->url) && is_same(s->issuer, conf->issuer) &&
		    is_same(s->ca, conf->ca))
			return s;
	}
	return NULL;
}

static bool copy(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return !text || *to;
}

static struct sl_keyset *add(struct sl_keysets *k, const struct sl_keyset_conf *conf)
{
	struct sl_keyset *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->all = k;
	if (!copy(&s->url, conf->url) || !copy(&s->issuer, conf->issuer) ||
	    !copy(&s->ca, conf->ca)) {
		free_keyset(s);
		return NULL;
	}
	sl_list_push_back(&k->list, &s->node);
	pthread_cond_signal(&k->changed);
	return s;
}

struct sl_keyset *sl_keysets_get(struct sl_keysets *k, const struct sl_keyset_conf *conf)
{
	struct sl_keyset *s;

	pthread_mutex_lock(&k->lock);
	s = find(k, conf);
	if (!s)
		s = add(k, conf);
	if (s)
		s->holders++;
	pthread_mutex_unlock(&k->lock);
	return s;
}

void sl_keyset_put(struct sl_keyset *s)
{
	struct sl_keysets *k;

	if (!s)
		return;
	k = s->all;
	pthread_mutex_lock(&k->lock);
	s->holders--;
	pthread_mutex_unlock(&k->lock);
}

char *sl_keyset_text(struct sl_keyset *s, size_t *ret_len)
{
	char *text = NULL;

	pthread_mutex_lock(&s->all->lock);
	if (s->text)
		text = malloc(s->len + 1);
	if (text) {
		memcpy(text, s->text, s->len);
		text[s->len] = '\0';
		*ret_len = s->len;
	}
	pthread_mutex_unlock(&s->all->lock);
	return text;
}

void sl_keyset_want(struct sl_keyset *s)
{
	atomic_store_explicit(&s->is_wanted, true, memory_order_relaxed);
}

// SPDX-License-Identifier: Apache-2.0
// Keys that were given out: on the disk, in memory, and off again.
#include "control/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/ask.h"
#include "control/state.h"
#include "policy/keystore.h"
#include "store/store.h"

/* ---- what survives ---- */

static int add(struct sl_daemon *d, const struct sl_store_key *key)
{
	struct sl_api_key k = { .id = key->id, .expires_s = key->expires_s, .enabled = true };
	int ret;

	memcpy(k.sha256, key->sha256, sizeof(k.sha256));
	ret = sl_keystore_add(d->shared.kept, &k, key->consumer, key->created_s);
	return ret == -ENOMEM ? ret : 0;
}

static int take_first(struct sl_str id, const struct sl_store_key *key, void *arg)
{
	(void)id;
	return add(arg, key);
}

static int open_store(struct sl_daemon *d, const char *directory)
{
	const struct sl_store_reader reader = { take_first, d };
	int ret;

	ret = sl_state_make(directory);
	if (ret == 0)
		ret = sl_store_open(directory, &d->store);
	return ret < 0 ? ret : sl_store_read_keys(d->store, &reader);
}

/* Without it the gateway serves, and the log tells what is lost. */
static bool try_open(struct sl_daemon *d, const char *directory)
{
	int ret = open_store(d, directory);

	if (ret == 0)
		return true;
	sl_log_warn("state.open",
		    "directory=%s error=\"%s\" key=/gateway/state_dir effect=\"no key can be given "
		    "out, and those that were are refused\"",
		    directory,
		    ret == -EPROTO ? "a newer version has written it"
		    : ret == -EIO  ? sl_store_why(d->store)
				   : strerror(-ret));
	sl_store_close(d->store);
	d->store = NULL;
	return false;
}

/* A directory that nobody has asked for is made when there is something to keep. */
static bool is_wanted_now(const struct sl_daemon *d, const char *directory)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/sluice.db", directory);
	return d->state_dir || access(path, F_OK) == 0;
}

int sl_keys_open(struct sl_daemon *d)
{
	char mem[PATH_MAX];
	const char *directory = sl_state_directory(d, mem);

	d->shared.kept = sl_keystore_new();
	if (!d->shared.kept)
		return -ENOMEM;
	if (directory && is_wanted_now(d, directory) && try_open(d, directory) &&
	    sl_keystore_count(d->shared.kept))
		sl_log_info("state", "directory=%s keys=%u", directory,
			    sl_keystore_count(d->shared.kept));
	return 0;
}

bool sl_keys_can_keep(struct sl_daemon *d)
{
	char mem[PATH_MAX];
	const char *directory = sl_state_directory(d, mem);

	return d->store || (directory && try_open(d, directory));
}

void sl_keys_close(struct sl_daemon *d)
{
	sl_store_close(d->store);
	sl_keystore_free(d->shared.kept);
}

/* ---- who is cut off ---- */

struct marks {
	uint64_t *list;
	unsigned nr, room;
};

static void cut_off(struct sl_worker *w, void *arg)
{
	const struct marks *m = arg;

	sl_worker_cut_keys(w, m->list, m->nr);
}

void sl_keys_revoke(struct sl_daemon *d, struct sl_kept_key *key)
{
	uint64_t mark = sl_api_key_mark(&key->key);
	struct marks m = { &mark, 1, 1 };

	sl_keystore_revoke(d->shared.kept, key);
	sl_daemon_ask(d, cut_off, &m);
}

static bool is_good(const struct sl_rules *rules, const struct sl_api_key *key)
{
	const struct sl_keyring_entry *e = sl_keyring_find(rules->keys, key->sha256);

	return e && e->key->enabled && e->consumer->enabled;
}

static bool is_secret_good(const struct sl_rules *rules, const struct sl_api_key *key)
{
	const struct sl_consumer *owner;
	const struct sl_hmac_key *k = sl_hmac_keys_find(rules->hmac_keys, key->id, &owner);

	return k && k->key.enabled && owner->enabled &&
	       memcmp(k->key.sha256, key->sha256, sizeof(key->sha256)) == 0;
}

static void add_mark(struct marks *m, uint64_t mark)
{
	if (m->nr == m->room) {
		unsigned room = m->room ? m->room * 2 : 64;
		void *list = reallocarray(m->list, room, sizeof(*m->list));

		if (!list)
			return;
		m->list = list;
		m->room = room;
	}
	m->list[m->nr++] = mark;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Keys that were given out are no good either, once the file has their consumer no longer. */
static void gather_kept(struct sl_daemon *d, const struct sl_rules *old, struct marks *m)
{
	const struct sl_kept_key *k;
	unsigned at = 0;

	while ((k = sl_keystore_next(d->shared.kept, &at))) {
		const struct sl_consumer *was = sl_roster_find(old->roster, k->consumer),
					 *is = sl_roster_find(d->rules->roster, k->consumer);

		if (was && was->enabled && !(is && is->enabled))
			add_mark(m, sl_api_key_mark(&k->key));
	}
}

void sl_keys_note_reload(struct sl_daemon *d, const struct sl_rules *old)
{
	struct marks m = { NULL, 0, 0 };

	for (unsigned i = 0; i < old->keys->nr; i++)
		if (!is_good(d->rules, old->keys->entries[i].key))
			add_mark(&m, sl_api_key_mark(old->keys->entries[i].key));
	for (unsigned i = 0; i < old->hmac_keys->nr; i++)
		if (!is_secret_good(d->rules, &old->hmac_keys->keys[i]->key))
			add_mark(&m, sl_api_key_mark(&old->hmac_keys->keys[i]->key));
	gather_kept(d, old, &m);
	if (m.nr) {
		qsort(m.list, m.nr, sizeof(*m.list), by_number);
		sl_daemon_ask(d, cut_off, &m);
	}
	free(m.list);
}

/* ---- what others have changed ---- */

static int take_change(struct sl_str id, const struct sl_store_key *key, void *arg)
{
	struct sl_daemon *d = arg;
	struct sl_kept_key *known = sl_keystore_by_id(d->shared.kept, id);
	bool is_same =
		known && key && memcmp(known->key.sha256, key->sha256, SL_STORE_SHA256_BYTES) == 0;

	if (known && !is_same)
		sl_keys_revoke(d, known);
	else if (is_same)
		sl_keystore_expire(known, key->expires_s);
	return key && !is_same ? add(d, key) : 0;
}

void sl_keys_tick(struct sl_daemon *d)
{
	const struct sl_store_reader reader = { take_change, d };

	if (!d->store)
		return;
	if (sl_store_read_changes(d->store, &reader) == 0)
		d->keys_unread = false;
	else if (!d->keys_unread) {
		d->keys_unread = true; /* said once */
		sl_log_warn(
			"state.read",
			"error=\"%s\" effect=\"keys that another daemon has changed are as they "
			"were\"",
			sl_store_why(d->store));
	}
}

// SPDX-License-Identifier: Apache-2.0
// Commands about keys: on the disk first, then good in memory; and about the audit.
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/check.h"
#include "config/units.h"
#include "control/command.h"
#include "control/keys.h"
#include "policy/keystore.h"
#include "store/store.h"

enum {
	SECRET_BYTES = 32,
	SECRET_TEXT = 43, /* of these in base64url, without padding */
	ID_BYTES = 8,
	ID_MAX = 64,
	KEY_TEXT = 4 + ID_MAX + 1 + SECRET_TEXT + 2,
	SHOWN_MAX = 10000,
	AUDIT_SHOWN = 20,
	AUDIT_MAX = 1000,
};

#define OVERLAP_NS (SL_SEC * 3600 * 24)

/* ---- making one ---- */

static uint64_t wall_s(void)
{
	return sl_clock_ns(CLOCK_REALTIME) / SL_SEC;
}

/* Letters and digits that nobody takes for one another: what people read out on the telephone. */
static void put_random_id(char ret[ID_BYTES + 1], const uint8_t *random)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

	for (int i = 0; i < ID_BYTES; i++)
		ret[i] = letters[random[i] & 31];
	ret[ID_BYTES] = '\0';
}

/* base64url without padding (RFC 4648 5). */
static void put_secret(char ret[SECRET_TEXT + 2], const uint8_t random[SECRET_BYTES])
{
	EVP_EncodeBlock((unsigned char *)ret, random, SECRET_BYTES);
	ret[SECRET_TEXT] = '\0';
	for (char *c = ret; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
}

/* "slk_ID_SECRET": whoever finds one, in a log or a repository, knows what it is and whose. */
static int make_key(char ret_text[KEY_TEXT], char ret_id[ID_MAX + 1], struct sl_api_key *key)
{
	uint8_t random[SECRET_BYTES + ID_BYTES];
	char secret[SECRET_TEXT + 2];
	unsigned int n;
	int ret = 0;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	if (!ret_id[0])
		put_random_id(ret_id, random + SECRET_BYTES);
	put_secret(secret, random);
	snprintf(ret_text, KEY_TEXT, "slk_%s_%s", ret_id, secret);
	key->id = sl_str_of(ret_id);
	key->enabled = true;
	if (!EVP_Digest(ret_text, strlen(ret_text), key->sha256, &n, EVP_sha256(), NULL))
		ret = -ENOMEM;
	OPENSSL_cleanse(random, sizeof(random));
	OPENSSL_cleanse(secret, sizeof(secret));
	return ret;
}

static json_t *make_time(uint64_t s)
{
	time_t t = (time_t)s;
	char text[32];
	struct tm tm;

	if (!s || !gmtime_r(&t, &tm))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *no_store(void)
{
	return sl_command_error("there is nothing to keep keys in: name a gateway.state_dir that "
				"the daemon can write to, and restart it");
}

static json_t *store_failed(const struct sl_daemon *d)
{
	char text[256];

	sl_log_error("state.write", "error=\"%s\"", sl_store_why(d->store));
	snprintf(text, sizeof(text), "nothing was changed, as it could not be written: %s",
		 sl_store_why(d->store));
	return sl_command_error(text);
}

/* What is asked for: the words of a command behind the first. */
struct wish {
	char id[ID_MAX + 1]; /* "": any */
	uint64_t expires_s;  /* 0: never */
	uint64_t overlap_ns;
};

static const char *read_id(const char *value, struct wish *wish)
{
	if (sl_check_name(sl_str_of(value)))
		return "an id has 1 to 64 letters, digits, '-', '_' and '.'";
	strcpy(wish->id, value);
	return NULL;
}

static const char *read_expires(const char *value, struct wish *wish)
{
	uint64_t ns;

	wish->expires_s = 0;
	if (strcmp(value, "never") == 0)
		return NULL;
	if (sl_duration_parse(sl_str_of(value), &ns) == 0)
		wish->expires_s = wall_s() + ns / SL_SEC;
	else if (!sl_time_parse(value, &wish->expires_s))
		return "a key expires at a time such as 2027-01-31 or 2027-01-31T12:00:00Z, after "
		       "a "
		       "span such as 90d, or never";
	return wish->expires_s > wall_s() ? NULL : "that is past: the key would never be good";
}

static const char *read_overlap(const char *value, struct wish *wish)
{
	return sl_duration_parse(sl_str_of(value), &wish->overlap_ns) == 0
		       ? NULL
		       : "an overlap is a span such as 24h";
}

/* NULL, or what is wrong with them. */
static const char *read_options(const struct sl_command_args *args, bool is_rotation,
				struct wish *wish)
{
	const char *why = NULL;

	if (args->nr % 2 == 0)
		return "an option has no value";
	for (unsigned i = 1; i + 1 < args->nr && !why; i += 2) {
		const char *word = args->word[i], *value = args->word[i + 1];

		if (strcmp(word, "id") == 0)
			why = read_id(value, wish);
		else if (strcmp(word, "expires") == 0)
			why = read_expires(value, wish);
		else if (is_rotation && strcmp(word, "overlap") == 0)
			why = read_overlap(value, wish);
		else
			why = is_rotation ? "options are: overlap SPAN, id ID, expires TIME"
					  : "options are: id ID, expires TIME";
	}
	return why;
}

static const struct sl_api_key *find_in_file(const struct sl_rules *rules, struct sl_str id)
{
	for (unsigned i = 0; i < rules->keys->nr; i++)
		if (sl_str_eq(rules->keys->entries[i].key->id, id))
			return rules->keys->entries[i].key;
	return NULL;
}

static bool is_taken(const struct sl_daemon *d, const char *id)
{
	return *id && (sl_keystore_by_id(d->shared.kept, sl_str_of(id)) ||
		       find_in_file(d->rules, sl_str_of(id)));
}

/* On the disk, and then good: an answer that tells the key.  `old`, if any, retires. */
static json_t *add_key(struct sl_daemon *d, const struct sl_command_args *args,
		       struct sl_str consumer, struct wish *wish, struct sl_kept_key *old)
{
	struct sl_store_actor actor = { args->who, wall_s() };
	struct sl_api_key key = { .expires_s = wish->expires_s };
	uint64_t end_s = actor.now_s + wish->overlap_ns / SL_SEC;
	struct sl_store_key kept;
	char text[KEY_TEXT];
	json_t *answer;
	int ret;

	if (old && old->key.expires_s && old->key.expires_s < end_s)
		end_s = old->key.expires_s;
	if (make_key(text, wish->id, &key) < 0)
		return sl_command_error("no random numbers are to be had");
	kept = (struct sl_store_key){ key.id, consumer, key.sha256, actor.now_s, key.expires_s };
	ret = old ? sl_store_rotate_key(d->store, &actor, old->key.id, end_s, &kept)
		  : sl_store_add_key(d->store, &actor, &kept);
	if (ret < 0)
		return store_failed(d);
	if (old)
		sl_keystore_expire(old, end_s);
	if (sl_keystore_add(d->shared.kept, &key, consumer, actor.now_s) < 0)
		return sl_command_error("out of memory: the key is good after a restart");
	answer = json_pack("{s:s, s:s, s:s%, s:o, s:o}", "key", text, "id", wish->id, "consumer",
			   consumer.ptr, consumer.len, "created", make_time(actor.now_s), "expires",
			   make_time(key.expires_s));
	OPENSSL_cleanse(text, sizeof(text));
	return answer;
}

/* ---- create, rotate, revoke ---- */

json_t *sl_command_key_create(struct sl_daemon *d, const struct sl_command_args *args)
{
	const struct sl_consumer *c = sl_roster_find(d->rules->roster, sl_str_of(args->word[0]));
	struct wish wish = { .id = "" };
	const char *why;

	if (!c)
		return sl_command_error("the configuration has no such consumer");
	why = read_options(args, false, &wish);
	if (why)
		return sl_command_error(why);
	if (!sl_keys_can_keep(d)) /* it may make a file: only for what is kept */
		return no_store();
	if (is_taken(d, wish.id))
		return sl_command_error("a key has that id");
	return add_key(d, args, sl_str_of(c->name), &wish, NULL);
}

/* The key with this id; NULL with *ret_error. */
static struct sl_kept_key *find_kept(struct sl_daemon *d, const char *id, json_t **ret_error)
{
	struct sl_kept_key *k;

	k = sl_keystore_by_id(d->shared.kept, sl_str_of(id));
	if (!k)
		*ret_error = sl_command_error(
			find_in_file(d->rules, sl_str_of(id))
				? "that key stands in the configuration file: take it out there, "
				  "and reload"
				: "no key has that id: see \"key show\"");
	return k;
}

json_t *sl_command_key_revoke(struct sl_daemon *d, const struct sl_command_args *args)
{
	struct sl_store_actor actor = { args->who, wall_s() };
	json_t *answer = NULL;
	struct sl_kept_key *k = find_kept(d, args->word[0], &answer);

	if (!k)
		return answer;
	if (sl_store_revoke_key(d->store, &actor, k->key.id) < 0)
		return store_failed(d);
	sl_keys_revoke(d, k);
	return json_pack("{s:s%, s:s%}", "revoked", k->key.id.ptr, k->key.id.len, "consumer",
			 k->consumer.ptr, k->consumer.len);
}

/* Unless it is said, the new one ends when the old one would have: a contract does. */
json_t *sl_command_key_rotate(struct sl_daemon *d, const struct sl_command_args *args)
{
	json_t *answer = NULL;
	struct sl_kept_key *k = find_kept(d, args->word[0], &answer);
	struct wish wish = { .overlap_ns = OVERLAP_NS };
	const char *why;

	if (!k)
		return answer;
	wish.expires_s = k->key.expires_s;
	why = read_options(args, true, &wish);
	if (why)
		return sl_command_error(why);
	if (is_taken(d, wish.id))
		return sl_command_error("a key has that id");
	if (wish.expires_s && wish.expires_s <= wall_s())
		return sl_command_error("it has expired: say until when the new one is good, such "
					"as: expires 90d");
	return add_key(d, args, k->consumer, &wish, k);
}

/* ---- show ---- */

static json_t *make_shown(const struct sl_api_key *key, struct sl_str consumer, uint64_t created_s,
			  const char *source)
{
	json_t *shown =
		json_pack("{s:s%, s:s%, s:o, s:b, s:s}", "id", key->id.len ? key->id.ptr : "",
			  key->id.len, "consumer", consumer.ptr, consumer.len, "expires",
			  make_time(key->expires_s), "enabled", key->enabled, "source", source);

	if (created_s)
		json_object_set_new(shown, "created", make_time(created_s));
	return shown;
}

static bool is_wanted(const struct sl_command_args *args, struct sl_str consumer)
{
	return args->nr == 0 || sl_str_eq(consumer, sl_str_of(args->word[0]));
}

json_t *sl_command_key_show(struct sl_daemon *d, const struct sl_command_args *args)
{
	const struct sl_keyring *ring = d->rules->keys;
	json_t *list = json_array();
	const struct sl_kept_key *k;
	unsigned at = 0, nr = 0;

	for (unsigned i = 0; i < ring->nr; i++) {
		struct sl_str name = sl_str_of(ring->entries[i].consumer->name);

		if (is_wanted(args, name) && nr++ < SHOWN_MAX)
			json_array_append_new(list,
					      make_shown(ring->entries[i].key, name, 0, "file"));
	}
	while ((k = sl_keystore_next(d->shared.kept, &at)))
		if (is_wanted(args, k->consumer) && nr++ < SHOWN_MAX)
			json_array_append_new(
				list, make_shown(&k->key, k->consumer, k->created_s, "store"));
	return json_pack("{s:o, s:i}", "keys", list, "count", (int)nr);
}

static int add_deed(const struct sl_store_deed *deed, void *arg)
{
	return json_array_append_new(
		arg, json_pack("{s:I, s:o, s:s, s:s, s:s, s:s}", "seq", (json_int_t)deed->seq, "at",
			       make_time(deed->at_s), "who", deed->who, "what", deed->what,
			       "object", deed->object, "detail", deed->detail));
}

json_t *sl_command_audit_show(struct sl_daemon *d, const struct sl_command_args *args)
{
	unsigned long nr = args->nr ? strtoul(args->word[0], NULL, 10) : AUDIT_SHOWN;
	json_t *list;

	if (!d->store)
		return no_store();
	if (nr == 0 || nr > AUDIT_MAX)
		return sl_command_error("how many lines: 1 to 1000");
	list = json_array();
	if (sl_store_read_audit(d->store, (unsigned)nr, add_deed, list) == 0)
		return json_pack("{s:o}", "audit", list);
	json_decref(list);
	return store_failed(d);
}

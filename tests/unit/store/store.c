// SPDX-License-Identifier: Apache-2.0
// What is acknowledged is there after another opening, whole; and others' changes are heard of.
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

static const struct sl_store_actor actor = { "uid=7 pid=8", 1000 };
static char directory[] = "/tmp/sluice-store-XXXXXX";

/* What a reader was told: "+id" for a key, "-id" for one that is gone. */
static char told[512];

static int take(struct sl_str id, const struct sl_store_key *key, void *arg)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof(told) - len, "%c%.*s", key ? '+' : '-', SL_STR_ARG(id));
	if (key)
		snprintf(told + strlen(told), sizeof(told) - strlen(told), ":%.*s:%d:%d",
			 SL_STR_ARG(key->consumer), (int)key->expires_s, key->sha256[0]);
	strcat(told, " ");
	return 0;
}

static const struct sl_store_reader reader = { take, NULL };

static int add(struct sl_store *s, const char *id, uint8_t digit, uint64_t expires_s)
{
	uint8_t sha256[SL_STORE_SHA256_BYTES];
	struct sl_store_key key = { sl_str_of(id), SL_S("acme"), sha256, 1000, expires_s };

	memset(sha256, digit, sizeof(sha256));
	return sl_store_add_key(s, &actor, &key);
}

static int rotate(struct sl_store *s, const char *id, const char *new_id, uint8_t digit)
{
	uint8_t sha256[SL_STORE_SHA256_BYTES];
	struct sl_store_key key = { sl_str_of(new_id), SL_S("acme"), sha256, 1000, 0 };

	memset(sha256, digit, sizeof(sha256));
	return sl_store_rotate_key(s, &actor, sl_str_of(id), 1500, &key);
}

static struct sl_store *open_it(void)
{
	struct sl_store *s = NULL;

	if (sl_store_open(directory, &s) == 0)
		return s;
	ok(false, "it opens: %s", s ? sl_store_why(s) : "no memory");
	exit(done_testing());
}

static struct sl_str keys_of(struct sl_store *s)
{
	told[0] = '\0';
	is_int(sl_store_read_keys(s, &reader), 0, "keys are read");
	return sl_str_of(told);
}

static struct sl_str changes_of(struct sl_store *s)
{
	told[0] = '\0';
	is_int(sl_store_read_changes(s, &reader), 0, "changes are read");
	return sl_str_of(told);
}

static void keeps(void)
{
	struct sl_store *s = open_it();

	is_str(keys_of(s), "", "nothing is there at first");
	is_int(add(s, "a", 1, 0), 0, "one");
	is_int(add(s, "b", 2, 2000), 0, "another");
	is_int(add(s, "c", 1, 0), -EIO, "a digest is there once");
	ok(strstr(sl_store_why(s), "UNIQUE"), "and why: %s", sl_store_why(s));
	is_int(sl_store_revoke_key(s, &actor, SL_S("a")), 0, "one goes");
	is_int(rotate(s, "b", "d", 2), -EIO, "a rotation that cannot be");
	is_int(rotate(s, "b", "d", 4), 0, "and one that can");
	sl_store_close(s);
	s = open_it();
	is_str(keys_of(s), "+b:acme:1500:2 +d:acme:0:4 ", "so it is after another opening");
	sl_store_close(s);
}

static void others(void)
{
	struct sl_store *s = open_it(), *other = open_it();

	keys_of(s);
	keys_of(other);
	is_str(changes_of(s), "", "nobody has changed anything");
	changes_of(other);
	add(other, "e", 5, 0);
	sl_store_revoke_key(other, &actor, SL_S("d"));
	is_str(changes_of(s), "+e:acme:0:5 -d ", "what another has done is told");
	is_str(changes_of(s), "", "once");
	is_str(changes_of(other), "", "one's own is no news");
	add(s, "f", 6, 0);
	is_str(changes_of(other), "+e:acme:0:5 -d +f:acme:0:6 ",
	       "but comes along, as it is now, with others'");
	sl_store_close(other);
	sl_store_close(s);
}

struct seen {
	unsigned nr;
	char first[64];
};

static int count(const struct sl_store_deed *deed, void *arg)
{
	struct seen *seen = arg;

	if (seen->nr++ == 0)
		snprintf(seen->first, sizeof(seen->first), "%s %s %s", deed->who, deed->what,
			 deed->object);
	return 0;
}

static void deeds(void)
{
	struct sl_store *s = open_it();
	struct seen all = { 0 }, two = { 0 };

	is_int(sl_store_read_audit(s, 100, count, &all), 0, "the audit is read");
	is_int(all.nr, 8, "what failed is not in it, the rest is");
	is_str(sl_str_of(all.first), "uid=7 pid=8 key create f", "the newest first");
	is_int(sl_store_read_audit(s, 2, count, &two), 0, "a part of it");
	is_int(two.nr, 2, "as much as was asked for");
	sl_store_close(s);
}

static void refuses(void)
{
	struct sl_store *s = NULL;
	char path[64];
	FILE *f;

	is_int(sl_store_open("/nowhere/at/all", &s), -EIO, "no directory");
	ok(s && *sl_store_why(s), "why is told: %s", s ? sl_store_why(s) : "");
	sl_store_close(s);
	snprintf(path, sizeof(path), "%s/sluice.db", directory);
	unlink(path);
	f = fopen(path, "w");
	for (int i = 0; f && i < 1000; i++)
		fputs("no database ", f);
	if (f)
		fclose(f);
	is_int(sl_store_open(directory, &s), -EIO, "no database");
	sl_store_close(s);
	unlink(path);
	if (symlink("/tmp/sluice-no-such-target", path) == 0)
		is_int(sl_store_open(directory, &s), -EIO, "a link is not followed");
	sl_store_close(s);
}

int main(void)
{
	char command[64];

	if (!ok(mkdtemp(directory) != NULL, "a directory"))
		return done_testing();
	keeps();
	others();
	deeds();
	refuses();
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ok(system(command) == 0, "all is taken away");
	return done_testing();
}

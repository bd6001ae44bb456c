// SPDX-License-Identifier: Apache-2.0
// Keys and the audit, in SQLite.
#include "store/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { VERSION = 1, BUSY_MS = 2000 };

struct sl_store {
	sqlite3 *db;
	sqlite3_stmt *version; /* tells whether somebody else has written */
	sqlite3_int64 version_seen, seq_seen;
	char why[200];
};

/* Nobody changes or takes back what the audit says, the daemon itself included. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS keys ("
	" id TEXT PRIMARY KEY NOT NULL, sha256 BLOB UNIQUE NOT NULL, consumer TEXT NOT NULL,"
	" created INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS keys_of_consumer ON keys (consumer);"
	"CREATE TABLE IF NOT EXISTS audit ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL,"
	" what TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL) STRICT;"
	"CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE UPDATE ON audit"
	" BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;"
	"CREATE TRIGGER IF NOT EXISTS audit_is_kept BEFORE DELETE ON audit"
	" BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;"
	"PRAGMA user_version = 1;";

const char *sl_store_why(const struct sl_store *store)
{
	return *store->why ? store->why : "out of memory";
}

/* What comes next, such as going back, makes SQLite forget what was wrong. */
static int fail(struct sl_store *store)
{
	snprintf(store->why, sizeof(store->why), "%s", sqlite3_errmsg(store->db));
	return -EIO;
}

static int run(struct sl_store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(store);
}

static sqlite3_stmt *prepare(struct sl_store *store, const char *sql)
{
	sqlite3_stmt *s = NULL;

	return sqlite3_prepare_v2(store->db, sql, -1, &s, NULL) == SQLITE_OK ? s : NULL;
}

/* A number, the first of what is asked for; -1: it failed. */
static sqlite3_int64 read_number(struct sl_store *store, const char *sql)
{
	sqlite3_stmt *s = prepare(store, sql);
	sqlite3_int64 n = -1;

	if (s && sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

/* What has begun ends whole or not at all. */
static int finish(struct sl_store *store, int ret)
{
	if (ret == -EIO)
		fail(store);
	if (ret == 0)
		ret = run(store, "COMMIT");
	if (ret < 0 && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static int set_up(struct sl_store *store)
{
	sqlite3_int64 version;
	int ret;

	sqlite3_busy_timeout(store->db, BUSY_MS);
	version = read_number(store, "PRAGMA user_version");
	if (version > VERSION)
		return -EPROTO;
	ret = version < 0 ? fail(store) : 0;
	if (ret == 0)
		ret = run(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				 "PRAGMA trusted_schema = OFF;");
	if (ret == 0)
		ret = run(store, "BEGIN IMMEDIATE");
	if (ret < 0)
		return ret;
	return finish(store, run(store, schema));
}

int sl_store_open(const char *directory, struct sl_store **ret_store)
{
	struct sl_store *store = calloc(1, sizeof(*store));
	char path[4096];
	mode_t mask;
	int code;

	*ret_store = store;
	if (!store)
		return -ENOMEM;
	if (snprintf(path, sizeof(path), "%s/sluice.db", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	mask = umask(0077); /* the write-ahead log is made with the same mode */
	code = sqlite3_open_v2(path, &store->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
			       NULL);
	umask(mask);
	if (code != SQLITE_OK)
		return store->db ? fail(store) : -ENOMEM;
	return set_up(store);
}

void sl_store_close(struct sl_store *store)
{
	if (!store)
		return;
	sqlite3_finalize(store->version);
	sqlite3_close(store->db);
	free(store);
}

/* ---- statements ---- */

static bool bind_text(sqlite3_stmt *s, int at, struct sl_str text)
{
	return sqlite3_bind_text(s, at, text.ptr, (int)text.len, SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_number(sqlite3_stmt *s, int at, uint64_t n)
{
	return sqlite3_bind_int64(s, at, (sqlite3_int64)n) == SQLITE_OK;
}

static int step(sqlite3_stmt *s, bool is_bound)
{
	int ret = s && is_bound && sqlite3_step(s) == SQLITE_DONE ? 0 : -EIO;

	sqlite3_finalize(s);
	return ret;
}

static int note(struct sl_store *store, const struct sl_store_actor *actor, const char *what,
		struct sl_str object, const char *detail)
{
	sqlite3_stmt *s = prepare(
		store, "INSERT INTO audit (at, who, what, object, detail) VALUES (?, ?, ?, ?, ?)");

	return step(s, s && bind_number(s, 1, actor->now_s) &&
			       bind_text(s, 2, sl_str_of(actor->who)) &&
			       bind_text(s, 3, sl_str_of(what)) && bind_text(s, 4, object) &&
			       bind_text(s, 5, sl_str_of(detail)));
}

/* ---- keys ---- */

static int insert_key(struct sl_store *store, const struct sl_store_key *key)
{
	sqlite3_stmt *s = prepare(store, "INSERT INTO keys (id, sha256, consumer, created, expires)"
					 " VALUES (?, ?, ?, ?, ?)");

	return step(s, s && bind_text(s, 1, key->id) &&
			       sqlite3_bind_blob(s, 2, key->sha256, SL_STORE_SHA256_BYTES,
						 SQLITE_STATIC) == SQLITE_OK &&
			       bind_text(s, 3, key->consumer) &&
			       bind_number(s, 4, key->created_s) &&
			       bind_number(s, 5, key->expires_s));
}

/* As people read it in the audit. */
static const char *put_end(char ret[32], uint64_t end_s)
{
	time_t t = (time_t)end_s;
	struct tm tm;

	if (end_s == 0 || !gmtime_r(&t, &tm))
		return "never";
	strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return ret;
}

static int note_key(struct sl_store *store, const struct sl_store_actor *actor,
		    const struct sl_store_key *key)
{
	char detail[160], end[32];

	snprintf(detail, sizeof(detail), "consumer=%.*s expires=%s", SL_STR_ARG(key->consumer),
		 put_end(end, key->expires_s));
	return note(store, actor, "key create", key->id, detail);
}

int sl_store_add_key(struct sl_store *store, const struct sl_store_actor *actor,
		     const struct sl_store_key *key)
{
	int ret = run(store, "BEGIN IMMEDIATE");

	if (ret < 0)
		return ret;
	ret = insert_key(store, key);
	if (ret == 0)
		ret = note_key(store, actor, key);
	return finish(store, ret);
}

int sl_store_revoke_key(struct sl_store *store, const struct sl_store_actor *actor,
			struct sl_str id)
{
	sqlite3_stmt *s;
	int ret = run(store, "BEGIN IMMEDIATE");

	if (ret < 0)
		return ret;
	s = prepare(store, "DELETE FROM keys WHERE id = ?");
	ret = step(s, s && bind_text(s, 1, id));
	if (ret == 0)
		ret = note(store, actor, "key revoke", id, "");
	return finish(store, ret);
}

static int set_end(struct sl_store *store, struct sl_str id, uint64_t end_s)
{
	sqlite3_stmt *s = prepare(store, "UPDATE keys SET expires = ? WHERE id = ?");

	return step(s, s && bind_number(s, 1, end_s) && bind_text(s, 2, id));
}

int sl_store_rotate_key(struct sl_store *store, const struct sl_store_actor *actor,
			struct sl_str id, uint64_t end_s, const struct sl_store_key *key)
{
	char detail[160], end[32];
	int ret = run(store, "BEGIN IMMEDIATE");

	if (ret < 0)
		return ret;
	snprintf(detail, sizeof(detail), "expires=%s new=%.*s", put_end(end, end_s),
		 SL_STR_ARG(key->id));
	ret = set_end(store, id, end_s);
	if (ret == 0)
		ret = note(store, actor, "key rotate", id, detail);
	if (ret == 0)
		ret = insert_key(store, key);
	if (ret == 0)
		ret = note_key(store, actor, key);
	return finish(store, ret);
}

/* ---- reading them ---- */

#define KEY_COLUMNS "id, sha256, consumer, created, expires"

static struct sl_str column_text(sqlite3_stmt *s, int at)
{
	const char *text = (const char *)sqlite3_column_text(s, at);

	return (struct sl_str){ text ? text : "", (size_t)sqlite3_column_bytes(s, at) };
}

static int tell(sqlite3_stmt *s, const struct sl_store_reader *reader)
{
	const struct sl_store_key key = {
		.id = column_text(s, 0),
		.sha256 = sqlite3_column_blob(s, 1),
		.consumer = column_text(s, 2),
		.created_s = (uint64_t)sqlite3_column_int64(s, 3),
		.expires_s = (uint64_t)sqlite3_column_int64(s, 4),
	};

	if (sqlite3_column_bytes(s, 1) != SL_STORE_SHA256_BYTES)
		return 0;
	return reader->take(key.id, &key, reader->arg);
}

static int read_all(struct sl_store *store, const struct sl_store_reader *reader)
{
	sqlite3_stmt *s = prepare(store, "SELECT " KEY_COLUMNS " FROM keys");
	int code = SQLITE_ERROR, ret = 0;

	while (s && ret == 0 && (code = sqlite3_step(s)) == SQLITE_ROW)
		ret = tell(s, reader);
	sqlite3_finalize(s);
	return ret ? ret : code == SQLITE_DONE ? 0 : -EIO;
}

/* The last line of the audit that was looked at goes with the keys, as of one moment. */
int sl_store_read_keys(struct sl_store *store, const struct sl_store_reader *reader)
{
	int ret = run(store, "BEGIN");

	if (ret < 0)
		return ret;
	store->seq_seen = read_number(store, "SELECT coalesce(max(seq), 0) FROM audit");
	ret = store->seq_seen < 0 ? -EIO : read_all(store, reader);
	return finish(store, ret);
}

static bool is_changed(struct sl_store *store)
{
	sqlite3_int64 version = -1;

	if (!store->version)
		store->version = prepare(store, "PRAGMA data_version");
	if (store->version && sqlite3_step(store->version) == SQLITE_ROW)
		version = sqlite3_column_int64(store->version, 0);
	if (store->version)
		sqlite3_reset(store->version);
	if (version == store->version_seen)
		return false;
	store->version_seen = version;
	return true;
}

static int tell_of(struct sl_store *store, struct sl_str id, const struct sl_store_reader *reader)
{
	sqlite3_stmt *s = prepare(store, "SELECT " KEY_COLUMNS " FROM keys WHERE id = ?");
	int code = s && bind_text(s, 1, id) ? sqlite3_step(s) : SQLITE_ERROR, ret = -EIO;

	if (code == SQLITE_ROW)
		ret = tell(s, reader);
	else if (code == SQLITE_DONE)
		ret = reader->take(id, NULL, reader->arg);
	sqlite3_finalize(s);
	return ret;
}

/* Each change has a line in the audit whose object is the key's id. */
static int read_lines(struct sl_store *store, const struct sl_store_reader *reader)
{
	sqlite3_stmt *s =
		prepare(store, "SELECT seq, object FROM audit WHERE seq > ? ORDER BY seq");
	int code = SQLITE_ERROR, ret = 0;

	if (s && sqlite3_bind_int64(s, 1, store->seq_seen) != SQLITE_OK)
		ret = -EIO;
	while (s && ret == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
		ret = tell_of(store, column_text(s, 1), reader);
		if (ret == 0)
			store->seq_seen = sqlite3_column_int64(s, 0);
	}
	sqlite3_finalize(s);
	return ret ? ret : code == SQLITE_DONE ? 0 : -EIO;
}

int sl_store_read_changes(struct sl_store *store, const struct sl_store_reader *reader)
{
	int ret;

	if (!is_changed(store))
		return 0;
	ret = run(store, "BEGIN");
	if (ret == 0)
		ret = finish(store, read_lines(store, reader));
	if (ret < 0)
		store->version_seen = -1; /* tried again */
	return ret;
}

/* ---- the audit ---- */

static const char *column_word(sqlite3_stmt *s, int at)
{
	const char *text = (const char *)sqlite3_column_text(s, at);

	return text ? text : "";
}

int sl_store_read_audit(struct sl_store *store, unsigned nr,
			int (*each)(const struct sl_store_deed *, void *), void *arg)
{
	sqlite3_stmt *s = prepare(store, "SELECT seq, at, who, what, object, detail FROM audit"
					 " ORDER BY seq DESC LIMIT ?");
	int code = SQLITE_ERROR, ret = 0;

	if (s && !bind_number(s, 1, nr))
		ret = fail(store);
	while (s && ret == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
		const struct sl_store_deed deed = {
			.seq = (uint64_t)sqlite3_column_int64(s, 0),
			.at_s = (uint64_t)sqlite3_column_int64(s, 1),
			.who = column_word(s, 2),
			.what = column_word(s, 3),
			.object = column_word(s, 4),
			.detail = column_word(s, 5),
		};

		ret = each(&deed, arg);
	}
	sqlite3_finalize(s);
	return ret ? ret : code == SQLITE_DONE ? 0 : fail(store);
}

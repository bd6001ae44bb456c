/* SPDX-License-Identifier: Apache-2.0 */
/* What is managed at run time and has to survive: a SQLite file in gateway.state_dir.  Only the
 * main thread uses it, and never for a request. */
#ifndef SL_STORE_STORE_H
#define SL_STORE_STORE_H

#include <stdint.h>

#include "base/str.h"

enum { SL_STORE_SHA256_BYTES = 32 };

struct sl_store;

/* Why a call failed, in SQLite's words; borrowed until the next call. */
const char *sl_store_why(const struct sl_store *store);

/* Opens or makes directory/sluice.db, mode 0600.  What was acknowledged survives a power cut
 * (write-ahead log, fsync before the answer).  0; -errno; -EPROTO: a newer version has written it.
 * *ret_store is there to be asked why, and to be closed, unless it is NULL. */
int sl_store_open(const char *directory, struct sl_store **ret_store);
void sl_store_close(struct sl_store *store); /* NULL is fine */

/* Who did it, for the audit: a word, such as "uid=0 pid=17". */
struct sl_store_actor {
	const char *who;
	uint64_t now_s; /* since 1970 */
};

struct sl_store_key {
	struct sl_str id, consumer;
	const uint8_t *sha256;
	uint64_t created_s, expires_s; /* expires_s 0: never */
};

/* Each: 0 when it is on the disk, with lines in the audit; or -EIO and why, and nothing has
 * changed. */
int sl_store_add_key(struct sl_store *store, const struct sl_store_actor *actor,
		     const struct sl_store_key *key);
int sl_store_revoke_key(struct sl_store *store, const struct sl_store_actor *actor,
			struct sl_str id);
/* The one with this id ends at end_s, and the other one is there in its place. */
int sl_store_rotate_key(struct sl_store *store, const struct sl_store_actor *actor,
			struct sl_str id, uint64_t end_s, const struct sl_store_key *key);

/* Is told of a key; `key` is NULL when there is none with this id any more.  Another number than 0
 * ends the reading, and is returned by it. */
struct sl_store_reader {
	int (*take)(struct sl_str id, const struct sl_store_key *key, void *arg);
	void *arg;
};

/* All keys. */
int sl_store_read_keys(struct sl_store *store, const struct sl_store_reader *reader);
/* Those that anybody has changed since keys were read last, by this call or that one: another
 * daemon may have the same directory, and so has the predecessor while an upgrade goes on.  Costs
 * next to nothing if nobody has. */
int sl_store_read_changes(struct sl_store *store, const struct sl_store_reader *reader);

/* A line of the audit. */
struct sl_store_deed {
	uint64_t seq, at_s;
	const char *who, *what, *object, *detail;
};

/* The newest nr lines, the newest first. */
int sl_store_read_audit(struct sl_store *store, unsigned nr,
			int (*each)(const struct sl_store_deed *, void *), void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Host names of targets: looked up by a thread of its own (c-ares), again when their time is over,
 * and remembered when nobody answers. */
#ifndef SL_UPSTREAM_NAMES_H
#define SL_UPSTREAM_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "net/addr.h"

enum { SL_NAME_MAX = 253, SL_NAME_ADDRESSES_MAX = 64 };

struct sl_names_conf {
	const char *servers;	 /* "192.0.2.53,[2001:db8::53]:5353"; NULL: /etc/resolv.conf */
	uint64_t timeout_ns;	 /* of a look-up, all tries; at least 100 ms */
	uint64_t min_ns, max_ns; /* an answer is believed for its TTL, within these */
};

struct sl_name_status {
	char host[SL_NAME_MAX + 1];
	unsigned addresses_nr;
	uint64_t failures; /* look-ups since the last that succeeded */
	bool is_stale;	   /* the last look-up failed: the addresses are those of before */
};

struct sl_names;

/* changed_fd is an eventfd, borrowed: 1 is added when the addresses of a name are not any more what
 * sl_names_lookup() gave.  0 or a negative errno. */
int sl_names_new(struct sl_names **ret_names, const struct sl_names_conf *conf, int changed_fd);
/* One more, or one fewer, that holds it; the last one waits for the thread.  NULL is fine.  Holders
 * are all on one thread. */
struct sl_names *sl_names_ref(struct sl_names *n);
void sl_names_unref(struct sl_names *n);
/* Was it made with the same settings? */
bool sl_names_is_like(const struct sl_names *n, const struct sl_names_conf *conf);

/* Asks for a host, once more if its addresses are not known; does not wait.  From then on it is
 * watched.  Who wants several asks for all before looking the first one up.  0, -ENOENT for what
 * cannot be a host, or -ENOMEM. */
int sl_names_ask(struct sl_names *n, struct sl_str host);
/*
 * The addresses of a host, sorted, without ports; at once when they are known, however old, else
 * when they come.  It is asked for if it was not.  All that are looked up since sl_names_begin()
 * wait until the same time, timeout_ns and a second after the first had to.  How many; -ENOENT:
 * there is no such host; -ETIMEDOUT: nobody answers; -ENOMEM.
 */
int sl_names_lookup(struct sl_names *n, struct sl_str host, struct sl_addr *ret, unsigned max);

/* Hosts that were not looked up between these two are forgotten; without the end all stay. */
void sl_names_begin(struct sl_names *n);
void sl_names_end(struct sl_names *n);

/* The first `max` hosts that are watched; how many were written. */
unsigned sl_names_list(struct sl_names *n, struct sl_name_status *ret, unsigned max);

#endif

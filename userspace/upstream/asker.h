/* SPDX-License-Identifier: Apache-2.0 */
/* Asks name servers, many questions at a time, on one thread: c-ares, which knows /etc/hosts,
 * search lists, retries and TCP. */
#ifndef SL_UPSTREAM_ASKER_H
#define SL_UPSTREAM_ASKER_H

#include <stdint.h>

#include "upstream/names.h"

struct sl_answer {
	int error; /* 0; -ENOENT: no such host; -ETIMEDOUT: nobody answers; -ECANCELED: freed */
	uint64_t ttl_s;
	unsigned nr;
	struct sl_ip ips[SL_NAME_ADDRESSES_MAX];
};

struct sl_asker;

/* servers as in sl_names_conf.  NULL: out of memory, or malformed. */
struct sl_asker *sl_asker_new(const char *servers, uint64_t timeout_ns);
void sl_asker_free(struct sl_asker *a); /* answers what is open with -ECANCELED; NULL is fine */
/* done(arg, answer) is called once, now or in sl_asker_wait(), or at the end. */
void sl_asker_ask(struct sl_asker *a, const char *host,
		  void (*done)(void *arg, struct sl_answer *answer), void *arg);
/* Until something was answered, wake_fd (an eventfd, emptied) is readable, or the time has come; a
 * may be NULL. */
void sl_asker_wait(struct sl_asker *a, int wake_fd, uint64_t until_ns);

#endif

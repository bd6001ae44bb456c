/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets of a configuration: one a listener and worker. */
#ifndef SL_CONTROL_LISTENERS_H
#define SL_CONTROL_LISTENERS_H

#include <stdio.h>

#include "gate/rules.h"

#define SL_LISTENER_NEW UINT32_MAX

struct sl_listeners {
	unsigned nr, workers;
	uint32_t kept[SL_LISTENERS_MAX]; /* the old one that goes on under it, or SL_LISTENER_NEW */
	int *fds;			 /* [worker * nr + listener]; -1: kept, or given away */
};

struct sl_inherited;

/* Opens what is neither in `old` already nor inherited (NULL: nothing is), for so many workers.  0,
 * or a negative errno when the reason is logged, and told to `errors` (NULL: to nobody) with its
 * key, and nothing is left open. */
int sl_listeners_open(struct sl_listeners *l, const struct sl_rules *rules,
		      const struct sl_rules *old, unsigned workers, struct sl_inherited *in,
		      FILE *errors);
/* What may help against the error, as " hint=..." for a log line; mostly empty. */
const char *sl_listener_hint(const struct sl_addr *addr, int error);
/* The sockets of one worker; the caller takes over those that it uses and sets them to -1. */
int *sl_listeners_of(struct sl_listeners *l, unsigned worker);
/* Who may connect by a unix socket that stays, if the configuration says so.  A failure is
 * logged. */
void sl_listeners_set_mode(const struct sl_listener_conf *conf);
/* May there be several sockets on its address? */
bool sl_listener_is_shareable(int fd);
/* Closes what was not taken. */
void sl_listeners_fini(struct sl_listeners *l);

#endif

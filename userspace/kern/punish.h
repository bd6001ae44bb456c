/* SPDX-License-Identifier: Apache-2.0 */
/* From what userspace learns of a client to what the kernel does about it. */
#ifndef SL_KERN_PUNISH_H
#define SL_KERN_PUNISH_H

#include "kern/guard.h"

struct sl_offence {
	const struct sl_ip *ip;	  /* of a client whose address is real: its handshake is done */
	bool is_forwarded;	  /* a proxy says so: it is punished in userspace alone */
	const char *reason;	  /* a word of up to 15 letters */
	uint32_t rule;		  /* the operator's number for it, 0: none */
	struct sl_str request_id; /* of the request that it failed with last */
};

enum sl_punished {
	SL_PUNISH_NOT,	     /* protected, punished already, or too little for it */
	SL_PUNISH_SHADOW,    /* it would be */
	SL_PUNISH_NO_BUDGET, /* too many have been, this minute */
	SL_PUNISH_DONE,
};

/*
 * Denies the client for ns, or, with 0, for as long as the rules say: `for`, twice as long with
 * each time before that is not forgotten, `max` at most.  In the kernel's map if there is one and
 * the address is the connection's own, else in our table.  Logs it.  Any thread.
 */
enum sl_punished sl_punish(struct sl_guard *g, const struct sl_offence *o, uint64_t ns,
			   uint64_t now_ns);

/* Counts a failure of the client, and punishes it if that is one too many. */
enum sl_punished sl_guard_failed(struct sl_guard *g, const struct sl_offence *o, uint64_t now_ns);

/* How many places of the kernel's map are taken, over or not; of SL_PUNISHED_MAX.  In a full one
 * who was seen least lately gives way to who is punished next. */
uint32_t sl_punished_count(int punished_fd);

/* What a map's entry says of the time before: repeats that are not forgotten. */
uint32_t sl_punish_repeats(uint32_t repeats, uint64_t until_ns, uint64_t max_ns, uint64_t now_ns);
/* How long the next one is. */
uint64_t sl_punish_duration(const struct sl_punish_conf *conf, uint32_t repeats);

#endif

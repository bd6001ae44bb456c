/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's sampled drop events, as they come: for whoever watches. */
#ifndef SL_SLUICECTL_DROPS_H
#define SL_SLUICECTL_DROPS_H

#include "ctl.h"
#include "kern/gate.h"

struct ring_buffer;

/* Each event, once.  False: enough, the rest of those that are there comes with the next look. */
typedef bool drops_fn(void *context, const struct sl_event *event);

struct drops {
	const struct ctl *ctl;
	struct sl_gate *gate;
	struct ring_buffer *ring;
	drops_fn *on_drop;
	void *context;
	int reader;	 /* a directory, locked: a ring has one reader */
	unsigned budget; /* events that this look may still take */
	bool is_old;	 /* what is in the ring was told before anybody watched */
	uint32_t sample, sample_before;
	uint64_t counted; /* drops, when it began */
	uint64_t seen;
};

/*
 * Becomes the one reader of the gate's ring, and has one of `sample` drops told; with 0, as many as
 * are told already, or else each.  Gate and context are borrowed until drops_close().  Fails, with
 * the pid in the message, while another one reads.
 */
enum ctl_exit drops_open(struct ctl *ctl, struct sl_gate *gate, uint32_t sample, drops_fn *on_drop,
			 void *context, struct drops *ret_drops);
/* Hands on what has come since the last look; a bounded part of it. */
void drops_look(struct drops *d);
/* How many events the ring had no room for; false: nobody can tell, since sampling was changed, or
 * chance hides it. */
bool drops_lost(struct drops *d, uint64_t *ret_lost);
/* Sampling is what it was, unless somebody else has set it meanwhile. */
void drops_close(struct drops *d);
/* The process that reads the ring of --pins, 0: none, or one that cannot be seen from here. */
int drops_reader(const struct ctl *ctl);

/* ---- one event in words ---- */

/* The entry of an image that an event names, if that still is what it was. */
struct drops_entry {
	struct sl_prefix prefix;
	struct sl_rule rule;
};

/* False: there is none with this number that covers the address. */
bool drops_find_entry(struct sl_image *image, uint32_t number, const struct sl_address *source,
		      struct drops_entry *ret_entry);
/* "tcp"; mem has at least 8 bytes. */
const char *drops_protocol(uint8_t protocol, char *mem);

#endif

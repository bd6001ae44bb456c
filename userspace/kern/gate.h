/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel half from outside: loading it, its maps, its lists. */
#ifndef SL_KERN_GATE_H
#define SL_KERN_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/prefix.h"
#include "sluice/abi.h"

#define SL_BPFFS "/sys/fs/bpf"
#define SL_PINS_MAX 256 /* bytes of the directory's path, with its NUL */

/* Why something did not work, for a person: what, why, and what to do. */
struct sl_why {
	char text[400];
};

/* The maps, open.  Descriptors are -1 where there is none. */
struct sl_gate {
	int control, image, ports, punished, cells, counters, events, interfaces;
	uint32_t image_lines;	     /* of every image */
	uint32_t image_map;	     /* number of the map that `image` is */
	struct sl_control *switches; /* the control map, mapped: a store takes effect at once */
	char pins[SL_PINS_MAX];	     /* where they are pinned; empty: nowhere */
};

#define SL_ABI_OLDEST 2u /* from this version on all maps but the images are laid out as today */
#define SL_GATE_MAPS 8	 /* of which are pinned by a name */

struct sl_gate_program; /* loaded, and attached nowhere yet */

/* How to load. */
struct sl_gate_options {
	const char *pins;     /* directory in a BPF file system, made if need be; NULL: no pins */
	uint32_t image_lines; /* 0: the default, or what pinned maps have */
	uint32_t cell_sets;   /* a power of two up to SL_CELL_SETS_MAX; 0: that */
	uint32_t slot;	      /* of the interface, below SL_INTERFACES_MAX */
	bool has_fragments;   /* for frames larger than a page */
	const int *image;     /* the array of images to use, whatever is pinned; NULL: what is */
};

/*
 * Loads the program, with new maps or those that are pinned, and opens them.  A first load
 * publishes an empty list and enforces.  0, or a negative errno and why: -EPERM without CAP_BPF and
 * CAP_NET_ADMIN, -EPROTO if pinned maps are of another version.  *ret_program:
 * sl_gate_program_free.
 */
int sl_gate_load(struct sl_gate *gate, const struct sl_gate_options *options,
		 struct sl_gate_program **ret_program, struct sl_why *why);
/* Opens pinned maps.  0; -ENOENT: there are none; other errors with why. */
int sl_gate_open(struct sl_gate *gate, const char *pins, struct sl_why *why);
/* The gate of maps that another process has opened: sl_gate_fds() of its gate.  Takes over the
 * descriptors, whether or not it succeeds.  0, or a negative errno and why. */
int sl_gate_adopt(struct sl_gate *gate, const int fds[SL_GATE_MAPS], uint32_t image_lines,
		  const char *pins, struct sl_why *why);
/* All its descriptors, which stay the gate's: how many. */
unsigned sl_gate_fds(struct sl_gate *gate, int ret_fds[SL_GATE_MAPS]);
/* One that has nothing open. */
void sl_gate_init(struct sl_gate *gate);
/* Whatever version they are of, for who takes them over: no call but the growth's may follow. */
int sl_gate_open_any(struct sl_gate *gate, const char *pins, struct sl_why *why);
void sl_gate_close(struct sl_gate *gate); /* and is as sl_gate_init() makes it then */
/* Removes the pins of all maps; they go when no program and no process has them any more, and to
 * those that still have them gate->switches->version is 0 from then on.  0, or a negative errno and
 * why. */
int sl_gate_unpin(const char *pins, struct sl_why *why);
/* Whoever reads a list in order to change it holds this meanwhile: a descriptor to close, or a
 * negative errno.  Waits for others.  Ends what another has begun and not ended: a growth. */
int sl_gate_lock(const char *pins);
/* The lock alone, for who takes off what is there, in whatever state it is. */
int sl_pins_lock(const char *pins);
/* When another has put a larger array of images in the place of ours: opens that.  All that reads
 * or changes a list does it.  0 or a negative errno. */
int sl_gate_refresh(struct sl_gate *gate);
/* Whether another has. */
bool sl_gate_is_stale(const struct sl_gate *gate);
/* Takes over the array of images. */
void sl_gate_use_images(struct sl_gate *gate, int fd, uint32_t lines);

int sl_gate_program_fd(const struct sl_gate_program *program);
void sl_gate_program_free(struct sl_gate_program *program); /* NULL is fine */

/*
 * Compiles a list, which is sorted by this, and makes it the one that holds; the one before it
 * stays at hand.  Packets are judged by the old list or by the new one, never by a mix, and the
 * hits of what stays go on, whatever the list says.  Where the maps are pinned, a list that needs
 * more room gets it: gate->image_lines says how much.  0, or a negative errno and why; then nothing
 * has changed.  -EBUSY: a list is on trial.  -ENOSPC: there is not enough room, and no more to get.
 */
int sl_gate_publish(struct sl_gate *gate, struct sl_prefixes *list, struct sl_why *why);
/* The same on trial, unless trial_ns is 0: if nobody confirms it in that time, the program itself
 * goes back to the list before it. */
int sl_gate_try(struct sl_gate *gate, struct sl_prefixes *list, uint64_t trial_ns,
		struct sl_why *why);

/* The list that holds, published anew in so many lines at least; as sl_gate_publish(). */
int sl_gate_grow(struct sl_gate *gate, uint32_t lines, struct sl_why *why);

/*
 * Under the lock, takes over pinned maps of an earlier version: the list is read as it was laid out
 * then, and published in today's layout together with today's programs, while the old ones judge.
 * Counters, credit, limits and punishments stay.  0, or a negative errno and why: -EPROTO if that
 * version is not known.
 */
int sl_gate_migrate(const char *pins, struct sl_why *why);

enum sl_trial { SL_TRIAL_NONE, SL_TRIAL_ON, SL_TRIAL_OVER /* not confirmed: it has reverted */ };
enum sl_trial sl_gate_trial(const struct sl_gate *gate, uint64_t *ret_left_ns);
/* Under the lock.  -ENOENT: nothing is on trial. */
int sl_gate_confirm(struct sl_gate *gate);
int sl_gate_revert(struct sl_gate *gate);
/* The index of the image that holds: 0, or 1 after a trial that nobody has confirmed. */
uint32_t sl_gate_holding(const struct sl_gate *gate);

/* The list that holds, appended to *list.  0, or a negative errno and why. */
int sl_gate_read(struct sl_gate *gate, struct sl_prefixes *list, struct sl_why *why);

/* An image of the gate, mapped: of sl_gate_holding().  -ENOENT: none yet. */
int sl_gate_map_image(struct sl_gate *gate, uint32_t index, struct sl_image *ret_image);
void sl_gate_unmap_image(struct sl_image *image);
/* The same from its descriptor, which stays the caller's. */
int sl_gate_map_fd(int fd, struct sl_image *ret_image);
/* A descriptor of it, for the caller to close.  By its pin it takes no capability; by number, where
 * there is none, CAP_SYS_ADMIN. */
int sl_gate_image_fd(const struct sl_gate *gate, uint32_t index);
int sl_gate_image_lines(struct sl_gate *gate, uint32_t *ret_lines);

/* A verdict's counter, all CPUs together. */
int sl_gate_count(struct sl_gate *gate, uint32_t slot, enum sl_verdict verdict,
		  struct sl_counter *ret_counter);
/* All counters of a slot begin anew.  0 or a negative errno. */
int sl_gate_clear_counters(struct sl_gate *gate, uint32_t slot);

const char *sl_verdict_name(enum sl_verdict verdict);	/* "DROP_DENY" */
const char *sl_verdict_action(enum sl_verdict verdict); /* "drop" */
const char *sl_verdict_reason(enum sl_verdict verdict); /* "deny_list" */

#endif

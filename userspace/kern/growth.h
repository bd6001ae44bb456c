/* SPDX-License-Identifier: Apache-2.0 */
/* Images as pins of their own, and a larger array of them in the place of one that is full. */
#ifndef SL_KERN_GROWTH_H
#define SL_KERN_GROWTH_H

#include "kern/gate.h"

/* A map's number; 0 if the kernel does not say. */
uint32_t sl_map_number(int fd);

/* An image of so many lines, all zero.  A descriptor, or a negative errno. */
int sl_list_new(uint32_t lines);
/* The image with that number by its pin.  A descriptor, or a negative errno: -ENOENT without. */
int sl_list_open(const char *pins, uint32_t id);
/* Pins an image before it is published, so that no published one is without; a gate without pins
 * needs none.  0 or a negative errno. */
int sl_list_pin(const struct sl_gate *gate, int fd);
/* Removes the pins of images that the gate has no more, or never got. */
void sl_lists_sweep(const struct sl_gate *gate);

/* A larger array of images, not yet that of any program. */
struct sl_growth {
	int fds[2];	/* images, of so many lines: the one that is to hold, the one before it */
	uint32_t lines; /* of each */
	uint32_t revert_at; /* as in struct sl_control */
};

/*
 * Makes an array of these images the gate's own: programs that judge by it, with the other maps as
 * they are, take the place of those on the interfaces, and its pin that of the old one.  What dies
 * on the way, from the first link on, sl_growth_finish() ends.  0, or a negative errno and why.
 */
int sl_growth_begin(struct sl_gate *gate, const struct sl_growth *growth, struct sl_why *why);
/* Under the lock: ends what another began.  0, also if there is nothing, or a negative errno. */
int sl_growth_finish(const char *pins, struct sl_why *why);
/* Removes the pins of all images.  0, or a negative errno and why. */
int sl_growth_unpin(const char *pins, struct sl_why *why);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces: the kernel program on them, put there, replaced and taken off. */
#ifndef SL_KERN_ATTACH_H
#define SL_KERN_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/gate.h"

struct sl_attach_options {
	enum sl_attach_mode mode; /* auto: native where hardware has it, else generic */
	uint32_t image_lines; /* as in struct sl_gate_options: pinned lists that have fewer grow */
};

/* An interface that has, or had, the program. */
struct sl_attached {
	char interface[SL_INTERFACE_NAME_MAX];
	char driver[32];  /* empty: unknown */
	uint32_t ifindex; /* 0: no longer attached, though its counters are kept */
	uint32_t slot;	  /* its part of the counters */
	uint32_t program; /* id; 0: none */
	enum sl_attach_mode mode;
	bool has_fragments;
	bool is_upgrade;   /* it had a program of ours, which this one replaced in one step */
	char because[200]; /* why this mode; empty if it was asked for */
};

/*
 * Loads the program with the maps that are pinned in that directory, which is made if need be, and
 * attaches it to the interface as a link that is pinned there too: it stays when this process ends.
 * Where a link of ours is pinned, its program is replaced, and no packet goes by unjudged; the mode
 * stays then.  0, or a negative errno and why:
 *	-ENODEV		no such interface
 *	-EBUSY		another program holds it
 *	-EEXIST		attached in another mode than the one that is asked for
 *	-ENOSPC		SL_INTERFACES_MAX are attached
 *	-EBUSY		or a list is on trial, and lists with more room are wanted
 *	-EPERM, -EPROTO	as sl_gate_load()
 *	others		of the driver, with its words
 */
int sl_attach(const char *pins, const char *interface, const struct sl_attach_options *options,
	      struct sl_attached *ret_attached, struct sl_why *why);

/* Takes the program off; lists and counters stay pinned.  0, or a negative errno and why: -ENOENT
 * if there is no link of ours.  An interface that is gone by now can be detached, too. */
int sl_detach(const char *pins, const char *interface, struct sl_why *why);
/* All of them, and then the pinned maps and their directory: nothing is left.  0, or a negative
 * errno and why. */
int sl_detach_all(const char *pins, struct sl_why *why);

/* All interfaces that have a slot.  0, or a negative errno and why: -ENOENT without pins. */
int sl_attached_list(const char *pins, struct sl_attached ret_list[SL_INTERFACES_MAX],
		     size_t *ret_nr, struct sl_why *why);

/* What an image needs for so many prefixes, whatever they are; SL_IMAGE_LINES_MAX at most. */
uint32_t sl_image_lines_for(uint64_t prefixes);

const char *sl_attach_mode_name(enum sl_attach_mode mode); /* "auto", "native", "generic" */

#endif

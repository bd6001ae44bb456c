/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a list into an image (include/sluice/image.h), and reads one back. */
#ifndef SL_KERN_IMAGE_H
#define SL_KERN_IMAGE_H

#include "kern/prefix.h"

/*
 * Writes the list, which is sorted by this, into lines that are all zero.  A reader must not have
 * them yet.  0, or:
 *	-ENOSPC		it needs more lines than there are
 *	-E2BIG		more than SL_CHAIN_MAX entries with a port, an interface or an end cover one
 *			address: *ret_culprit is the index of the prefix that is one too many
 *	-EINVAL		*ret_culprit is a management prefix with a port, an interface or an end
 *	-ENOMEM
 */
int sl_image_compile(struct sl_image *image, struct sl_prefixes *list, uint32_t generation,
		     uint64_t seed, size_t *ret_culprit);

/* Says of each prefix of a sorted list whether a management prefix hides it. */
void sl_prefixes_hide(struct sl_prefixes *list);

/* -EBADMSG if that is no image that this program can read. */
int sl_image_check(struct sl_image *image);

/* What an entry of an image (of struct sl_entry6, if its family is 6) says, but for its rule. */
struct sl_prefix sl_image_prefix(const struct sl_entry *e);

/* Appends all prefixes and rules of a checked image.  0, -ENOMEM, or -EBADMSG. */
int sl_image_read(struct sl_image *image, struct sl_prefixes *list);

/* Adds to the hits of an image's entries those that the same prefixes with the same rules had in
 * another; without memory, of those some may be missing. */
void sl_image_carry_hits(struct sl_image *to, struct sl_image *from);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Images of earlier versions: what lists they were compiled from. */
#ifndef SL_KERN_OLDIMAGE_H
#define SL_KERN_OLDIMAGE_H

#include "kern/prefix.h"

/* Appends all prefixes and rules of an image of version 1.  0, -ENOMEM, or -EBADMSG: it is none. */
int sl_image_read_v1(const struct sl_image *image, struct sl_prefixes *list);

#endif

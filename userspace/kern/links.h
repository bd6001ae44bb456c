/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned links: an interface's program in the directory of pins. */
#ifndef SL_KERN_LINKS_H
#define SL_KERN_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/gate.h"

struct sl_link {
	int fd;
	uint32_t ifindex; /* 0: its interface is gone */
	uint32_t program; /* id */
};

/* Beside the pins, while somebody reads events: a directory that the reader has locked. */
#define SL_READER_DIR "reader"

/* Beside the pins: symbolic links that say what a named list was made of. */
#define SL_LIST_PREFIX "list_"

/* Makes the directory of pins, in a BPF file system, if there is none (*ret_is_made).  0, or a
 * negative errno and why. */
int sl_links_make_dir(const char *pins, bool *ret_is_made, struct sl_why *why);
/* What is pinned there is the kernel's rules: nobody but root and ourselves may have the directory,
 * or write to it.  0, also if there is none, or -EINVAL and why. */
int sl_pins_check(const char *pins, struct sl_why *why);

/* 0, or a negative errno and why: -ENOENT if there is none.  fd is the caller's to close. */
int sl_link_open(const char *pins, const char *interface, struct sl_link *ret_link,
		 struct sl_why *why);
/* 0, or a negative errno and why. */
int sl_link_pin(const char *pins, const char *interface, int fd, struct sl_why *why);
int sl_link_unpin(const char *pins, const char *interface);

#endif

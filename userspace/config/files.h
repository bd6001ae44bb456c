/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one configuration: the first one, and what it includes. */
#ifndef SL_CONFIG_FILES_H
#define SL_CONFIG_FILES_H

#include <jansson.h>

#include "base/out.h"
#include "config/source.h"

enum { SL_FILES_MAX = 1024, SL_FILES_MAX_DEPTH = 8 };

struct sl_file {
	char *name;	    /* as messages show it, and as it was opened */
	struct sl_str text; /* on the heap; comments are blanked */
	json_t *root;	    /* NULL: not read yet, or not JSON */
	struct sl_source_id id;
	unsigned depth;		/* 0: the first one */
	unsigned parent;	/* whose "include" names it */
	struct sl_step step[2]; /* and where in there; the name is not ours */
	unsigned steps_nr;
};

/* In the order in which they are read: each before what it includes. */
struct sl_files {
	struct sl_file *file;
	unsigned nr, room;
	size_t bytes;
};

/* Takes over text, whether or not it succeeds; name is copied.  0 or -ENOMEM. */
int sl_files_add(struct sl_files *f, const char *name, char *text, size_t len,
		 struct sl_source_id id);
void sl_files_fini(struct sl_files *f);

/* The file that a value of the merged document stands in; 0 for one that stands nowhere.  Elements
 * of a merged array have another index there: *ret_index is the one of steps[1]. */
unsigned sl_files_find(const struct sl_files *f, const struct sl_step *steps, unsigned nr,
		       size_t *ret_index);

/* "FILE:LINE:COLUMN" of a value, or of its name; the file's name may be cut short. */
void sl_files_put_place(const struct sl_files *f, struct sl_out *o, unsigned file,
			const struct sl_step *steps, unsigned nr, enum sl_locate what);

#endif

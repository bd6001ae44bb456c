/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a configuration, made safe for a JSON parser, and places in it. */
#ifndef SL_CONFIG_SOURCE_H
#define SL_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes of all files of a configuration together. */
enum { SL_SOURCE_MAX_BYTES = 16 << 20, SL_SOURCE_MAX_DEPTH = 64 };

/* As editors count: from 1, columns in characters. */
struct sl_place {
	unsigned line, column;
};

/* One step down: to a member by its name, or, with name.ptr NULL, to an element by its index. */
struct sl_step {
	struct sl_str name;
	size_t index;
};

/* What tells one file from another, whatever names it has; all 0: a text that is no file. */
struct sl_source_id {
	uint64_t device, inode;
};

/* 0 with *ret_text on the heap; -EFBIG beyond SL_SOURCE_MAX_BYTES; or the errno of the file. */
int sl_source_read(const char *path, char **ret_text, size_t *ret_len, struct sl_source_id *ret_id);
/* The same of a plain file only, up to max bytes: -EISDIR, or -ENOTSUP for a device or a pipe. */
int sl_source_read_plain(const char *path, size_t max, char **ret_text, size_t *ret_len,
			 struct sl_source_id *ret_id);
/* The files that a path stands for: itself; all "*.json" of a directory; or what a pattern of
 * glob(7) matches.  Sorted by name; none is fine for a directory and a pattern.  0 with a list to
 * be freed; -ENOENT; or another errno. */
int sl_source_list(const char *path, char ***ret_names, size_t *ret_nr);
void sl_source_list_free(char **names, size_t nr);

/*
 * Blanks "//" comments with spaces, so that places stay true, and refuses what the JSON parser
 * should not be trusted with: NUL bytes and deep nesting.  0, or -EINVAL with place and reason.
 */
int sl_source_clean(char *text, size_t len, struct sl_place *ret_place, const char **ret_why);

struct sl_place sl_source_place(struct sl_str text, size_t offset);

enum sl_locate { SL_LOCATE_VALUE, SL_LOCATE_NAME };

/*
 * Where a value, or the name of a member, stands in a text that the parser has accepted.  Steps
 * that lead nowhere (a value that is a default) give the place of the innermost one that exists.
 */
struct sl_place sl_source_locate(struct sl_str text, const struct sl_step *steps, unsigned nr,
				 enum sl_locate what);

#endif

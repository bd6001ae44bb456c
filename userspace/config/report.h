/* SPDX-License-Identifier: Apache-2.0 */
/* The faults of one configuration: gathered with their places, printed in the order of the text. */
#ifndef SL_CONFIG_REPORT_H
#define SL_CONFIG_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"
#include "config/files.h"

/* A hostile text can hold a fault every few bytes, and each one costs a walk through the text. */
enum { SL_REPORT_MAX_FAULTS = 64, SL_REPORT_MAX_STEPS = 12, SL_REPORT_TEXT_BYTES = 512 };

struct sl_fault {
	unsigned file;
	struct sl_place place;
	char text[SL_REPORT_TEXT_BYTES]; /* pointer and message */
};

struct sl_report {
	struct sl_files *files;	    /* what the places are looked up in */
	unsigned file;		    /* the one that is being read */
	bool is_merged;		    /* all of them at once are: each value's is looked up */
	json_t *written, *expanded; /* the merged document before and after substitution, or NULL */
	struct sl_step steps[SL_REPORT_MAX_STEPS];
	unsigned steps_nr; /* down to the value that is being read; deeper ones are not kept */
	struct sl_fault *faults;
	unsigned kept;	/* in faults[] */
	unsigned count; /* all of them */
};

void sl_report_fini(struct sl_report *r);

/* Faults are only counted from here on: nothing need be looked up for their words. */
static inline bool sl_report_is_full(const struct sl_report *r)
{
	return r->count >= SL_REPORT_MAX_FAULTS;
}

void sl_report_enter_member(struct sl_report *r, const char *name);
void sl_report_enter_element(struct sl_report *r, size_t index);
void sl_report_leave(struct sl_report *r);

/* Where a report was before it turned to another file. */
struct sl_report_mark {
	unsigned file;
	struct sl_step steps[SL_REPORT_MAX_STEPS];
	unsigned steps_nr;
};

void sl_report_enter_file(struct sl_report *r, unsigned file, struct sl_report_mark *ret_mark);
void sl_report_leave_file(struct sl_report *r, const struct sl_report_mark *mark);

/* About the value that is being read. */
void sl_report_fault(struct sl_report *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* About the name of the member that is being read. */
void sl_report_fault_name(struct sl_report *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* About a place that the JSON parser names. */
void sl_report_fault_at(struct sl_report *r, struct sl_place place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The value that is being read as it stands in its file, if something was substituted in it; else
 * NULL.  What came by substitution may be a secret: faults show this instead. */
const char *sl_report_written(const struct sl_report *r);

/* An element of a merged array, to be named in a fault about another value: its index in its own
 * file and, if that is another one, its name; else NULL. */
const char *sl_report_find_element(const struct sl_report *r, const char *array, size_t index,
				   size_t *ret_index);

void sl_report_print(struct sl_report *r, FILE *to);

/* "Did you mean": the word of a list that was most likely meant, or NULL.  Lists end with NULL. */
const char *sl_suggest(const struct sl_report *r, struct sl_str word, const char *const *list);
/* The same for lists of another shape, a candidate at a time: start from the limit, and keep each
 * candidate that is nearer than *distance, which becomes its own. */
unsigned sl_suggest_limit(const struct sl_report *r, struct sl_str word);
bool sl_suggest_is_nearer(struct sl_str word, const char *candidate, unsigned *distance);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters whose values are nobody's business: keys and passwords that people put in URLs.
 */
#ifndef SL_OBSERVE_REDACT_H
#define SL_OBSERVE_REDACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"
#include "base/str.h"

enum { SL_REDACT_NAMES_MAX = 64, SL_REDACT_NAME_MAX = 64 };

struct sl_redact {
	struct sl_str *names; /* of 1..64 bytes, compared without regard to case; borrowed */
	unsigned names_nr;    /* 0: nothing is hidden */
	uint32_t first;	      /* sl_redact_index() sets it: a bit for each first letter */
};

/* After names and names_nr were set. */
void sl_redact_index(struct sl_redact *r);
/*
 * Goes through a query.  True when a secret comes: *ret_shown is all that stands before it, its
 * name and '=' included, and *rest goes on behind it.  False when none does: *rest can be shown.
 * A name counts at the start and behind '&' or ';', percent-encoded or not; a value ends only at
 * '&', so that a reader who takes ';' for part of it hides no less than it does.
 */
bool sl_redact_next(const struct sl_redact *r, struct sl_str *rest, struct sl_str *ret_shown);
/* Writes a query with "REDACTED" for each secret; put_part writes the rest, escaped. */
void sl_redact_print(const struct sl_redact *r, struct sl_out *o, struct sl_str query,
		     void (*put_part)(struct sl_out *o, struct sl_str part));
/* The same for a URI, of which only the query is looked at. */
void sl_redact_print_uri(const struct sl_redact *r, struct sl_out *o, struct sl_str uri,
			 void (*put_part)(struct sl_out *o, struct sl_str part));

#endif

// SPDX-License-Identifier: Apache-2.0
// Messages quote what is wrong, and kinds of value need not know that it may be a secret: it is
// taken out of the finished message.
#include "config/hide.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* SHOWN: what messages quote of a value, "%.64s".  PART: fewer characters in a row are no part of
 * a secret, as they stand in any sentence. */
enum { SHOWN = 64, PART = 4, TEXT_MAX = 512 };

static bool shares_part(const char *piece, const char *value)
{
	char part[PART + 1] = "";

	for (; strlen(piece) >= PART; piece++) {
		memcpy(part, piece, PART);
		if (strstr(value, part))
			return true;
	}
	return false;
}

/* Is something quoted in the text of the value, or the value in the text? */
static bool tells(const char *text, const char *value)
{
	char piece[TEXT_MAX];
	const char *open = strchr(text, '\''), *close;

	if (strlen(value) >= PART && strstr(text, value))
		return true;
	for (; open && (close = strchr(open + 1, '\'')) != NULL; open = close) {
		snprintf(piece, sizeof(piece), "%.*s", (int)(close - open - 1), open + 1);
		if (piece[0] && (strstr(value, piece) || shares_part(piece, value)))
			return true;
	}
	return false;
}

void sl_hide(char *text, size_t size, const char *written, const char *value)
{
	char quoted[SHOWN + 3], before[TEXT_MAX], after[TEXT_MAX] = "";
	const char *at;

	snprintf(quoted, sizeof(quoted), "'%.*s'", SHOWN, value);
	at = strstr(text, quoted);
	snprintf(before, sizeof(before), "%.*s", at ? (int)(at - text) : TEXT_MAX - 1, text);
	if (at)
		snprintf(after, sizeof(after), "%s", at + strlen(quoted));
	if (tells(before, value) || tells(after, value))
		snprintf(text, size, "what '%.*s' stands for does not fit here", SHOWN, written);
	else if (at)
		snprintf(text, size, "%s'%.*s'%s", before, SHOWN, written, after);
}

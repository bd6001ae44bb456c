// SPDX-License-Identifier: Apache-2.0
// Messages quote what is wrong, and kinds of value need not know that it may be a secret: it is
// taken out of the finished message.
#include "config/hide.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* SHOWN: what messages quote of a value, "%.64s".  ODD: a shorter value may be in any sentence. */
enum { SHOWN = 64, ODD = 4, TEXT_MAX = 512 };

/* The quoted value gives way to what is written, quoted. */
static void replace(char *text, size_t size, const char *written, const char *value)
{
	char quoted[SHOWN + 3], copy[TEXT_MAX];
	char *at;

	snprintf(quoted, sizeof(quoted), "'%.*s'", SHOWN, value);
	at = strstr(text, quoted);
	if (!at)
		return;
	snprintf(copy, sizeof(copy), "%.*s'%.*s'%s", (int)(at - text), text, SHOWN, written,
		 at + strlen(quoted));
	snprintf(text, size, "%s", copy);
}

/* Does something quoted in the text occur in the value, or the value in the text? */
static bool tells(const char *text, const char *value)
{
	char piece[TEXT_MAX];
	const char *open = strchr(text, '\''), *close;

	if (strlen(value) >= ODD && strstr(text, value))
		return true;
	for (; open && (close = strchr(open + 1, '\'')) != NULL; open = close) {
		snprintf(piece, sizeof(piece), "%.*s", (int)(close - open - 1), open + 1);
		if (piece[0] && strstr(value, piece))
			return true;
	}
	return false;
}

void sl_hide(char *text, size_t size, const char *written, const char *value)
{
	replace(text, size, written, value);
	if (tells(text, value))
		snprintf(text, size, "what '%.*s' stands for does not fit here", SHOWN, written);
}

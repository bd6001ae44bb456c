// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known word at the least edit distance.
#include "config/report.h"

enum { WORD_MAX = 64 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's, and two neighbours that changed places count as one step: the commonest slip. */
static unsigned edit_distance(struct sl_str a, struct sl_str b)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned *older = row[0], *last = row[1], *now = row[2], *spare;

	for (unsigned j = 0; j <= b.len; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			bool same = sl_lower(a.ptr[i - 1]) == sl_lower(b.ptr[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
			    a.ptr[i - 2] == b.ptr[j - 1] && older[j - 2] + 1 < now[j])
				now[j] = older[j - 2] + 1;
		}
		spare = older;
		older = last;
		last = now;
		now = spare;
	}
	return last[b.len];
}

unsigned sl_suggest_limit(const struct sl_report *r, struct sl_str word)
{
	/* A fault that will not be shown needs no guess: a hostile file could ask for millions. */
	if (word.len > WORD_MAX || sl_report_is_full(r))
		return 0;
	/* A guess would tell of a secret what is near it. */
	if (sl_report_written(r))
		return 0;
	return (unsigned)(2 + word.len / 4);
}

bool sl_suggest_is_nearer(struct sl_str word, const char *candidate, unsigned *distance)
{
	struct sl_str c = sl_str_of(candidate);
	unsigned d;

	if (*distance == 0 || c.len > WORD_MAX)
		return false;
	d = edit_distance(word, c);
	if (d >= *distance || d >= c.len)
		return false;
	*distance = d;
	return true;
}

const char *sl_suggest(const struct sl_report *r, struct sl_str word, const char *const *list)
{
	unsigned distance = sl_suggest_limit(r, word);
	const char *best = NULL;

	for (; *list; list++)
		if (sl_suggest_is_nearer(word, *list, &distance))
			best = *list;
	return best;
}

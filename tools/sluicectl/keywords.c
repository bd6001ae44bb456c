// SPDX-License-Identifier: Apache-2.0
// What arguments have in common: keywords with their values, numbers, times.
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "ctl.h"
#include "kern/edit.h"
#include "kern/limit.h"

enum ctl_exit ctl_read_keywords(struct ctl *ctl, char **words, const char *const *names,
				const char *help, const char **values)
{
	enum ctl_exit code = CTL_OK;

	for (; *words; words += 2) {
		const char *name = ctl_find_word(ctl, "keyword", *words, names, help, &code);
		unsigned i = 0;

		if (!name)
			return code;
		while (strcmp(names[i], name) != 0)
			i++;
		if (values[i])
			return ctl_fail(ctl, CTL_USAGE, "'%.64s' says again what was said", *words);
		if (!words[1])
			return ctl_fail(ctl, CTL_USAGE, "a value is missing behind '%s'", name);
		values[i] = words[1];
	}
	return CTL_OK;
}

enum ctl_exit ctl_read_number(const struct ctl *ctl, const char *what, const char *word,
			      uint64_t min, uint64_t max, uint64_t *ret_nr)
{
	uint64_t nr = 0;
	bool is_zero = strcmp(word, "0") == 0;

	if ((!is_zero && sl_limit_parse_number(sl_str_of(word), &nr) < 0) || nr < min || nr > max)
		return ctl_fail(ctl, CTL_USAGE, "%s '%.64s': a number from %" PRIu64 " to %" PRIu64,
				what, word, min, max);
	*ret_nr = nr;
	return CTL_OK;
}

enum ctl_exit ctl_read_span(const struct ctl *ctl, const char *what, const char *word,
			    uint64_t *ret_ns)
{
	uint64_t ns;

	if (sl_span_parse(sl_str_of(word), &ns) < 0 || ns < SL_MS || ns > 86400 * SL_SEC)
		return ctl_fail(ctl, CTL_USAGE, "%s '%.64s': a time such as 10s, from 1ms to 1d",
				what, word);
	*ret_ns = ns;
	return CTL_OK;
}

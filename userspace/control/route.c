// SPDX-License-Identifier: Apache-2.0
// Commands "route show" and "route match".
#include "config/routes.h"
#include "control/command.h"
#include "http/chars.h"

json_t *sl_command_route_show(struct sl_daemon *d, const struct sl_command_args *args)
{
	return sl_routes_show(d->rules);
}

/* Words come with %XX for bytes that could not stand in a line; false for one that would end the
 * word. */
static bool decode_word(char *word)
{
	char *to = word;

	for (const char *from = word; *from; from++) {
		char c = *from;

		if (c == '%' && sl_char_is(from[1], SL_CHAR_HEX) &&
		    sl_char_is(from[2], SL_CHAR_HEX)) {
			c = (char)(sl_hex_value(from[1]) << 4 | sl_hex_value(from[2]));
			from += 2;
		}
		if (!c)
			return false;
		*to++ = c;
	}
	*to = '\0';
	return true;
}

json_t *sl_command_route_match(struct sl_daemon *d, const struct sl_command_args *args)
{
	json_t *answer;

	for (unsigned i = 0; i < args->nr; i++)
		if (!decode_word(args->word[i]))
			return sl_command_error("a word has a control character");
	answer = sl_routes_match(d->rules, args->word, args->nr);
	return answer ? answer : sl_command_error("out of memory");
}

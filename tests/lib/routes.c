// SPDX-License-Identifier: Apache-2.0
// Routes and requests for tests, written as short texts.
#include "routes.h"

#include <stdlib.h>

static struct sl_condition *next_condition(struct sl_route *route, struct routes_memory *mem,
					   char kind)
{
	struct sl_condition *list = kind == 'h' ? mem->headers : mem->queries;
	unsigned *nr = kind == 'h' ? &route->headers_nr : &route->queries_nr;

	if (*nr == ROUTES_CONDITIONS_MAX)
		abort();
	return &list[(*nr)++];
}

static struct sl_condition read_condition(char *word)
{
	char *equals = strpbrk(word, "=~");
	bool is_regex = equals && *equals == '~';

	if (!equals && word[0] == '!')
		return (struct sl_condition){ .name = sl_str_of(word + 1),
					      .kind = SL_CONDITION_PRESENT };
	if (!equals)
		return (struct sl_condition){ .name = sl_str_of(word),
					      .kind = SL_CONDITION_PRESENT,
					      .present = true };
	*equals = '\0';
	return (struct sl_condition){ .name = sl_str_of(word),
				      .kind = is_regex ? SL_CONDITION_REGEX : SL_CONDITION_EXACT,
				      .value = sl_str_of(equals + 1) };
}

void routes_set_conditions(struct sl_route *route, struct routes_memory *mem, const char *words)
{
	char *save;

	route->headers = mem->headers;
	route->queries = mem->queries;
	if (strlen(words) >= sizeof(mem->text))
		abort();
	strcpy(mem->text, words);
	for (char *w = strtok_r(mem->text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		*next_condition(route, mem, w[0]) = read_condition(w + 2);
}

unsigned routes_fields(const char *lines, struct sl_field fields[ROUTES_FIELDS_MAX])
{
	unsigned nr = 0;

	while (*lines) {
		const char *end = strchrnul(lines, '\n'), *colon = strchr(lines, ':');

		if (!colon || colon > end || nr == ROUTES_FIELDS_MAX)
			abort();
		fields[nr] = (struct sl_field){
			.name = lines,
			.name_len = (uint16_t)(colon - lines),
			.value = colon + 2,
			.value_len = (uint32_t)(end - colon - 2),
		};
		fields[nr].id = (uint8_t)sl_field_id_of(
			(struct sl_str){ fields[nr].name, fields[nr].name_len });
		nr++;
		lines = *end ? end + 1 : end;
	}
	return nr;
}

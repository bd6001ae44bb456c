// SPDX-License-Identifier: Apache-2.0
// JSON of strangers, strictly.
#include "jose/json.h"

#include <errno.h>
#include <stdio.h>

/* Brackets within strings do not count; whether they pair up, the parser finds out. */
static bool is_too_deep(struct sl_str text)
{
	bool is_string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '"')
			is_string = !is_string;
		else if (is_string)
			i += c == '\\';
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > SL_JOSE_JSON_DEPTH)
			return true;
	}
	return false;
}

static int fail(char why[JSON_ERROR_TEXT_LENGTH], const char *what, int line)
{
	if (why && line > 0)
		snprintf(why, JSON_ERROR_TEXT_LENGTH, "line %d: %.120s", line, what);
	else if (why)
		snprintf(why, JSON_ERROR_TEXT_LENGTH, "%s", what);
	return -EBADMSG;
}

int sl_jose_json_read(struct sl_str text, json_t **ret_object, char why[JSON_ERROR_TEXT_LENGTH])
{
	json_error_t error;
	json_t *json;

	if (is_too_deep(text))
		return fail(why, "more than 16 levels deep", 0);
	json = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (!json && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!json)
		return fail(why, error.text, error.line);
	if (!json_is_object(json)) {
		json_decref(json);
		return fail(why, "not an object", 0);
	}
	*ret_object = json;
	return 0;
}

struct sl_str sl_jose_json_string(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return (struct sl_str){ json_string_value(value), json_string_length(value) };
}

bool sl_jose_json_is_other(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value && !json_is_string(value);
}

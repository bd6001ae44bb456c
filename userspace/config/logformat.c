// SPDX-License-Identifier: Apache-2.0
// Kind of value: how a line of the access log looks, a word or a template.
#include <errno.h>

#include "config/check.h"
#include "config/key.h"
#include "observe/template.h"

static void refuse_variable(struct sl_reader *r, struct sl_str name)
{
	const char *names[SL_LOG_VARIABLES_MAX], *near;

	sl_log_variable_names(names);
	near = sl_suggest(&r->report, name, names);
	sl_report_fault(&r->report, "unknown variable '$%.*s'%s%s%s",
			(int)(name.len < 64 ? name.len : 64), name.ptr,
			near ? "; did you mean '$" : "", near ? near : "", near ? "'?" : "");
}

static void refuse_word(struct sl_reader *r, struct sl_str text)
{
	const char *near = sl_suggest(&r->report, text, sl_log_formats);

	if (near)
		sl_report_fault(&r->report, "unknown value '%.64s'; did you mean '%s'?", text.ptr,
				near);
	else
		sl_report_fault(&r->report,
				"unknown value '%.64s'; must be 'json', 'combined', 'common' or a "
				"text with variables such as $status",
				text.ptr);
}

static void read_log_format(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	struct sl_str text, variable;
	const char *why;

	if (!json_is_string(value)) {
		sl_reader_type_fault(r, "a string", value);
		return;
	}
	text = (struct sl_str){ json_string_value(value), json_string_length(value) };
	switch (sl_log_format_parse(to, text, &r->rules->arena, &why, &variable)) {
	case 0:
		return;
	case -ENOMEM:
		r->out_of_memory = true;
		return;
	case -ENOENT:
		refuse_word(r, text);
		return;
	default:
		break;
	}
	if (variable.ptr)
		refuse_variable(r, variable);
	else
		sl_report_fault(&r->report, "'%.64s' %s", text.ptr, why);
}

static json_t *describe_log_format(const struct sl_key *key)
{
	return json_pack("{s:[{s:o}, {s:s, s:s, s:i}]}", "anyOf", "enum",
			 sl_words_describe(sl_log_formats), "type", "string", "pattern", "\\$",
			 "maxLength", SL_LOG_TEMPLATE_MAX);
}

const struct sl_kind sl_kind_log_format = { read_log_format, describe_log_format, "string" };

const char *sl_check_redact(struct sl_str text)
{
	if (text.len == 0 || text.len > SL_REDACT_NAME_MAX)
		return "is not the name of a query parameter: 1 to 64 bytes";
	return memchr(text.ptr, '&', text.len) || memchr(text.ptr, '=', text.len) ||
			       memchr(text.ptr, ';', text.len)
		       ? "is not the name of a query parameter: it has no '&', '=' or ';'"
		       : NULL;
}

void sl_check_access(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_logs *logs = to;

	/* A name that is at fault has no text, and the rules will not be used. */
	for (unsigned i = 0; i < logs->redact.names_nr; i++)
		if (!logs->redact.names[i].ptr)
			return;
	sl_redact_index(&logs->redact);
}

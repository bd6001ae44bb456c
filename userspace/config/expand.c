// SPDX-License-Identifier: Apache-2.0
// Substitutes variables of the environment and contents of files.
#include "config/expand.h"

#include <errno.h>
#include <stdlib.h>

#include "base/denied.h"

enum { NAME_MAX_BYTES = 4096 };

struct expansion {
	struct sl_reader *r;
	size_t bytes; /* of all strings so far */
};

/* A string in the making. */
struct text {
	char *ptr;
	size_t len, room;
};

static json_t *expand(struct expansion *x, json_t *value);

static bool add(struct expansion *x, struct text *t, const char *from, size_t n)
{
	size_t room = t->room ? t->room : 256;
	char *grown;

	if (n > SL_EXPAND_MAX_BYTES - x->bytes) {
		sl_report_fault(&x->r->report, "all that is substituted has at most 16 MiB");
		return false;
	}
	while (room - t->len < n)
		room *= 2;
	grown = room == t->room ? t->ptr : realloc(t->ptr, room);
	if (!grown) {
		x->r->out_of_memory = true;
		return false;
	}
	t->ptr = grown;
	t->room = room;
	memcpy(t->ptr + t->len, from, n);
	t->len += n;
	x->bytes += n;
	return true;
}

static const char *reason(struct sl_denied *denied, int error)
{
	switch (error) {
	case -EFBIG:
		return "has more than 64 KiB";
	case -ENOTSUP:
		return "is not a plain file";
	case -EISDIR:
		return "is a directory";
	default:
		return sl_denied(denied, -error);
	}
}

/* One newline at the end is the editor's, not the secret's. */
static bool add_content(struct expansion *x, struct text *t, const char *path, const char *content,
			size_t len)
{
	if (memchr(content, '\0', len)) {
		sl_report_fault(&x->r->report, "file '%.200s': has a NUL byte", path);
		return false;
	}
	return add(x, t, content, len && content[len - 1] == '\n' ? len - 1 : len);
}

static bool add_file(struct expansion *x, struct text *t, const char *path)
{
	struct sl_source_id id;
	struct sl_denied denied;
	char *content;
	size_t len;
	bool is_fine;
	int ret;

	if (path[0] != '/') {
		sl_report_fault(&x->r->report, "file '%.200s': needs an absolute path", path);
		return false;
	}
	ret = sl_source_read_plain(path, SL_EXPAND_FILE_MAX, &content, &len, &id);
	if (ret == -ENOMEM)
		x->r->out_of_memory = true;
	if (ret < 0) {
		sl_report_fault(&x->r->report, "file '%.200s': %s", path, reason(&denied, ret));
		return false;
	}
	is_fine = add_content(x, t, path, content, len);
	free(content);
	return is_fine;
}

static bool is_variable(const char *name)
{
	for (const char *c = name; *c; c++) {
		char l = sl_lower(*c);

		if (!((l >= 'a' && l <= 'z') || l == '_' || (c > name && l >= '0' && l <= '9')))
			return false;
	}
	return name[0];
}

static bool add_variable(struct expansion *x, struct text *t, const char *name)
{
	const char *value = getenv(name);

	if (!value) {
		sl_report_fault(&x->r->report, "there is no '%.64s' in the environment", name);
		return false;
	}
	return add(x, t, value, strlen(value));
}

/* What stands between the brackets. */
static bool add_named(struct expansion *x, struct text *t, struct sl_str inner)
{
	char name[NAME_MAX_BYTES];

	if (inner.len < sizeof(name)) {
		memcpy(name, inner.ptr, inner.len);
		name[inner.len] = '\0';
		if (sl_str_starts(inner, SL_S("file:")))
			return add_file(x, t, name + 5);
		if (is_variable(name))
			return add_variable(x, t, name);
	}
	sl_report_fault(&x->r->report,
			"'${%.*s}' is neither \"${NAME}\" of the environment nor "
			"\"${file:/PATH}\"; \"$${\" stands for \"${\" itself",
			inner.len < 64 ? (int)inner.len : 64, inner.ptr);
	return false;
}

static bool expand_text(struct expansion *x, struct text *t, const char *from)
{
	const char *open, *close;

	while ((open = strstr(from, "${")) != NULL) {
		if (open > from && open[-1] == '$') {
			if (!add(x, t, from, (size_t)(open - from) - 1) || !add(x, t, "${", 2))
				return false;
			from = open + 2;
			continue;
		}
		close = strchr(open, '}');
		if (!close) {
			sl_report_fault(&x->r->report, "has \"${\" without a '}'; \"$${\" stands "
						       "for \"${\" itself");
			return false;
		}
		if (!add(x, t, from, (size_t)(open - from)) ||
		    !add_named(x, t, (struct sl_str){ open + 2, (size_t)(close - open) - 2 }))
			return false;
		from = close + 1;
	}
	return add(x, t, from, strlen(from));
}

/* Of the system's bytes: they may be no text at all. */
static json_t *make_string(struct expansion *x, const struct text *t)
{
	json_t *string = json_stringn(t->ptr ? t->ptr : "", t->len), *bytes;

	if (string)
		return string;
	bytes = json_stringn_nocheck(t->ptr ? t->ptr : "", t->len);
	if (!bytes)
		return NULL;
	json_decref(bytes);
	sl_report_fault(&x->r->report, "what is substituted is not UTF-8");
	return json_null();
}

static json_t *expand_string(struct expansion *x, json_t *value)
{
	const char *from = json_string_value(value);
	struct text t = { .ptr = NULL };
	json_t *made;

	if (!strstr(from, "${"))
		return json_incref(value);
	made = expand_text(x, &t, from) ? make_string(x, &t) : json_null();
	free(t.ptr);
	return made;
}

static json_t *expand_members(struct expansion *x, json_t *object)
{
	json_t *made = json_incref(object), *member, *now;
	const char *name;

	json_object_foreach(object, name, member)
	{
		sl_report_enter_member(&x->r->report, name);
		now = expand(x, member);
		sl_report_leave(&x->r->report);
		if (now != member && made == object) {
			json_decref(object);
			made = json_copy(object);
		}
		if (now != member && json_object_set_nocheck(made, name, now) < 0)
			x->r->out_of_memory = true;
		json_decref(now);
	}
	return made;
}

static json_t *expand_elements(struct expansion *x, json_t *array)
{
	json_t *made = json_incref(array), *element, *now;
	size_t i;

	json_array_foreach(array, i, element)
	{
		sl_report_enter_element(&x->r->report, i);
		now = expand(x, element);
		sl_report_leave(&x->r->report);
		if (now != element && made == array) {
			json_decref(array);
			made = json_copy(array);
		}
		if (now != element && json_array_set(made, i, now) < 0)
			x->r->out_of_memory = true;
		json_decref(now);
	}
	return made;
}

/* Like json_incref, or makes another value. */
static json_t *expand(struct expansion *x, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return expand_string(x, value);
	case JSON_OBJECT:
		return expand_members(x, value);
	case JSON_ARRAY:
		return expand_elements(x, value);
	default:
		return json_incref(value);
	}
}

json_t *sl_expand(struct sl_reader *r, json_t *document)
{
	struct expansion x = { .r = r };
	json_t *expanded = expand(&x, document);

	if (!expanded)
		r->out_of_memory = true;
	return expanded;
}

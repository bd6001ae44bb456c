// SPDX-License-Identifier: Apache-2.0
// Kinds of value that hold others: objects, arrays, maps.  JSON and table are walked together.
#include <assert.h>

#include "config/key.h"

void *sl_reader_alloc(struct sl_reader *r, size_t nr, size_t size)
{
	size_t bytes;
	void *p = NULL;

	if (!__builtin_mul_overflow(nr, size, &bytes))
		p = sl_arena_alloc(&r->rules->arena, bytes);
	if (p)
		memset(p, 0, bytes);
	else
		r->out_of_memory = true;
	return p;
}

static const char *type_name(json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		break;
	}
	return "null";
}

void sl_reader_type_fault(struct sl_reader *r, const char *what, json_t *value)
{
	const char *written = json_is_string(value) ? sl_report_written(&r->report) : NULL;

	if (written)
		sl_report_fault(&r->report, "must be %s, not what '%.64s' stands for", what,
				written);
	else
		sl_report_fault(&r->report, "must be %s, not %s", what, type_name(value));
}

const struct sl_key *sl_object_find_key(const struct sl_object *object, const char *name)
{
	for (const struct sl_key *k = object->keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

static const char *nearest_key(const struct sl_report *report, const struct sl_object *object,
			       struct sl_str word)
{
	unsigned distance = sl_suggest_limit(report, word);
	const char *best = NULL;

	for (const struct sl_key *k = object->keys; k->name; k++)
		if (k->kind && sl_suggest_is_nearer(word, k->name, &distance))
			best = k->name;
	return best;
}

static void refuse_key(struct sl_reader *r, const struct sl_object *object, const char *name)
{
	const char *near;

	sl_report_enter_member(&r->report, name);
	near = nearest_key(&r->report, object, sl_str_of(name));
	if (sl_object_find_key(object, name))
		sl_report_fault_name(&r->report, "'%s' is not available in this version", name);
	else if (near)
		sl_report_fault_name(&r->report, "unknown key '%.64s'; did you mean '%s'?", name,
				     near);
	else
		sl_report_fault_name(&r->report, "unknown key '%.64s'", name);
	sl_report_leave(&r->report);
}

void sl_reader_refuse_strangers(struct sl_reader *r, const struct sl_object *object, json_t *value)
{
	const struct sl_key *key;
	const char *name;
	json_t *member;

	json_object_foreach(value, name, member)
	{
		key = sl_object_find_key(object, name);
		if (!key || !key->kind)
			refuse_key(r, object, name);
	}
}

static void read_default(struct sl_reader *r, const struct sl_key *key, void *to)
{
	json_t *value = json_loads(key->def, JSON_DECODE_ANY, NULL);

	if (!value) {
		r->out_of_memory = true;
		return;
	}
	key->kind->read(r, key, value, to);
	json_decref(value);
}

static void read_member(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	if (!value && key->required)
		sl_report_fault(&r->report, "'%s' is missing", key->name);
	if (!value && !key->def)
		return;
	sl_report_enter_member(&r->report, key->name);
	if (value)
		key->kind->read(r, key, value, to);
	else
		read_default(r, key, to);
	sl_report_leave(&r->report);
}

static unsigned count_present(json_t *value, const char *const *names, const char *ret_first_two[2])
{
	unsigned nr = 0;

	for (; *names; names++)
		if (json_object_get(value, *names) && nr++ < 2)
			ret_first_two[nr - 1] = *names;
	return nr;
}

static void check_one_of(struct sl_reader *r, const char *const *names, json_t *value)
{
	const char *two[2] = { NULL, NULL };
	unsigned nr = count_present(value, names, two);
	char list[512];
	struct sl_out o;

	if (nr == 1)
		return;
	if (nr > 1) {
		sl_report_fault(&r->report, "'%s' and '%s' exclude each other", two[0], two[1]);
		return;
	}
	sl_out_init(&o, list, sizeof(list));
	for (const char *const *n = names; *n; n++)
		sl_out_fmt(&o, "%s'%s'", n == names ? "" : n[1] ? ", " : " or ", *n);
	sl_report_fault(&r->report, "needs %.*s", SL_STR_ARG(sl_out_done(&o)));
}

static void read_members(struct sl_reader *r, const struct sl_object *object, json_t *value,
			 char *to)
{
	sl_reader_refuse_strangers(r, object, value);
	for (const struct sl_key *k = object->keys; k->name; k++)
		if (k->kind)
			read_member(r, k, json_object_get(value, k->name), to + k->offset);
	if (object->one_of)
		check_one_of(r, object->one_of, value);
}

/* The value stands for one member; the others have their defaults. */
static void read_shorthand(struct sl_reader *r, const struct sl_object *object, json_t *value,
			   char *to)
{
	for (const struct sl_key *k = object->keys; k->name; k++) {
		if (strcmp(k->name, object->shorthand) == 0)
			k->kind->read(r, k, value, to + k->offset);
		else if (k->kind)
			read_member(r, k, NULL, to + k->offset);
	}
}

/* An object that is not part of the one around it: there is a pointer to it. */
static void *make_box(struct sl_reader *r, const struct sl_key *key, void *to)
{
	void *box = sl_reader_alloc(r, 1, key->item_size);

	*(void **)to = box;
	return box;
}

/* A string, or a list where the member is one. */
static bool is_short(const struct sl_object *object, const json_t *value)
{
	if (!object->shorthand)
		return false;
	return json_is_string(value) ||
	       (json_is_array(value) &&
		sl_object_find_key(object, object->shorthand)->kind == &sl_kind_array);
}

static void read_object(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	const struct sl_object *object = key->object;

	if (key->item_size) {
		to = make_box(r, key, to);
		if (!to)
			return;
	}
	if (object->may_be_false && json_is_false(value))
		return;
	if (is_short(object, value)) {
		read_shorthand(r, object, value, to);
	} else if (json_is_object(value)) {
		read_members(r, object, value, to);
	} else {
		sl_reader_type_fault(r,
				     object->shorthand	    ? "a string or an object"
				     : object->may_be_false ? "false or an object"
							    : "an object",
				     value);
		return;
	}
	if (object->finish)
		object->finish(r, value, to);
}

/* Room for nr elements, at *to of the array or map that key describes. */
static char *make_items(struct sl_reader *r, const struct sl_key *key, size_t nr, void *to)
{
	char *items;

	if (nr < key->min || nr > key->max) {
		sl_report_fault(&r->report, "needs at %s %llu element%s, not %zu",
				nr < key->min ? "least" : "most",
				(unsigned long long)(nr < key->min ? key->min : key->max),
				(nr < key->min ? key->min : key->max) == 1 ? "" : "s", nr);
		return NULL;
	}
	if (nr == 0)
		return NULL;
	items = sl_reader_alloc(r, nr, key->item_size);
	if (!items)
		return NULL;
	*(void **)to = items;
	*(unsigned *)((char *)to - key->offset + key->nr_offset) = (unsigned)nr;
	return items;
}

static void read_array(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	json_t *element;
	char *items;
	size_t i;

	if (!json_is_array(value)) {
		sl_reader_type_fault(r, "an array", value);
		return;
	}
	items = make_items(r, key, json_array_size(value), to);
	if (!items)
		return;
	json_array_foreach(value, i, element)
	{
		sl_report_enter_element(&r->report, i);
		key->item->kind->read(r, key->item, element, items + i * key->item_size);
		sl_report_leave(&r->report);
	}
}

static void check_map_name(struct sl_reader *r, const struct sl_key *key, const char *name)
{
	const char *why = key->check_name ? key->check_name(sl_str_of(name)) : NULL;

	if (why)
		sl_report_fault_name(&r->report, "'%.64s' %s", name, why);
}

static void read_map(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	const char *name;
	json_t *element;
	char *items;

	if (!json_is_object(value)) {
		sl_reader_type_fault(r, "an object", value);
		return;
	}
	items = make_items(r, key, json_object_size(value), to);
	if (!items)
		return;
	json_object_foreach(value, name, element)
	{
		sl_report_enter_member(&r->report, name);
		check_map_name(r, key, name);
		sl_reader_store_text(r, key->name_size, items + key->name_offset, sl_str_of(name));
		key->item->kind->read(r, key->item, element, items + key->item->offset);
		sl_report_leave(&r->report);
		items += key->item_size;
	}
}

static json_t *describe_properties(const struct sl_object *object)
{
	json_t *properties = json_object(), *required = json_array(), *choices = json_array();
	json_t *schema = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
				   "additionalProperties", 0);

	for (const struct sl_key *k = object->keys; k->name; k++) {
		if (k->kind)
			json_object_set_new(properties, k->name, sl_key_describe(k));
		if (k->required)
			json_array_append_new(required, json_string(k->name));
	}
	for (const char *const *n = object->one_of; n && *n; n++)
		json_array_append_new(choices, json_pack("{s:[s]}", "required", *n));
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	if (json_array_size(choices))
		json_object_set(schema, "oneOf", choices);
	json_decref(required);
	json_decref(choices);
	return schema;
}

static json_t *describe_object(const struct sl_key *key)
{
	const struct sl_object *object = key->object;
	json_t *schema = describe_properties(object);

	if (object->shorthand)
		return json_pack("{s:[o, o]}", "anyOf",
				 sl_key_describe(sl_object_find_key(object, object->shorthand)),
				 schema);
	if (object->may_be_false)
		return json_pack("{s:[{s:b}, o]}", "anyOf", "const", 0, schema);
	return schema;
}

static json_t *describe_array(const struct sl_key *key)
{
	return json_pack("{s:s, s:I, s:I, s:o}", "type", "array", "minItems", (json_int_t)key->min,
			 "maxItems", (json_int_t)key->max, "items", sl_key_describe(key->item));
}

static json_t *describe_map(const struct sl_key *key)
{
	json_t *schema = json_pack("{s:s, s:I, s:I, s:o}", "type", "object", "minProperties",
				   (json_int_t)key->min, "maxProperties", (json_int_t)key->max,
				   "additionalProperties", sl_key_describe(key->item));

	if (key->pattern)
		json_object_set_new(schema, "propertyNames",
				    json_pack("{s:s}", "pattern", key->pattern));
	return schema;
}

const struct sl_kind sl_kind_object = { read_object, describe_object, "object" };
const struct sl_kind sl_kind_array = { read_array, describe_array, "array" };
const struct sl_kind sl_kind_map = { read_map, describe_map, "object" };

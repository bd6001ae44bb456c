// SPDX-License-Identifier: Apache-2.0
// What changes from one configuration to another, by the tables: what a default says is the same as
// what is written, and a route is known by its name wherever it stands.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "config/show.h"

struct diff {
	json_t *changes;
	bool out_of_memory;
};

/* The way to a value, from its end. */
struct step {
	const struct step *up;
	const char *name; /* NULL: an element */
	size_t index;
	const char *called; /* an element's own name, or NULL */
};

/* Both sides; NULL: it is not there. */
struct pair {
	json_t *old, *new;
};

static void compare(struct diff *d, const struct step *at, const struct sl_key *key,
		    struct pair values);

/* RFC 6901 3: '~' and '/' in a name are written "~0" and "~1". */
static void put_pointer(FILE *f, const struct step *at)
{
	if (!at)
		return;
	put_pointer(f, at->up);
	if (!at->name) {
		fprintf(f, "/%zu", at->index);
		return;
	}
	fputc('/', f);
	for (const char *c = at->name; *c; c++) {
		if (*c == '~' || *c == '/')
			fputs(*c == '~' ? "~0" : "~1", f);
		else
			fputc(*c, f);
	}
}

static json_t *make_pointer(const struct step *at)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	json_t *pointer;

	if (!f)
		return NULL;
	put_pointer(f, at);
	pointer = fclose(f) == 0 ? json_stringn(text, len) : NULL;
	free(text);
	return pointer;
}

static const char *called(const struct step *at)
{
	while (at && !at->called)
		at = at->up;
	return at ? at->called : NULL;
}

static void add_change(struct diff *d, const struct step *at, struct pair values)
{
	json_t *change = json_pack("{s:o, s:s*, s:O*, s:O*}", "pointer", make_pointer(at), "name",
				   called(at), "old", values.old, "new", values.new);

	if (json_array_append_new(d->changes, change) < 0)
		d->out_of_memory = true;
}

static void compare_members(struct diff *d, const struct step *at, const struct sl_object *object,
			    struct pair values)
{
	for (const struct sl_key *k = object->keys; k->name; k++) {
		const struct step step = { .up = at, .name = k->name };

		if (k->kind)
			compare(d, &step, k,
				(struct pair){ json_object_get(values.old, k->name),
					       json_object_get(values.new, k->name) });
	}
}

static void compare_objects(struct diff *d, const struct step *at, const struct sl_object *object,
			    struct pair values)
{
	const struct pair spelt = { sl_object_spell_out(object, values.old),
				    sl_object_spell_out(object, values.new) };

	if (!spelt.old || !spelt.new)
		d->out_of_memory = true;
	else if (json_is_object(spelt.old) && json_is_object(spelt.new))
		compare_members(d, at, object, spelt);
	else
		add_change(d, at, values);
	json_decref(spelt.old);
	json_decref(spelt.new);
}

static void compare_maps(struct diff *d, const struct step *at, const struct sl_key *item,
			 struct pair values)
{
	struct step step = { .up = at };
	const char *name;
	json_t *entry;

	json_object_foreach(values.old, name, entry)
	{
		step.name = name;
		compare(d, &step, item, (struct pair){ entry, json_object_get(values.new, name) });
	}
	json_object_foreach(values.new, name, entry)
	{
		step.name = name;
		if (!json_object_get(values.old, name))
			compare(d, &step, item, (struct pair){ NULL, entry });
	}
}

/* A side of an array: elements with a name by that, the others in their order. */
struct side {
	json_t *by_name; /* name: index */
	size_t *rest, rest_nr;
};

static const char *name_of(json_t *element)
{
	return json_string_value(json_object_get(element, "name"));
}

static bool side_init(struct side *s, json_t *array)
{
	json_t *element;
	size_t i;

	*s = (struct side){ json_object(), calloc(json_array_size(array) + 1, sizeof(*s->rest)),
			    0 };
	if (!s->by_name || !s->rest)
		return false;
	json_array_foreach(array, i, element)
	{
		const char *name = name_of(element);

		if (!name)
			s->rest[s->rest_nr++] = i;
		else if (json_object_set_new(s->by_name, name, json_integer((json_int_t)i)) < 0)
			return false;
	}
	return true;
}

static void side_fini(struct side *s)
{
	json_decref(s->by_name);
	free(s->rest);
}

/* Index -1: it is not there.  The pointer is the new one's where there is one. */
static void compare_elements(struct diff *d, const struct step *at, const struct sl_key *item,
			     struct pair arrays, ssize_t old, ssize_t new)
{
	const struct pair values = {
		old < 0 ? NULL : json_array_get(arrays.old, (size_t)old),
		new < 0 ? NULL : json_array_get(arrays.new, (size_t) new),
	};
	const struct step step = {
		.up = at,
		.index = (size_t)(new < 0 ? old : new),
		.called = name_of(values.new ? values.new : values.old),
	};

	compare(d, &step, item, values);
}

static void compare_named(struct diff *d, const struct step *at, const struct sl_key *item,
			  struct pair arrays, const struct side *old, const struct side *new)
{
	const char *name;
	json_t *index, *other;

	json_object_foreach(old->by_name, name, index)
	{
		other = json_object_get(new->by_name, name);
		compare_elements(d, at, item, arrays, (ssize_t)json_integer_value(index),
				 other ? (ssize_t)json_integer_value(other) : -1);
	}
	json_object_foreach(new->by_name, name, index)
	{
		if (!json_object_get(old->by_name, name))
			compare_elements(d, at, item, arrays, -1,
					 (ssize_t)json_integer_value(index));
	}
}

/* What is alike at the front and at the back stays out of it, so that one that is put in between
 * is one change. */
static void compare_rest(struct diff *d, const struct step *at, const struct sl_key *item,
			 struct pair arrays, const struct side *old, const struct side *new)
{
	size_t i = 0, o = old->rest_nr, n = new->rest_nr;

	while (i < o && i < n &&
	       json_equal(json_array_get(arrays.old, old->rest[i]),
			  json_array_get(arrays.new, new->rest[i])))
		i++;
	while (o > i && n > i &&
	       json_equal(json_array_get(arrays.old, old->rest[o - 1]),
			  json_array_get(arrays.new, new->rest[n - 1])))
		o--, n--;
	for (; i < o || i < n; i++)
		compare_elements(d, at, item, arrays, i < o ? (ssize_t)old->rest[i] : -1,
				 i < n ? (ssize_t) new->rest[i] : -1);
}

static bool has_names(const struct sl_key *key)
{
	return key->kind == &sl_kind_array && key->item->kind == &sl_kind_object &&
	       sl_object_find_key(key->item->object, "name");
}

static void compare_arrays(struct diff *d, const struct step *at, const struct sl_key *item,
			   struct pair arrays)
{
	struct side old, new;
	bool is_old_fine = side_init(&old, arrays.old), is_new_fine = side_init(&new, arrays.new);

	if (is_old_fine && is_new_fine) {
		compare_named(d, at, item, arrays, &old, &new);
		compare_rest(d, at, item, arrays, &old, &new);
	} else {
		d->out_of_memory = true;
	}
	side_fini(&old);
	side_fini(&new);
}

/* Nothing below can be told apart by itself: it changes as a whole, or not at all. */
static void compare_whole(struct diff *d, const struct step *at, const struct sl_key *key,
			  struct pair values)
{
	json_t *old = sl_key_fill(key, values.old), *new = sl_key_fill(key, values.new);

	if (!old || !new)
		d->out_of_memory = true;
	else if (!json_equal(old, new))
		add_change(d, at, values);
	json_decref(old);
	json_decref(new);
}

static void compare_both(struct diff *d, const struct step *at, const struct sl_key *key,
			 struct pair values)
{
	if (json_equal(values.old, values.new))
		return;
	if (key->kind == &sl_kind_object)
		compare_objects(d, at, key->object, values);
	else if (key->kind == &sl_kind_map)
		compare_maps(d, at, key->item, values);
	else if (has_names(key))
		compare_arrays(d, at, key->item, values);
	else
		compare_whole(d, at, key, values);
}

static void compare(struct diff *d, const struct step *at, const struct sl_key *key,
		    struct pair values)
{
	struct pair full;

	if (!values.old && !values.new)
		return;
	full.old = values.old ? json_incref(values.old) : sl_key_default(key);
	full.new = values.new ? json_incref(values.new) : sl_key_default(key);
	if (key->def && (!full.old || !full.new))
		d->out_of_memory = true;
	else if (full.old && full.new)
		compare_both(d, at, key, full);
	else
		add_change(d, at, full);
	json_decref(full.old);
	json_decref(full.new);
}

int sl_config_diff(const struct sl_rules *running, const struct sl_rules *fresh,
		   json_t **ret_changes)
{
	struct diff d = { .changes = json_array() };
	struct pair documents = { json_loads(running->document, 0, NULL),
				  json_loads(fresh->document, 0, NULL) };

	if (!d.changes || !documents.old || !documents.new)
		d.out_of_memory = true;
	else
		compare_both(&d, NULL, &sl_config_root, documents);
	json_decref(documents.old);
	json_decref(documents.new);
	if (d.out_of_memory) {
		json_decref(d.changes);
		return -ENOMEM;
	}
	*ret_changes = d.changes;
	return 0;
}

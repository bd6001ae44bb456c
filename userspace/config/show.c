// SPDX-License-Identifier: Apache-2.0
// A configuration as it takes effect: every key that has a default is there.
#include <errno.h>

#include "config/config.h"
#include "config/show.h"

json_t *sl_object_spell_out(const struct sl_object *object, json_t *value)
{
	if (object->shorthand && json_is_string(value))
		return json_pack("{s:O}", object->shorthand, value);
	return json_incref(value);
}

json_t *sl_key_default(const struct sl_key *key)
{
	return key->def ? json_loads(key->def, JSON_DECODE_ANY, NULL) : NULL;
}

/* False without memory. */
static bool fill_member(const struct sl_key *key, json_t *value, json_t *into)
{
	json_t *member = json_object_get(value, key->name), *made;

	if (!member && !key->def)
		return true;
	member = member ? json_incref(member) : sl_key_default(key);
	made = member ? sl_key_fill(key, member) : NULL;
	json_decref(member);
	return json_object_set_new_nocheck(into, key->name, made) == 0;
}

static json_t *fill_object(const struct sl_object *object, json_t *value)
{
	json_t *spelt = sl_object_spell_out(object, value), *made;
	bool is_fine = true;

	if (!spelt || !json_is_object(spelt))
		return spelt;
	made = json_object();
	for (const struct sl_key *k = object->keys; k->name && made && is_fine; k++)
		is_fine = !k->kind || fill_member(k, spelt, made);
	json_decref(spelt);
	if (is_fine)
		return made;
	json_decref(made);
	return NULL;
}

static json_t *fill_elements(const struct sl_key *item, json_t *array)
{
	json_t *made = json_array(), *element;
	size_t i;

	json_array_foreach(array, i, element)
	{
		if (json_array_append_new(made, sl_key_fill(item, element)) < 0) {
			json_decref(made);
			return NULL;
		}
	}
	return made;
}

static json_t *fill_entries(const struct sl_key *item, json_t *map)
{
	json_t *made = json_object(), *entry;
	const char *name;

	json_object_foreach(map, name, entry)
	{
		if (json_object_set_new_nocheck(made, name, sl_key_fill(item, entry)) < 0) {
			json_decref(made);
			return NULL;
		}
	}
	return made;
}

json_t *sl_key_fill(const struct sl_key *key, json_t *value)
{
	if (key->kind == &sl_kind_object)
		return fill_object(key->object, value);
	if (key->kind == &sl_kind_array)
		return fill_elements(key->item, value);
	if (key->kind == &sl_kind_map)
		return fill_entries(key->item, value);
	return json_incref(value);
}

int sl_config_show(const struct sl_rules *rules, enum sl_show what, json_t **ret_document)
{
	json_t *document = json_loads(rules->document, 0, NULL), *filled;

	if (!document)
		return -ENOMEM;
	if (what == SL_SHOW_WRITTEN) {
		*ret_document = document;
		return 0;
	}
	filled = sl_key_fill(&sl_config_root, document);
	json_decref(document);
	if (!filled)
		return -ENOMEM;
	*ret_document = filled;
	return 0;
}

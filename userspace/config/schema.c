// SPDX-License-Identifier: Apache-2.0
// Prints the JSON Schema: every key describes itself.
#include "config/config.h"
#include "config/key.h"

/* Wherever not every string is right, one that something is substituted in may be. */
static bool may_be_substituted(const struct sl_key *key, json_t *schema)
{
	const char *type = json_string_value(json_object_get(schema, "type"));

	if (key->kind == &sl_kind_object || key->kind == &sl_kind_map ||
	    key->kind == &sl_kind_include)
		return false;
	if (!type)
		return true;
	return strcmp(type, "array") != 0 &&
	       (strcmp(type, "string") != 0 || json_object_get(schema, "pattern"));
}

json_t *sl_key_describe(const struct sl_key *key)
{
	json_t *schema = key->kind->describe(key);

	if (may_be_substituted(key, schema))
		schema =
			json_pack("{s:[o, {s:s}]}", "anyOf", schema, "$ref", "#/$defs/substituted");
	if (key->doc)
		json_object_set_new(schema, "description", json_string(key->doc));
	if (key->def)
		json_object_set_new(schema, "default", json_loads(key->def, JSON_DECODE_ANY, NULL));
	return schema;
}

void sl_config_print_schema(FILE *to)
{
	json_t *schema =
		json_pack("{s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema",
			  "title", "sluice configuration");
	json_t *root = sl_key_describe(&sl_config_root);

	/* What must be there may be in any of several files, and each is edited by itself. */
	json_object_del(root, "required");
	json_object_update(schema, root);
	json_object_set_new(schema, "$defs",
			    json_pack("{s:{s:s, s:s}}", "substituted", "type", "string", "pattern",
				      "\\$\\{[^}]+\\}"));
	json_dumpf(schema, to, JSON_INDENT(2));
	fputc('\n', to);
	json_decref(root);
	json_decref(schema);
}

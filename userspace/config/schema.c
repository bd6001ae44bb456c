// SPDX-License-Identifier: Apache-2.0
// Prints the JSON Schema: every key describes itself.
#include "config/config.h"
#include "config/key.h"

json_t *sl_key_describe(const struct sl_key *key)
{
	json_t *schema = key->kind->describe(key);

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
	json_dumpf(schema, to, JSON_INDENT(2));
	fputc('\n', to);
	json_decref(root);
	json_decref(schema);
}

// SPDX-License-Identifier: Apache-2.0
// From a file to rules: read the text, parse the JSON, walk it, build the route table.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/config.h"
#include "config/key.h"

/* 100,000 routes take about 40 MiB; nothing that a file of 16 MiB can mean takes this. */
static const size_t rules_max_bytes = 1u << 30;

void sl_config_free(struct sl_rules *rules)
{
	if (!rules)
		return;
	sl_route_table_free(rules->table);
	sl_arena_fini(&rules->arena);
	free(rules);
}

static struct sl_rules *rules_new(const char *name)
{
	struct sl_rules *rules = calloc(1, sizeof(*rules));
	struct sl_str file;

	if (!rules)
		return NULL;
	sl_arena_init(&rules->arena, NULL, 0, rules_max_bytes);
	file = sl_arena_copy(&rules->arena, sl_str_of(name));
	if (!file.ptr) {
		sl_config_free(rules);
		return NULL;
	}
	rules->file = file.ptr;
	return rules;
}

/* NULL after a fault in the text, or without memory. */
static json_t *parse_text(struct sl_reader *r)
{
	const struct sl_str text = r->report.text;
	struct sl_place place;
	json_error_t error;
	json_t *root;

	root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	if (root)
		return root;
	if (!error.text[0] || json_error_code(&error) == json_error_out_of_memory) {
		r->out_of_memory = true;
		return NULL;
	}
	place.line = error.line > 0 ? (unsigned)error.line : 1;
	place.column = error.column > 0 ? (unsigned)error.column : 1;
	sl_report_fault_at(&r->report, place, "%s", error.text);
	return NULL;
}

static void read_rules(struct sl_reader *r)
{
	json_t *root = parse_text(r);

	if (!root)
		return;
	r->upstreams = json_object();
	r->routes = json_object();
	r->out_of_memory = !r->upstreams || !r->routes;
	sl_config_root.kind->read(r, &sl_config_root, root, r->rules);
	if (r->report.count == 0 && !r->out_of_memory)
		sl_check_table(r);
	json_decref(r->upstreams);
	json_decref(r->routes);
	json_decref(root);
}

/* Takes over rules. */
static int finish(struct sl_reader *r, FILE *errors, struct sl_rules **ret_rules)
{
	int ret = r->out_of_memory ? -ENOMEM : r->report.count ? -EINVAL : 0;

	if (errors)
		sl_report_print(&r->report, errors);
	sl_report_fini(&r->report);
	if (ret < 0)
		sl_config_free(r->rules);
	else
		*ret_rules = r->rules;
	return ret;
}

/* Changes text: comments are blanked. */
static int parse(char *text, size_t len, const char *name, FILE *errors,
		 struct sl_rules **ret_rules)
{
	struct sl_reader r = { .report = { .name = name, .text = { text, len } } };
	struct sl_place place;
	const char *why;

	r.rules = rules_new(name);
	if (!r.rules)
		return -ENOMEM;
	if (sl_source_clean(text, len, &place, &why) < 0)
		sl_report_fault_at(&r.report, place, "%s", why);
	else
		read_rules(&r);
	return finish(&r, errors, ret_rules);
}

static int fail_file(const char *path, FILE *errors, int error)
{
	if (errors)
		fprintf(errors, "%s: %s\n", path, strerror(-error));
	return error;
}

int sl_config_load(const char *path, FILE *errors, struct sl_rules **ret_rules)
{
	size_t len;
	char *text;
	int ret = sl_source_read(path, &text, &len);

	if (ret < 0)
		return fail_file(path, errors, ret);
	ret = parse(text, len, path, errors, ret_rules);
	free(text);
	return ret == -ENOMEM ? fail_file(path, errors, ret) : ret;
}

int sl_config_parse(struct sl_str text, const char *name, FILE *errors, struct sl_rules **ret_rules)
{
	char *copy;
	int ret;

	if (text.len > SL_SOURCE_MAX_BYTES)
		return fail_file(name, errors, -EFBIG);
	copy = malloc(text.len + 1);
	if (!copy)
		return fail_file(name, errors, -ENOMEM);
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	ret = parse(copy, text.len, name, errors, ret_rules);
	free(copy);
	return ret == -ENOMEM ? fail_file(name, errors, ret) : ret;
}

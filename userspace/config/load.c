// SPDX-License-Identifier: Apache-2.0
// From files to rules: read them, merge them, walk the document, build the route table.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/denied.h"
#include "config/check.h"
#include "config/config.h"
#include "config/expand.h"
#include "config/include.h"
#include "config/try.h"
#include "gate/meters.h"
#include "upstream/names.h"

/* 100,000 routes take about 40 MiB; nothing that a file of 16 MiB can mean takes this. */
static const size_t rules_max_bytes = 1u << 30;

void sl_config_free(struct sl_rules *rules)
{
	if (!rules)
		return;
	sl_route_table_free(rules->table);
	sl_states_free(rules->states);
	sl_meters_free(rules->meters);
	sl_names_unref(rules->names);
	sl_config_free_tls(rules);
	sl_config_free_upstream_tls(rules);
	sl_config_free_jwks(rules);
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

static bool is_good(const struct sl_reader *r)
{
	return r->report.count == 0 && !r->out_of_memory;
}

static void read_expanded(struct sl_reader *r, json_t *document)
{
	r->upstreams = json_object();
	r->routes = json_object();
	r->out_of_memory |= !r->upstreams || !r->routes;
	sl_config_root.kind->read(r, &sl_config_root, document, r->rules);
	if (is_good(r))
		sl_config_expand_names(r);
	if (is_good(r))
		sl_config_finish_upstreams(r);
	if (is_good(r))
		sl_config_make_keys(r);
	if (is_good(r))
		sl_config_link_policies(r);
	if (is_good(r))
		sl_check_table(r);
	if (is_good(r))
		sl_config_allow_proxies(r);
	json_decref(r->upstreams);
	json_decref(r->routes);
}

/* As text it takes a tenth of the memory, and nobody asks for it often. */
static void keep_document(struct sl_reader *r, json_t *document)
{
	size_t size = json_dumpb(document, NULL, 0, JSON_COMPACT);
	char *text = size ? sl_reader_alloc(r, 1, size + 1) : NULL;

	r->rules->document = text;
	if (!text || json_dumpb(document, text, size, JSON_COMPACT) != size)
		r->out_of_memory = true;
}

static void read_document(struct sl_reader *r, json_t *document)
{
	json_t *expanded;

	r->report.is_merged = true;
	expanded = sl_expand(r, document);
	r->report.written = document;
	r->report.expanded = expanded;
	if (expanded)
		read_expanded(r, expanded);
	if (is_good(r) && r->is_trial)
		sl_config_try(r);
	if (is_good(r))
		keep_document(r, document);
	r->report.written = r->report.expanded = NULL;
	json_decref(expanded);
}

static void read_rules(struct sl_reader *r)
{
	json_t *document;

	if (!sl_files_read(r))
		return;
	document = sl_files_merge(r);
	if (document)
		read_document(r, document);
	json_decref(document);
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

/* Takes over the files, the first of which has its text. */
static int load(struct sl_files *files, const struct sl_config_after *after, FILE *errors,
		struct sl_rules **ret_rules)
{
	struct sl_reader r = {
		.report = { .files = files },
		.running = after ? after->running : NULL,
		.changed_fd = after ? after->changed_fd : -1,
		.is_trial = after && after->is_trial,
	};
	int ret = -ENOMEM;

	r.rules = rules_new(files->file[0].name);
	if (r.rules) {
		read_rules(&r);
		ret = finish(&r, errors, ret_rules);
	}
	sl_files_fini(files);
	return ret;
}

static int fail_file(const char *path, FILE *errors, int error)
{
	struct sl_denied denied;

	if (errors)
		fprintf(errors, "%s: %s\n", path, sl_denied(&denied, -error));
	return error;
}

/* Takes over text. */
static int load_text(const char *name, char *text, size_t len, struct sl_source_id id,
		     const struct sl_config_after *after, FILE *errors, struct sl_rules **ret_rules)
{
	struct sl_files files = { .file = NULL };
	int ret = sl_files_add(&files, name, text, len, id);

	if (ret == 0)
		ret = load(&files, after, errors, ret_rules);
	return ret == -ENOMEM ? fail_file(name, errors, ret) : ret;
}

int sl_config_load(const char *path, const struct sl_config_after *after, FILE *errors,
		   struct sl_rules **ret_rules)
{
	struct sl_source_id id;
	size_t len;
	char *text;
	int ret = sl_source_read(path, &text, &len, &id);

	if (ret < 0)
		return fail_file(path, errors, ret);
	return load_text(path, text, len, id, after, errors, ret_rules);
}

int sl_config_parse(struct sl_str text, const char *name, const struct sl_config_after *after,
		    FILE *errors, struct sl_rules **ret_rules)
{
	const struct sl_source_id none = { 0 };
	char *copy;

	if (text.len > SL_SOURCE_MAX_BYTES)
		return fail_file(name, errors, -EFBIG);
	copy = malloc(text.len + 1);
	if (!copy)
		return fail_file(name, errors, -ENOMEM);
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	return load_text(name, copy, text.len, none, after, errors, ret_rules);
}

// SPDX-License-Identifier: Apache-2.0
// Merges files: maps and objects member by member, arrays one behind the other.
#include "config/include.h"

/* Its members may come from several files. */
static bool is_mergeable_object(const struct sl_key *key)
{
	if (key->kind == &sl_kind_map)
		return true;
	return key->kind == &sl_kind_object && !key->object->shorthand &&
	       !key->object->may_be_false;
}

static bool is_mergeable(const struct sl_key *key)
{
	return key->kind == &sl_kind_array || is_mergeable_object(key);
}

static bool has_shape(const struct sl_key *key, json_t *value)
{
	return key->kind == &sl_kind_array ? json_is_array(value) : json_is_object(value);
}

static void put_other_place(struct sl_out *o, const struct sl_report *report)
{
	size_t index;
	unsigned other = sl_files_find(report->files, report->steps, report->steps_nr, &index);

	sl_files_put_place(report->files, o, other, report->steps, report->steps_nr,
			   SL_LOCATE_NAME);
}

/* About the member that is being read: it stands in a file before this one too. */
static void fault_twice(struct sl_reader *r, const char *name)
{
	char place[160];
	struct sl_out o;

	sl_out_init(&o, place, sizeof(place));
	if (!sl_report_is_full(&r->report))
		put_other_place(&o, &r->report);
	sl_report_fault_name(&r->report, "'%.64s' is set already at %.*s", name,
			     SL_STR_ARG(sl_out_done(&o)));
}

static void merge_members(struct sl_reader *r, json_t *into, json_t *from)
{
	const char *name;
	json_t *value;

	json_object_foreach(from, name, value)
	{
		sl_report_enter_member(&r->report, name);
		if (json_object_get(into, name))
			fault_twice(r, name);
		else if (json_object_set_nocheck(into, name, value) < 0)
			r->out_of_memory = true;
		sl_report_leave(&r->report);
	}
}

/* The first one to have the key: what cannot be merged, or is at fault, stands as it is. */
static json_t *begin(struct sl_reader *r, json_t *merged, const struct sl_key *key, json_t *value)
{
	json_t *into;

	if (!is_mergeable(key) || !has_shape(key, value))
		into = json_incref(value);
	else
		into = json_is_array(value) ? json_array() : json_object();
	if (json_object_set_new_nocheck(merged, key->name, into) < 0)
		r->out_of_memory = true;
	return json_object_get(merged, key->name);
}

static void merge_value(struct sl_reader *r, json_t *merged, const struct sl_key *key,
			json_t *value)
{
	json_t *into = json_object_get(merged, key->name);
	bool is_first = !into;

	if (is_first)
		into = begin(r, merged, key, value);
	if (!into || into == value || key->kind == &sl_kind_ignored)
		return;
	if (!is_mergeable(key))
		return fault_twice(r, key->name);
	if (!has_shape(key, into))
		return; /* at fault already */
	if (!has_shape(key, value))
		return sl_reader_type_fault(
			r, key->kind == &sl_kind_array ? "an array" : "an object", value);
	if (json_is_object(value))
		merge_members(r, into, value);
	else if (json_array_extend(into, value) < 0)
		r->out_of_memory = true;
}

/* Strangers have been refused when the file was read. */
static void merge_file(struct sl_reader *r, json_t *merged, json_t *root)
{
	const struct sl_key *key;
	const char *name;
	json_t *value;

	json_object_foreach(root, name, value)
	{
		key = sl_object_find_key(sl_config_root.object, name);
		if (!key || !key->kind || key->kind == &sl_kind_include)
			continue;
		sl_report_enter_member(&r->report, name);
		merge_value(r, merged, key, value);
		sl_report_leave(&r->report);
	}
}

json_t *sl_files_merge(struct sl_reader *r)
{
	struct sl_files *f = r->report.files;
	struct sl_report_mark mark;
	json_t *merged = json_object();

	for (unsigned i = 0; i < f->nr && merged; i++) {
		sl_report_enter_file(&r->report, i, &mark);
		merge_file(r, merged, f->file[i].root);
		sl_report_leave_file(&r->report, &mark);
	}
	if (!merged)
		r->out_of_memory = true;
	return merged;
}

// SPDX-License-Identifier: Apache-2.0
// Parses the files of a configuration, each before those that it includes.
#include "config/include.h"

#include <errno.h>
#include <stdlib.h>

#include "base/denied.h"

static bool read_one(struct sl_reader *r, unsigned file);

static void fail(struct sl_reader *r)
{
	r->is_incomplete = true;
}

/* The commonest slip: the parser only says that it did not expect what is behind it. */
static bool is_behind_comma(struct sl_str text, const json_error_t *error)
{
	size_t at = error->position > 0 ? (size_t)error->position : 0;

	if (!text.ptr || at == 0 || at > text.len ||
	    (text.ptr[at - 1] != '}' && text.ptr[at - 1] != ']'))
		return false;
	at--;
	while (at && strchr(" \t\r\n", text.ptr[at - 1]))
		at--;
	return at && text.ptr[at - 1] == ',';
}

static void fault_parser(struct sl_reader *r, struct sl_str text, const json_error_t *error)
{
	struct sl_place place;

	if (!error->text[0] || json_error_code(error) == json_error_out_of_memory) {
		r->out_of_memory = true;
		return;
	}
	place.line = error->line > 0 ? (unsigned)error->line : 1;
	place.column = error->column > 0 ? (unsigned)error->column : 1;
	sl_report_fault_at(&r->report, place, "%s%s", error->text,
			   is_behind_comma(text, error) ? ": the ',' before it is one too many"
							: "");
}

/* NULL after a fault in the text, or without memory. */
static json_t *parse_text(struct sl_reader *r, struct sl_str text)
{
	struct sl_place place;
	json_error_t error;
	const char *why;
	json_t *root;

	if (sl_source_clean((char *)text.ptr, text.len, &place, &why) < 0) {
		sl_report_fault_at(&r->report, place, "%s", why);
		return NULL;
	}
	root = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		fault_parser(r, text, &error);
		return NULL;
	}
	if (json_is_object(root))
		return root;
	sl_reader_type_fault(r, "an object", root);
	json_decref(root);
	return NULL;
}

/* To be read behind the file's name; NULL: what the system says. */
static const char *reason(int error)
{
	switch (error) {
	case -EFBIG:
		return ": a configuration has at most 16 MiB, all files together";
	case -ENOTSUP:
		return " is not a plain file";
	case -EISDIR:
		return " is a directory";
	default:
		return NULL;
	}
}

static void fault_file(struct sl_reader *r, const char *path, int error)
{
	const char *why = reason(error);
	struct sl_denied denied;

	sl_report_fault(&r->report, "'%.200s'%s%s", path, why ? why : ": ",
			why ? "" : sl_denied(&denied, -error));
	fail(r);
}

static bool is_same_file(const struct sl_source_id *a, const struct sl_source_id *b)
{
	return (a->device || a->inode) && a->device == b->device && a->inode == b->inode;
}

static bool is_above(const struct sl_files *f, unsigned upper, unsigned file)
{
	while (file != upper && f->file[file].depth)
		file = f->file[file].parent;
	return file == upper;
}

/* The same file twice would set everything twice; each thing is to have one place. */
static bool is_new(struct sl_reader *r, const char *path, const struct sl_source_id *id)
{
	const struct sl_files *f = r->report.files;
	char place[160];
	struct sl_out o;
	unsigned i;

	for (i = 0; i < f->nr && !is_same_file(&f->file[i].id, id); i++)
		;
	if (i == f->nr)
		return true;
	if (is_above(f, i, r->report.file)) {
		sl_report_fault(&r->report, "'%.200s' would include itself", path);
		return false;
	}
	sl_out_init(&o, place, sizeof(place));
	if (!sl_report_is_full(&r->report))
		sl_files_put_place(f, &o, f->file[i].parent, f->file[i].step, f->file[i].steps_nr,
				   SL_LOCATE_VALUE);
	sl_report_fault(&r->report, "'%.200s' is included already, at %.*s", path,
			SL_STR_ARG(sl_out_done(&o)));
	return false;
}

/* The file that is being read becomes the new one's parent. */
static bool add_file(struct sl_reader *r, const char *path, char *text, size_t len,
		     struct sl_source_id id)
{
	struct sl_report *report = &r->report;
	struct sl_file *file;

	if (sl_files_add(report->files, path, text, len, id) < 0) {
		r->out_of_memory = true;
		return false;
	}
	file = &report->files->file[report->files->nr - 1];
	file->parent = report->file;
	file->depth = report->files->file[report->file].depth + 1;
	file->steps_nr = report->steps_nr;
	memcpy(file->step, report->steps, report->steps_nr * sizeof(*file->step));
	return true;
}

static void include_file(struct sl_reader *r, const char *path)
{
	struct sl_files *f = r->report.files;
	struct sl_report_mark mark;
	struct sl_source_id id;
	size_t len;
	char *text;
	int ret;

	ret = sl_source_read_plain(path, SL_SOURCE_MAX_BYTES - f->bytes, &text, &len, &id);
	if (ret == -ENOMEM)
		r->out_of_memory = true;
	if (ret < 0)
		return fault_file(r, path, ret);
	if (!is_new(r, path, &id)) {
		free(text);
		return fail(r);
	}
	if (!add_file(r, path, text, len, id))
		return;
	sl_report_enter_file(&r->report, f->nr - 1, &mark);
	if (!read_one(r, f->nr - 1))
		fail(r);
	sl_report_leave_file(&r->report, &mark);
}

/* Relative to the directory of the file that includes it; on the heap. */
static char *resolve(const struct sl_file *file, const char *path)
{
	const char *slash = strrchr(file->name, '/');
	size_t dir_len = slash && path[0] != '/' ? (size_t)(slash - file->name) + 1 : 0;
	char *resolved = malloc(dir_len + strlen(path) + 1);

	if (!resolved)
		return NULL;
	memcpy(resolved, file->name, dir_len);
	strcpy(resolved + dir_len, path);
	return resolved;
}

static const char *check_room(const struct sl_reader *r)
{
	const struct sl_files *f = r->report.files;

	if (f->file[r->report.file].depth == SL_FILES_MAX_DEPTH)
		return "files include each other more than 8 deep";
	if (f->nr == SL_FILES_MAX)
		return "a configuration has at most 1024 files";
	return NULL;
}

static void include_listed(struct sl_reader *r, char *const *names, size_t nr)
{
	for (size_t i = 0; i < nr && !r->out_of_memory; i++) {
		const char *why = check_room(r);

		if (why) {
			sl_report_fault(&r->report, "'%.200s': %s", names[i], why);
			return fail(r);
		}
		include_file(r, names[i]);
	}
}

static void include_path(struct sl_reader *r, const char *path)
{
	char *resolved, **names;
	size_t nr;
	int ret;

	if (!path[0] || strstr(path, "${")) {
		sl_report_fault(&r->report,
				path[0] ? "'%.64s': nothing is substituted in an include"
					: "'%.64s' names no file",
				path);
		return fail(r);
	}
	resolved = resolve(&r->report.files->file[r->report.file], path);
	ret = resolved ? sl_source_list(resolved, &names, &nr) : -ENOMEM;
	if (ret == -ENOMEM)
		r->out_of_memory = true;
	if (ret < 0) {
		fault_file(r, resolved ? resolved : path, ret);
	} else {
		include_listed(r, names, nr);
		sl_source_list_free(names, nr);
	}
	free(resolved);
}

static void read_include(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	json_t *element;
	size_t i;

	if (json_is_string(value))
		return include_path(r, json_string_value(value));
	if (!json_is_array(value)) {
		sl_reader_type_fault(r, "a string or an array", value);
		return fail(r);
	}
	json_array_foreach(value, i, element)
	{
		sl_report_enter_element(&r->report, i);
		if (json_is_string(element)) {
			include_path(r, json_string_value(element));
		} else {
			sl_reader_type_fault(r, "a string", element);
			fail(r);
		}
		sl_report_leave(&r->report);
	}
}

static json_t *describe_include(const struct sl_key *key)
{
	return json_pack("{s:[{s:s}, {s:s, s:{s:s}}]}", "anyOf", "type", "string", "type", "array",
			 "items", "type", "string");
}

/* The file that the report is about. */
static bool read_one(struct sl_reader *r, unsigned file)
{
	struct sl_files *f = r->report.files;
	json_t *root = parse_text(r, f->file[file].text), *include;

	if (!root)
		return false;
	f->file[file].root = root;
	sl_reader_refuse_strangers(r, sl_config_root.object, root);
	include = json_object_get(root, "include");
	if (!include)
		return true;
	sl_report_enter_member(&r->report, "include");
	read_include(r, NULL, include, NULL);
	sl_report_leave(&r->report);
	return true;
}

bool sl_files_read(struct sl_reader *r)
{
	return read_one(r, 0) && !r->is_incomplete && !r->out_of_memory;
}

const struct sl_kind sl_kind_include = { read_include, describe_include, "string or array" };

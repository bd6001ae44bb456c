// SPDX-License-Identifier: Apache-2.0
// Gathers faults with their places and prints them sorted.
#include "config/report.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/out.h"
#include "config/hide.h"

enum { NAME_SHOWN = 64 };

void sl_report_fini(struct sl_report *r)
{
	free(r->faults);
	r->faults = NULL;
	r->kept = 0;
}

/* Tables nest less deep than there is room for; what a file says where it should not may be deeper,
 * and is reported where it begins. */
static void enter(struct sl_report *r, struct sl_step step)
{
	if (r->steps_nr < SL_REPORT_MAX_STEPS)
		r->steps[r->steps_nr] = step;
	r->steps_nr++;
}

static unsigned kept_steps(const struct sl_report *r)
{
	return r->steps_nr < SL_REPORT_MAX_STEPS ? r->steps_nr : SL_REPORT_MAX_STEPS;
}

void sl_report_enter_member(struct sl_report *r, const char *name)
{
	enter(r, (struct sl_step){ .name = sl_str_of(name) });
}

void sl_report_enter_element(struct sl_report *r, size_t index)
{
	enter(r, (struct sl_step){ .index = index });
}

void sl_report_leave(struct sl_report *r)
{
	r->steps_nr--;
}

void sl_report_enter_file(struct sl_report *r, unsigned file, struct sl_report_mark *ret_mark)
{
	ret_mark->file = r->file;
	ret_mark->steps_nr = r->steps_nr;
	memcpy(ret_mark->steps, r->steps, sizeof(r->steps));
	r->file = file;
	r->steps_nr = 0;
}

void sl_report_leave_file(struct sl_report *r, const struct sl_report_mark *mark)
{
	r->file = mark->file;
	r->steps_nr = mark->steps_nr;
	memcpy(r->steps, mark->steps, sizeof(r->steps));
}

/* The value that is being read, in its own file. */
static struct sl_report_mark spot_of(const struct sl_report *r)
{
	struct sl_report_mark spot = { .file = r->file, .steps_nr = kept_steps(r) };
	size_t index;

	memcpy(spot.steps, r->steps, spot.steps_nr * sizeof(*spot.steps));
	if (!r->is_merged)
		return spot;
	spot.file = sl_files_find(r->files, spot.steps, spot.steps_nr, &index);
	if (spot.steps_nr > 1)
		spot.steps[1].index = index;
	return spot;
}

static json_t *follow(json_t *value, const struct sl_step *steps, unsigned nr)
{
	for (; nr && value; nr--, steps++)
		value = steps->name.ptr ? json_object_get(value, steps->name.ptr)
					: json_array_get(value, steps->index);
	return value;
}

/* The written and the expanded value that is being read; false when they are the same. */
static bool is_substituted(const struct sl_report *r, json_t **ret_written, json_t **ret_expanded)
{
	if (!r->is_merged || r->written == r->expanded || !r->expanded ||
	    r->steps_nr > SL_REPORT_MAX_STEPS)
		return false;
	*ret_written = follow(r->written, r->steps, r->steps_nr);
	*ret_expanded = follow(r->expanded, r->steps, r->steps_nr);
	return json_is_string(*ret_written) && *ret_written != *ret_expanded;
}

const char *sl_report_written(const struct sl_report *r)
{
	json_t *written, *expanded;

	return is_substituted(r, &written, &expanded) ? json_string_value(written) : NULL;
}

const char *sl_report_find_element(const struct sl_report *r, const char *array, size_t index,
				   size_t *ret_index)
{
	const struct sl_step steps[] = { { .name = sl_str_of(array) }, { .index = index } };
	unsigned file;

	*ret_index = index;
	if (sl_report_is_full(r))
		return NULL;
	file = sl_files_find(r->files, steps, 2, ret_index);
	return file == spot_of(r).file ? NULL : r->files->file[file].name;
}

/* RFC 6901 3: '~' and '/' in a name are written "~0" and "~1". */
static void put_name(struct sl_out *o, struct sl_str name)
{
	for (size_t i = 0; i < name.len && i < NAME_SHOWN; i++) {
		if (name.ptr[i] == '~')
			sl_out_lit(o, "~0");
		else if (name.ptr[i] == '/')
			sl_out_lit(o, "~1");
		else
			sl_out_char(o, name.ptr[i]);
	}
	if (name.len > NAME_SHOWN)
		sl_out_lit(o, "...");
}

static void put_pointer(struct sl_out *o, const struct sl_step *steps, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		sl_out_char(o, '/');
		if (steps[i].name.ptr)
			put_name(o, steps[i].name);
		else
			sl_out_u64(o, steps[i].index);
	}
	if (nr)
		sl_out_lit(o, ": ");
}

/* Words of the file must not steer the terminal that the message is read on. */
static void defuse(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static struct sl_fault *next_fault(struct sl_report *r)
{
	r->count++;
	if (!r->faults)
		r->faults = calloc(SL_REPORT_MAX_FAULTS, sizeof(*r->faults));
	if (!r->faults || r->kept == SL_REPORT_MAX_FAULTS)
		return NULL;
	return &r->faults[r->kept++];
}

static void write_fault(char *text, size_t size, const char *fmt, va_list ap)
{
	vsnprintf(text, size, fmt, ap);
	defuse(text);
}

static void add_fault(struct sl_report *r, enum sl_locate what, const char *fmt, va_list ap)
{
	json_t *written, *expanded;
	struct sl_report_mark spot;
	struct sl_fault *f;
	struct sl_out o;
	bool is_hidden = is_substituted(r, &written, &expanded);

	if (is_hidden && json_is_null(expanded))
		return; /* it could not be expanded, which was reported */
	f = next_fault(r);
	if (!f)
		return;
	spot = spot_of(r);
	f->file = spot.file;
	f->place = sl_source_locate(r->files->file[f->file].text, spot.steps, spot.steps_nr, what);
	sl_out_init(&o, f->text, sizeof(f->text) - 1);
	put_pointer(&o, spot.steps, spot.steps_nr);
	vsnprintf(o.pos, sl_out_room(&o) + 1, fmt, ap);
	if (is_hidden)
		sl_hide(o.pos, sl_out_room(&o) + 1, json_string_value(written),
			json_string_value(expanded));
	defuse(f->text);
}

void sl_report_fault(struct sl_report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_fault(r, SL_LOCATE_VALUE, fmt, ap);
	va_end(ap);
}

void sl_report_fault_name(struct sl_report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_fault(r, SL_LOCATE_NAME, fmt, ap);
	va_end(ap);
}

void sl_report_fault_at(struct sl_report *r, struct sl_place place, const char *fmt, ...)
{
	struct sl_fault *f = next_fault(r);
	va_list ap;

	if (!f)
		return;
	f->file = r->file;
	f->place = place;
	va_start(ap, fmt);
	write_fault(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static int by_place(const void *a, const void *b)
{
	const struct sl_fault *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	return strcmp(x->text, y->text);
}

/* A directory may hold names of any bytes. */
static void put_file_name(const struct sl_report *r, unsigned file, FILE *to)
{
	for (const char *c = r->files->file[file].name; *c; c++)
		fputc((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c, to);
}

void sl_report_print(struct sl_report *r, FILE *to)
{
	if (r->kept)
		qsort(r->faults, r->kept, sizeof(*r->faults), by_place);
	for (unsigned i = 0; i < r->kept; i++) {
		put_file_name(r, r->faults[i].file, to);
		fprintf(to, ":%u:%u: %s\n", r->faults[i].place.line, r->faults[i].place.column,
			r->faults[i].text);
	}
	if (r->count > r->kept)
		fprintf(to, "%s: %u more faults are not shown\n", r->files->file[0].name,
			r->count - r->kept);
}

// SPDX-License-Identifier: Apache-2.0
// Gathers faults with their places and prints them sorted.
#include "config/report.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/out.h"

enum { NAME_SHOWN = 64 };

void sl_report_fini(struct sl_report *r)
{
	free(r->faults);
	r->faults = NULL;
	r->kept = 0;
}

static void enter(struct sl_report *r, struct sl_step step)
{
	assert(r->steps_nr < SL_REPORT_MAX_STEPS); /* the tables nest less deep than this */
	r->steps[r->steps_nr++] = step;
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

static void put_pointer(struct sl_out *o, const struct sl_report *r)
{
	for (unsigned i = 0; i < r->steps_nr; i++) {
		sl_out_char(o, '/');
		if (r->steps[i].name.ptr)
			put_name(o, r->steps[i].name);
		else
			sl_out_u64(o, r->steps[i].index);
	}
	if (r->steps_nr)
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

static void write_fault(struct sl_fault *f, const struct sl_report *r, const char *fmt, va_list ap)
{
	struct sl_out o;

	sl_out_init(&o, f->text, sizeof(f->text) - 1);
	if (r)
		put_pointer(&o, r);
	vsnprintf(o.pos, sl_out_room(&o) + 1, fmt, ap);
	defuse(f->text);
}

void sl_report_fault(struct sl_report *r, const char *fmt, ...)
{
	struct sl_fault *f = next_fault(r);
	va_list ap;

	if (!f)
		return;
	f->place = sl_source_locate(r->text, r->steps, r->steps_nr, SL_LOCATE_VALUE);
	va_start(ap, fmt);
	write_fault(f, r, fmt, ap);
	va_end(ap);
}

void sl_report_fault_name(struct sl_report *r, const char *fmt, ...)
{
	struct sl_fault *f = next_fault(r);
	va_list ap;

	if (!f)
		return;
	f->place = sl_source_locate(r->text, r->steps, r->steps_nr, SL_LOCATE_NAME);
	va_start(ap, fmt);
	write_fault(f, r, fmt, ap);
	va_end(ap);
}

void sl_report_fault_at(struct sl_report *r, struct sl_place place, const char *fmt, ...)
{
	struct sl_fault *f = next_fault(r);
	va_list ap;

	if (!f)
		return;
	f->place = place;
	va_start(ap, fmt);
	write_fault(f, NULL, fmt, ap);
	va_end(ap);
}

static int by_place(const void *a, const void *b)
{
	const struct sl_fault *x = a, *y = b;

	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	return strcmp(x->text, y->text);
}

void sl_report_print(struct sl_report *r, FILE *to)
{
	if (r->kept)
		qsort(r->faults, r->kept, sizeof(*r->faults), by_place);
	for (unsigned i = 0; i < r->kept; i++)
		fprintf(to, "%s:%u:%u: %s\n", r->name, r->faults[i].place.line,
			r->faults[i].place.column, r->faults[i].text);
	if (r->count > r->kept)
		fprintf(to, "%s: %u more faults are not shown\n", r->name, r->count - r->kept);
}

// SPDX-License-Identifier: Apache-2.0
// The files of one configuration, and which of them a value of the merged document is from.
#include "config/files.h"

#include <errno.h>
#include <stdlib.h>

enum { NAME_SHOWN = 100 };

static int make_room(struct sl_files *f)
{
	unsigned room = f->room ? f->room * 2 : 4;
	struct sl_file *grown;

	if (f->nr < f->room)
		return 0;
	grown = realloc(f->file, room * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->file = grown;
	f->room = room;
	return 0;
}

int sl_files_add(struct sl_files *f, const char *name, char *text, size_t len,
		 struct sl_source_id id)
{
	char *copy = strdup(name);

	if (!copy || make_room(f) < 0) {
		free(copy);
		free(text);
		return -ENOMEM;
	}
	f->file[f->nr++] = (struct sl_file){ .name = copy, .text = { text, len }, .id = id };
	f->bytes += len;
	return 0;
}

void sl_files_fini(struct sl_files *f)
{
	for (unsigned i = 0; i < f->nr; i++) {
		json_decref(f->file[i].root);
		free((char *)f->file[i].text.ptr);
		free(f->file[i].name);
	}
	free(f->file);
	*f = (struct sl_files){ .file = NULL };
}

/* Whether `in` holds the step; an element that it does not hold is looked for behind its own. */
static bool holds(json_t *in, const struct sl_step *step, size_t *index)
{
	if (step->name.ptr)
		return json_object_get(in, step->name.ptr) != NULL;
	if (*index < json_array_size(in))
		return true;
	*index -= json_array_size(in);
	return false;
}

unsigned sl_files_find(const struct sl_files *f, const struct sl_step *steps, unsigned nr,
		       size_t *ret_index)
{
	size_t index = nr > 1 ? steps[1].index : 0;
	unsigned first = 0;
	bool is_found = false;

	*ret_index = index;
	for (unsigned i = 0; i < f->nr && nr; i++) {
		json_t *in = json_object_get(f->file[i].root, steps[0].name.ptr);

		if (!in)
			continue;
		if (!is_found)
			first = i;
		is_found = true;
		if (nr == 1)
			break;
		if (holds(in, &steps[1], &index)) {
			*ret_index = index;
			return i;
		}
	}
	return first;
}

void sl_files_put_place(const struct sl_files *f, struct sl_out *o, unsigned file,
			const struct sl_step *steps, unsigned nr, enum sl_locate what)
{
	struct sl_place at = sl_source_locate(f->file[file].text, steps, nr, what);

	sl_out_fmt(o, "%.*s:%u:%u", NAME_SHOWN, f->file[file].name, at.line, at.column);
}

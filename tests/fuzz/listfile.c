// SPDX-License-Identifier: Apache-2.0
// Fuzzes files of prefixes: what is read in any format is written, and read as the same again.
#include "kern/listfile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool held)
{
	if (!held)
		abort();
}

static void read_list(struct sl_listfile *f, const struct sl_moment *now, struct sl_str text,
		      enum sl_list_format format)
{
	*f = (struct sl_listfile){ .format = format, .defaults = { .denies = true, .now = *now } };
	f->defaults.rule.action = SL_ACTION_DROP;
	strcpy(f->defaults.rule.list, "default");
	demand(sl_listfile_read(f, text) == 0);
}

static size_t write_list(const struct sl_listfile *f, char *mem, size_t size)
{
	struct sl_out o;

	sl_out_init(&o, mem, size);
	for (size_t i = 0; i < f->list.nr; i++) {
		const struct sl_prefix *p = &f->list.prefixes[i];

		demand(p->length <= 128 && !(p->hi & ~sl_mask64(p->length, 0)) &&
		       !(p->lo & ~sl_mask64(p->length, 64)));
		sl_list_write_entry(&o, &f->list, i, &f->defaults.now, true);
	}
	demand(!o.overflow);
	return sl_out_len(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_moment now = { 3600ull << 30, 1790000000ull * 1000000000 };
	char *copy = malloc(size + 1), *mem, *mem2;
	struct sl_listfile f, again;
	size_t room, n;

	demand(copy != NULL);
	if (size < 1)
		goto out;
	memcpy(copy, data + 1, size - 1);
	read_list(&f, &now, (struct sl_str){ copy, size - 1 }, data[0] % SL_LIST_FORMATS_NR);
	demand(sl_list_merge(&f.list) >= 0);
	room = f.list.nr * SL_LIST_LINE_MAX + 1;
	mem = malloc(room);
	mem2 = malloc(room);
	demand(mem && mem2);
	n = write_list(&f, mem, room);
	read_list(&again, &now, (struct sl_str){ mem, n }, SL_LIST_PLAIN);
	demand(again.faults_nr == 0 && again.host_bits_nr == 0);
	demand(sl_list_merge(&again.list) == 0 && again.list.nr + again.over_nr == f.list.nr);
	if (!again.over_nr) {
		demand(write_list(&again, mem2, room) == n && memcmp(mem, mem2, n) == 0);
	}
	free(mem);
	free(mem2);
	sl_prefixes_fini(&f.list);
	sl_prefixes_fini(&again.list);
out:
	free(copy);
	return 0;
}

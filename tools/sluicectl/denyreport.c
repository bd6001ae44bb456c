// SPDX-License-Identifier: Apache-2.0
// What came of a dry run, as JSON; text for people is made of the same object.
#include <inttypes.h>
#include <stdio.h>

#include "denytest.h"
#include "kern/image.h"

static const struct sl_rule *entry_words(struct trial *t, uint32_t number, char prefix[static 64],
					 struct sl_rule *ret_rule)
{
	struct sl_image *image = &t->judge.image;
	const struct sl_image_head *head = sl_image_line(image, 0);
	const struct sl_entry *e = sl_image_entry(image, head, number);
	struct sl_prefix p = sl_image_prefix(e);

	*ret_rule = *(const struct sl_rule *)sl_image_line(image, head->rules + e->rule);
	lists_prefix_text(&p, prefix);
	return ret_rule;
}

static json_t *row_json(struct trial *t, const struct tally_row *row, const char *packets,
			const char *bytes)
{
	struct sl_prefix p = { .hi = row->address.hi, .lo = row->address.lo, .length = 128 };
	char address[64], prefix[64];
	struct sl_rule rule;

	entry_words(t, row->entry, prefix, &rule);
	return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s}", "address",
			 lists_prefix_text(&p, address), packets, (json_int_t)row->packets, bytes,
			 (json_int_t)row->bytes, "prefix", prefix, "list", rule.list, "action",
			 sl_action_name(rule.action));
}

static json_t *rows_json(struct trial *t, const struct tally *rows, const char *packets,
			 const char *bytes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->nr && i < t->top; i++)
		json_array_append_new(list, row_json(t, &rows->rows[i], packets, bytes));
	return list;
}

/* The heaviest entries, without sorting a million: one after the other. */
static json_t *entries_json(struct trial *t)
{
	const struct sl_image_head *head = sl_image_line(&t->judge.image, 0);
	json_t *list = json_array();

	for (uint64_t n = 0; n < t->top; n++) {
		uint32_t best = 0;
		struct sl_rule rule;
		char prefix[64];

		for (uint32_t i = SL_ENTRY_FIRST; i < head->entries_end; i++)
			if (t->entries[i].packets > t->entries[best].packets)
				best = i;
		if (!best)
			break;
		entry_words(t, best, prefix, &rule);
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:I}", "prefix", prefix,
						      "list", rule.list, "action",
						      sl_action_name(rule.action), "packets",
						      (json_int_t)t->entries[best].packets, "bytes",
						      (json_int_t)t->entries[best].bytes));
		t->entries[best].packets = 0;
	}
	return list;
}

static json_t *lists_json(struct trial *t)
{
	const struct sl_image_head *head = sl_image_line(&t->judge.image, 0);
	json_t *lists = json_object(), *count;

	for (uint32_t i = SL_ENTRY_FIRST; i < head->entries_end; i++) {
		struct sl_rule rule;
		char prefix[64];

		if (!t->entries[i].packets)
			continue;
		entry_words(t, i, prefix, &rule);
		count = json_object_get(lists, rule.list);
		if (!count)
			json_object_set_new(lists, rule.list, count = json_integer(0));
		json_integer_set(count,
				 json_integer_value(count) + (json_int_t)t->entries[i].packets);
	}
	return lists;
}

static json_t *result_json(struct trial *t)
{
	json_t *lists = lists_json(t), *result;

	result = json_pack(
		"{s:s, s:s?, s:b, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s?, s:I, "
		"s:I, "
		"s:o, s:o, s:o, s:o}",
		"judged_by", t->judge.is_kernel ? "kernel" : "userspace", "why_not_kernel",
		t->judge.is_kernel ? NULL : t->judge.why_not.text, "with_lists", t->has_lists,
		"packets", (json_int_t)t->packets, "bytes", (json_int_t)t->bytes, "sources",
		(json_int_t)t->sources.nr, "are_sources_all",
		json_boolean(t->sources.others + t->cut.others + t->clients.others == 0),
		"cut_packets", (json_int_t)t->cut_packets, "cut_bytes", (json_int_t)t->cut_bytes,
		"cut_sources", (json_int_t)t->cut.nr, "shadow_packets",
		(json_int_t)t->shadow_packets, "not_ip", (json_int_t)t->unread, "sent",
		(json_int_t)t->sent, "damage", t->damage[0] ? t->damage : NULL, "log_lines",
		(json_int_t)t->lines, "bad_log_lines", (json_int_t)t->bad_lines, "real_clients",
		json_pack("{s:I, s:o}", "nr", (json_int_t)t->clients.nr, "top",
			  rows_json(t, &t->clients, "requests", "answered")),
		"lists", lists, "prefixes", entries_json(t), "top_sources",
		rows_json(t, &t->cut, "packets", "bytes"));
	return result;
}

/* ---- for people ---- */

static json_int_t number(const json_t *of, const char *key)
{
	return json_integer_value(json_object_get(of, key));
}

static void print_rows(const json_t *rows, const char *head, const char *name, const char *packets,
		       const char *bytes)
{
	const json_t *row;
	size_t i;

	if (!json_array_size(rows))
		return;
	printf("%-39s %10s %12s  %s\n", head, packets, bytes, "BY");
	json_array_foreach(rows, i, row)
	{
		const json_t *b = json_object_get(row, "bytes");

		printf("%-39s %10" JSON_INTEGER_FORMAT " %12" JSON_INTEGER_FORMAT
		       "  %s %s list %s\n",
		       json_string_value(json_object_get(row, name)),
		       number(row, b ? "packets" : "requests"),
		       number(row, b ? "bytes" : "answered"),
		       json_string_value(json_object_get(row, "action")),
		       json_string_value(json_object_get(row, "prefix")),
		       json_string_value(json_object_get(row, "list")));
	}
}

static void print_real(struct trial *t, const json_t *result)
{
	const json_t *real = json_object_get(result, "real_clients");

	if (!t->clients.nr)
		return;
	printf("%zu %s got 2xx answers and would be cut: these look like real clients\n",
	       t->clients.nr, t->clients.nr == 1 ? "client" : "clients");
	print_rows(json_object_get(real, "top"), "CLIENT", "address", "REQUESTS", "ANSWERED");
}

static void print_notes(struct trial *t)
{
	if (!t->judge.is_kernel)
		fprintf(stderr,
			"sluicectl: deny test: judged here and not by the kernel program: %s\n",
			t->judge.why_not.text);
	if (!t->has_lists)
		fputs("sluicectl: deny test: no lists are pinned that can be read: the file "
		      "alone\n",
		      stderr);
	if (t->damage[0])
		fprintf(stderr, "sluicectl: deny test: the capture ends here: %s\n", t->damage);
	if (t->bad_lines)
		fprintf(stderr,
			"sluicectl: deny test: %" PRIu64 " of %" PRIu64
			" lines of the log cannot be read\n",
			t->bad_lines, t->lines);
	if (t->sources.others + t->cut.others + t->clients.others)
		fprintf(stderr,
			"sluicectl: deny test: more than %u addresses: not all are counted\n",
			TALLY_MAX);
}

static void print_text(struct trial *t, const json_t *result)
{
	double part = t->packets ? 100.0 * (double)t->cut_packets / (double)t->packets : 0;
	const json_t *count;
	const char *name;

	print_real(t, result);
	if (!t->capture.link && !t->packets)
		return;
	printf("%" PRIu64 " of %" PRIu64 " packets (%.1f %%) would be cut, %" PRIu64 " of %" PRIu64
	       " bytes, %zu of %zu sources\n",
	       t->cut_packets, t->packets, part, t->cut_bytes, t->bytes, t->cut.nr, t->sources.nr);
	if (t->shadow_packets)
		printf("  %" PRIu64 " more are of entries that only count\n", t->shadow_packets);
	if (t->sent)
		printf("  %" PRIu64 " that this host sent are left out\n", t->sent);
	if (t->unread)
		printf("  %" PRIu64 " are not IP, or too short to be judged: they pass\n",
		       t->unread);
	json_object_foreach(json_object_get(result, "lists"), name, count)
		printf("  %" JSON_INTEGER_FORMAT " by list %s\n", json_integer_value(count), name);
	print_rows(json_object_get(result, "prefixes"), "PREFIX", "prefix", "PACKETS", "BYTES");
	print_rows(json_object_get(result, "top_sources"), "SOURCE", "address", "PACKETS", "BYTES");
}

enum ctl_exit trial_print(struct trial *t)
{
	json_t *result = result_json(t);

	if (t->ctl->is_json)
		return ctl_print_json(t->ctl, result);
	print_notes(t);
	print_text(t, result);
	json_decref(result);
	return CTL_OK;
}

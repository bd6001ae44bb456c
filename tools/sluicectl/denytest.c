// SPDX-License-Identifier: Apache-2.0
// sluicectl deny test: who would be cut if a file were loaded; nothing is changed.
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "drops.h"
#include "ending.h"
#include "judge.h"
#include "kern/image.h"
#include "lists.h"
#include "tally.h"

enum { TOP_DEFAULT = 10, LOG_LINE_MAX = 64 * 1024, PROGRESS_EVERY = 65536 };

struct trial {
	struct ctl *ctl;
	struct judge judge;
	struct capture capture;
	uint64_t *ports;
	bool has_lists; /* those that are pinned are beneath the file's */
	uint64_t top;
	uint64_t packets, bytes, cut_packets, cut_bytes, shadow_packets;
	uint64_t sent, unread; /* packets of this host; without an address that can be read */
	uint64_t lines, bad_lines;
	struct tally sources, cut, clients; /* of the capture; of the log: bytes are its 2xx */
	struct drops_count {
		uint64_t packets, bytes;
	} * entries;	  /* by number */
	char damage[160]; /* of the capture: its rest was not read */
};

/* ---- packets ---- */

static void count_cut(struct trial *t, const struct judged *j, uint32_t wire)
{
	const struct sl_image_head *head = sl_image_line(&t->judge.image, 0);
	struct tally_row *row = tally_row(&t->cut, &j->source);

	t->cut_packets++;
	t->cut_bytes += wire;
	if (j->entry < head->entries_end) {
		t->entries[j->entry].packets++;
		t->entries[j->entry].bytes += wire;
	}
	if (!row)
		return;
	row->packets++;
	row->bytes += wire;
	row->entry = j->entry;
}

static void judge_packet(struct trial *t, size_t len, uint32_t wire)
{
	struct judged j = judge_frame(&t->judge, t->capture.frame, len);

	t->packets++;
	t->bytes += wire;
	t->unread += !j.has_source;
	t->shadow_packets += j.is_shadow && !j.is_cut;
	if (j.has_source)
		tally_row(&t->sources, &j.source);
	if (j.is_cut)
		count_cut(t, &j, wire);
}

static void read_packets(struct trial *t)
{
	bool has_bar = isatty(STDERR_FILENO) && !t->ctl->is_json;
	uint32_t wire = 0;
	int len = 0;

	while (!ending_has_come() && (len = capture_next(&t->capture, &wire)) >= -1) {
		if (len < 0) {
			t->sent++;
			continue;
		}
		judge_packet(t, (size_t)len, wire);
		if (has_bar && t->packets % PROGRESS_EVERY == 0)
			fprintf(stderr, "\r%u %%  %" PRIu64 " packets",
				capture_progress(&t->capture), t->packets);
	}
	if (has_bar)
		fputs("\r\033[K", stderr);
	if (len == -3)
		snprintf(t->damage, sizeof(t->damage), "%.150s", capture_error(&t->capture));
}

/* ---- the access log ---- */

static bool read_address(struct sl_str text, struct sl_address *ret_address)
{
	bool had_host_bits;
	struct sl_prefix p;

	if (sl_prefix_parse(text, &p, &had_host_bits) < 0 || p.length != 128)
		return false;
	*ret_address = (struct sl_address){ p.hi, p.lo };
	return true;
}

static bool read_json_line(const char *line, struct sl_address *ret_client, int *ret_status)
{
	json_t *entry = json_loads(line, 0, NULL);
	const char *client = json_string_value(json_object_get(entry, "client"));
	bool is_good = client && read_address(sl_str_of(client), ret_client);

	*ret_status = (int)json_integer_value(json_object_get(entry, "status"));
	json_decref(entry);
	return is_good && *ret_status > 0;
}

/* ADDRESS - - [TIME] "REQUEST" STATUS ...: no quote is in the request, they are escaped. */
static bool read_text_line(const char *line, struct sl_address *ret_client, int *ret_status)
{
	const char *quote = strchr(line, '"');

	quote = quote ? strchr(quote + 1, '"') : NULL;
	return quote && sscanf(quote + 1, " %3d", ret_status) == 1 &&
	       read_address((struct sl_str){ line, strcspn(line, " ") }, ret_client);
}

static void read_line(struct trial *t, const char *line)
{
	struct sl_address client;
	struct tally_row *row;
	int status = 0;

	t->lines++;
	if (!(line[0] == '{' ? read_json_line(line, &client, &status)
			     : read_text_line(line, &client, &status))) {
		t->bad_lines++;
		return;
	}
	row = tally_row(&t->clients, &client);
	if (!row)
		return;
	row->packets++;
	row->bytes += status >= 200 && status < 300;
}

/* A line that is too long is a bad one, whatever its end looks like. */
static enum ctl_exit read_log(struct trial *t, const char *file)
{
	FILE *log = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	char *line = malloc(LOG_LINE_MAX);
	bool is_rest = false, is_bad;

	if (!log || !line) {
		int error = errno;

		free(line);
		return ctl_fail(t->ctl, CTL_FAILED, "%s: %s", file, strerror(error));
	}
	while (!ending_has_come() && fgets(line, LOG_LINE_MAX, log)) {
		bool has_end = strchr(line, '\n') != NULL;

		if (!is_rest && (has_end || feof(log)))
			read_line(t, line);
		else if (!is_rest)
			t->bad_lines += t->lines++ < UINT64_MAX;
		is_rest = !has_end;
	}
	is_bad = ferror(log) != 0;
	free(line);
	if (log != stdin)
		fclose(log);
	return is_bad ? ctl_fail(t->ctl, CTL_FAILED, "%s: cannot be read", file) : CTL_OK;
}

/* Those that got an answer and would be cut stay, the others go. */
static void find_real(struct trial *t)
{
	for (size_t i = 0; i < t->clients.room; i++) {
		struct tally_row *row = &t->clients.rows[i];
		struct judged j = { .is_cut = false };

		if (row->is_used && row->bytes)
			j = judge_address(&t->judge, &row->address);
		row->is_used = j.is_cut;
		row->entry = j.entry;
	}
	tally_sort(&t->clients);
	t->clients.nr = 0;
	while (t->clients.nr < t->clients.room && t->clients.rows[t->clients.nr].is_used)
		t->clients.nr++;
}

/* ---- what came of it ---- */

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

static enum ctl_exit tell(struct trial *t)
{
	json_t *result;
	enum ctl_exit code = CTL_OK;

	tally_sort(&t->cut);
	find_real(t);
	result = result_json(t);
	if (!t->ctl->is_json) {
		print_notes(t);
		print_text(t, result);
		json_decref(result);
	} else {
		code = ctl_print_json(t->ctl, result);
	}
	return code == CTL_OK && t->clients.nr ? CTL_FAULTS : code;
}

/* ---- the list ---- */

/* Which interface packets came in by a capture does not say: denials for one hold for all. */
static int forget_interfaces(struct sl_prefixes *next)
{
	for (uint32_t i = 0; i < next->rules_nr; i++)
		if (next->rules[i].action >= SL_ACTION_DROP)
			next->rules[i].ifindex = 0;
	return sl_prefixes_sort(next);
}

static int copy_ports(struct trial *t, struct sl_gate *gate)
{
	if (!(gate->switches->flags & SL_FLAG_PORTS))
		return 0;
	t->ports = calloc(SL_PORT_WORDS, sizeof(*t->ports));
	for (uint32_t i = 0; t->ports && i < SL_PORT_WORDS; i++)
		bpf_map_lookup_elem(gate->ports, &i, &t->ports[i]);
	return t->ports ? 0 : -ENOMEM;
}

/* What would hold: the file in place of its list, over what is pinned, if that can be had. */
static enum ctl_exit make_list(struct trial *t, struct sl_listfile *f, struct sl_prefixes *next)
{
	struct lists l = { .lock = -1 };
	struct sl_gate probe;
	struct sl_why why;
	enum ctl_exit code = CTL_OK;

	t->has_lists = sl_gate_open(&probe, t->ctl->pins, &why) == 0;
	if (!t->has_lists)
		return lists_replace(t->ctl, &l, f, next);
	sl_gate_close(&probe);
	code = lists_open(t->ctl, false, &l);
	if (code != CTL_OK)
		return code;
	code = lists_replace(t->ctl, &l, f, next);
	if (code == CTL_OK && copy_ports(t, &l.gate) < 0)
		code = ctl_fail(t->ctl, CTL_FAILED, "out of memory");
	lists_close(&l);
	return code;
}

static enum ctl_exit prepare(struct trial *t, struct sl_listfile *f)
{
	struct sl_prefixes next = { 0 };
	const struct sl_image_head *head;
	struct sl_why why;
	enum ctl_exit code = make_list(t, f, &next);

	if (code == CTL_OK && (forget_interfaces(&next) < 0 || tally_init(&t->sources) < 0 ||
			       tally_init(&t->cut) < 0 || tally_init(&t->clients) < 0))
		code = ctl_fail(t->ctl, CTL_FAILED, "out of memory");
	if (code == CTL_OK && judge_open(&t->judge, &next, t->ports, &why) < 0)
		code = ctl_fail(t->ctl, CTL_FAILED, "%s", why.text);
	sl_prefixes_fini(&next);
	if (code != CTL_OK)
		return code;
	head = sl_image_line(&t->judge.image, 0);
	t->entries = calloc((size_t)head->entries_end + 1, sizeof(*t->entries));
	return t->entries ? CTL_OK : ctl_fail(t->ctl, CTL_FAILED, "out of memory");
}

static void fini(struct trial *t)
{
	capture_close(&t->capture);
	if (t->judge.image.lines)
		judge_close(&t->judge);
	tally_fini(&t->sources);
	tally_fini(&t->cut);
	tally_fini(&t->clients);
	free(t->entries);
	free(t->ports);
}

static enum ctl_exit try(struct ctl *ctl, const struct lists_words *w, struct sl_listfile *f)
{
	struct trial t = { .ctl = ctl, .top = w->top ? w->top : TOP_DEFAULT };
	enum ctl_exit code = CTL_OK;

	/* First: a file that is not there is told before a million prefixes are compiled. */
	if (w->capture)
		code = capture_open(ctl, w->capture, &t.capture);
	if (code == CTL_OK)
		code = prepare(&t, f);
	ending_begin();
	if (code == CTL_OK && w->capture)
		read_packets(&t);
	if (code == CTL_OK && w->log)
		code = read_log(&t, w->log);
	if (code == CTL_OK)
		code = tell(&t);
	fini(&t);
	ending_finish();
	return code;
}

enum ctl_exit ctl_deny_test(struct ctl *ctl, char **arguments)
{
	struct lists_words w;
	struct sl_listfile f = { 0 };
	enum ctl_exit code = lists_read_words(ctl, true, arguments + 1,
					      LISTS_ENTRY | LISTS_FORMAT | LISTS_SKIP |
						      LISTS_CAPTURE | LISTS_LOG | LISTS_TOP,
					      &w);
	int stdins;

	if (code != CTL_OK)
		return code;
	stdins = (strcmp(arguments[0], "-") == 0) + (w.capture && strcmp(w.capture, "-") == 0) +
		 (w.log && strcmp(w.log, "-") == 0);
	if (!w.capture && !w.log)
		return ctl_fail(ctl, CTL_USAGE, "'pcap CAPTURE' or 'access-log FILE' is missing");
	if (stdins > 1)
		return ctl_fail(ctl, CTL_USAGE, "'-': standard input can be one file only");
	code = lists_read_file(ctl, arguments[0], &w, &f);
	if (code == CTL_OK)
		code = try(ctl, &w, &f);
	sl_prefixes_fini(&f.list);
	return code;
}

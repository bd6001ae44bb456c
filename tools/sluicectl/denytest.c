// SPDX-License-Identifier: Apache-2.0
// sluicectl deny test: who would be cut if a file were loaded; nothing is changed.
#include "denytest.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ending.h"

enum { TOP_DEFAULT = 10, LOG_LINE_MAX = 64 * 1024, PROGRESS_EVERY = 65536 };

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
	*ret_status = quote ? (int)strtoul(quote + 1, NULL, 10) : 0;
	return *ret_status >= 100 && *ret_status <= 999 &&
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

static enum ctl_exit tell(struct trial *t)
{
	enum ctl_exit code;

	tally_sort(&t->cut);
	find_real(t);
	code = trial_print(t);
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

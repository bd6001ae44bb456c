// SPDX-License-Identifier: Apache-2.0
// Lists as people publish them: which format it is, and those that go line by line.
#include "kern/listfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "kern/listread.h"

enum { PROGRESS_EVERY = 65536 };

/* ---- what all formats share ---- */

/* How much of somebody's text is repeated to him. */
static int shown(struct sl_str text)
{
	return text.len < 64 ? (int)text.len : 64;
}

void sl_list_fault(struct sl_list_reader *r, const char *format, ...)
{
	struct sl_list_fault *fault;
	va_list args;

	if (r->f->faults_nr++ >= SL_LIST_FAULTS_MAX)
		return;
	fault = &r->f->faults[r->f->faults_nr - 1];
	fault->line = r->line;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	/* The file's text may go to a terminal. */
	for (char *c = fault->text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
}

bool sl_list_word(struct sl_list_reader *r, struct sl_entry_words *words, struct sl_str key,
		  struct sl_str value)
{
	struct sl_rule before = words->rule;
	struct sl_why why;
	int ret = sl_entry_word(words, key, value, &why);

	if (ret == -ENOENT)
		sl_list_fault(r, "'%.*s' is no word of an entry", shown(key), key.ptr);
	else if (ret < 0)
		sl_list_fault(r, "%s", why.text);
	else if (r->f->is_list_fixed)
		memcpy(words->rule.list, before.list, sizeof(before.list));
	return ret == 0;
}

static int rule_of(struct sl_list_reader *r, const struct sl_entry_words *words)
{
	bool is_default = words == &r->f->defaults;
	int rule;

	if (is_default && r->rule >= 0)
		return r->rule;
	rule = sl_prefixes_rule(&r->f->list, &words->rule);
	if (is_default)
		r->rule = rule;
	return rule;
}

static void add(struct sl_list_reader *r, struct sl_prefix *p, const struct sl_entry_words *words)
{
	int ret = rule_of(r, words);

	if (r->f->list.nr >= SL_LIST_ENTRIES_MAX)
		ret = -E2BIG;
	if (ret >= 0) {
		p->rule = (uint16_t)ret;
		p->expires = words->expires;
		p->since = sl_moment_ticks(&words->now);
		ret = sl_prefixes_add(&r->f->list, p);
	}
	if (ret < 0)
		r->error = ret;
}

/* The fewest prefixes that make up the addresses from one to the other. */
static void add_range(struct sl_list_reader *r, uint64_t from, uint64_t to,
		      const struct sl_entry_words *words)
{
	while (from <= to && r->error == 0) {
		struct sl_prefix p = { .lo = 0xffffull << 32 | from, .length = 128 };
		uint64_t size = 1;

		while (size < 1ull << 32 && !(from & size) && from + 2 * size - 1 <= to) {
			size *= 2;
			p.length--;
		}
		add(r, &p, words);
		from += size;
	}
}

/* Whether it was a range. */
static bool emit_range(struct sl_list_reader *r, struct sl_str text,
		       const struct sl_entry_words *words)
{
	const char *dash = memchr(text.ptr, '-', text.len);
	struct sl_prefix from, to;
	struct sl_str first, last;
	bool had_host_bits;

	if (!dash)
		return false;
	first = (struct sl_str){ text.ptr, (size_t)(dash - text.ptr) };
	last = (struct sl_str){ dash + 1, text.len - first.len - 1 };
	if (sl_prefix_parse(first, &from, &had_host_bits) < 0 ||
	    sl_prefix_parse(last, &to, &had_host_bits) < 0 || from.length != 128 ||
	    to.length != 128)
		return false;
	if (!sl_prefix_is_v4(&from) || !sl_prefix_is_v4(&to) || from.lo > to.lo)
		sl_list_fault(r, "'%.*s': a range is two addresses of IPv4, the lower one first",
			      SL_STR_ARG(text));
	else
		add_range(r, (uint32_t)from.lo, (uint32_t)to.lo, words);
	return true;
}

void sl_list_emit(struct sl_list_reader *r, struct sl_str text, const struct sl_entry_words *words)
{
	bool had_host_bits;
	struct sl_prefix p;

	if (words->is_over) {
		r->f->over_nr++;
		return;
	}
	if (text.len < 100 && sl_prefix_parse(text, &p, &had_host_bits) == 0) {
		r->f->host_bits_nr += had_host_bits;
		add(r, &p, words);
		return;
	}
	if (text.len < 100 && emit_range(r, text, words))
		return;
	sl_list_fault(r, "'%.*s' is no prefix", shown(text), text.ptr);
}

/* ---- lines ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct sl_str trim(struct sl_str s)
{
	while (s.len && is_blank(s.ptr[0]))
		s.ptr++, s.len--;
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* The next line, without blanks at both ends; false at the end. */
static bool next_line(struct sl_list_reader *r, struct sl_str *ret_line)
{
	const char *start = r->text.ptr + r->at, *end;

	if (r->at >= r->text.len || r->error)
		return false;
	end = memchr(start, '\n', r->text.len - r->at);
	if (!end)
		end = r->text.ptr + r->text.len;
	r->at = (size_t)(end - r->text.ptr) + 1;
	if (++r->line % PROGRESS_EVERY == 0 && r->f->on_progress)
		r->f->on_progress(r->f, r->at, r->text.len);
	*ret_line = trim((struct sl_str){ start, (size_t)(end - start) });
	return true;
}

static bool is_comment(struct sl_str line)
{
	return !line.len || line.ptr[0] == '#' || line.ptr[0] == ';' ||
	       sl_str_starts(line, SL_S("//"));
}

struct sl_str sl_list_cut_word(struct sl_str *rest)
{
	struct sl_str word;
	size_t n = 0;

	*rest = trim(*rest);
	if (rest->len && rest->ptr[0] == '"') {
		for (n = 1; n < rest->len && rest->ptr[n] != '"'; n++)
			;
		word = (struct sl_str){ rest->ptr + 1, n - 1 };
		n += n < rest->len;
	} else {
		while (n < rest->len && !is_blank(rest->ptr[n]))
			n++;
		word = (struct sl_str){ rest->ptr, n };
	}
	*rest = (struct sl_str){ rest->ptr + n, rest->len - n };
	return word;
}

/* ---- plain ---- */

/* "; SBL123" tells which of Spamhaus' records it is.  Other comments are for people. */
static bool take_comment(struct sl_list_reader *r, struct sl_str comment,
			 struct sl_entry_words *words)
{
	struct sl_str word;

	comment.ptr++, comment.len--;
	word = sl_list_cut_word(&comment);
	if (!sl_str_starts(word, SL_S("SBL")) || word.len >= SL_REASON_MAX ||
	    r->f->list.rules_nr >= SL_LIST_REASONS_MAX)
		return false;
	for (size_t i = 3; i < word.len; i++)
		if (word.ptr[i] < '0' || word.ptr[i] > '9')
			return false;
	memset(words->rule.reason, 0, sizeof(words->rule.reason));
	memcpy(words->rule.reason, word.ptr, word.len);
	return true;
}

static size_t length_of_word(struct sl_str line)
{
	size_t n = 0;

	while (n < line.len && !is_blank(line.ptr[n]) && line.ptr[n] != '#' && line.ptr[n] != ';')
		n++;
	return n;
}

static struct sl_str cut_plain_word(struct sl_str *rest)
{
	struct sl_str word;

	*rest = trim(*rest);
	word = (struct sl_str){ rest->ptr, length_of_word(*rest) };
	*rest = (struct sl_str){ rest->ptr + word.len, rest->len - word.len };
	return word;
}

static void read_plain_words(struct sl_list_reader *r, struct sl_str prefix, struct sl_str rest)
{
	struct sl_entry_words words = r->f->defaults;
	struct sl_str key, value;

	for (;;) {
		key = cut_plain_word(&rest);
		if (!key.len)
			break;
		value = cut_plain_word(&rest);
		if (!sl_list_word(r, &words, key, value))
			return;
	}
	rest = trim(rest);
	if (rest.len)
		take_comment(r, rest, &words);
	sl_list_emit(r, prefix, &words);
}

static void read_plain(struct sl_list_reader *r)
{
	struct sl_str line, prefix;

	while (next_line(r, &line)) {
		if (is_comment(line))
			continue;
		prefix = (struct sl_str){ line.ptr, length_of_word(line) };
		if (prefix.len == line.len)
			sl_list_emit(r, prefix, &r->f->defaults);
		else
			read_plain_words(
				r, prefix,
				(struct sl_str){ line.ptr + prefix.len, line.len - prefix.len });
	}
}

/* ---- CSV ---- */

static struct sl_str unquote(struct sl_str field)
{
	field = trim(field);
	if (field.len >= 2 && field.ptr[0] == '"' && field.ptr[field.len - 1] == '"')
		field = trim((struct sl_str){ field.ptr + 1, field.len - 2 });
	return field;
}

/* Field number `column` of a line; commas within quotes do not count.  An empty one if there are
 * fewer. */
static struct sl_str csv_field(struct sl_str line, unsigned column)
{
	size_t start = 0;
	bool is_quoted = false;

	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && line.ptr[i] == '"')
			is_quoted = !is_quoted;
		if (i < line.len && (is_quoted || (line.ptr[i] != ',' && line.ptr[i] != '\t')))
			continue;
		if (column-- == 0)
			return unquote((struct sl_str){ line.ptr + start, i - start });
		start = i + 1;
	}
	return (struct sl_str){ line.ptr, 0 };
}

static bool is_prefix_column(struct sl_str name)
{
	static const struct sl_str names[] = {
		SL_STR("ip"),	    SL_STR("cidr"),	  SL_STR("network"), SL_STR("prefix"),
		SL_STR("address"),  SL_STR("subnet"),	  SL_STR("range"),   SL_STR("ip_prefix"),
		SL_STR("netblock"), SL_STR("ip_address"),
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (sl_str_ieq(name, names[i]))
			return true;
	return false;
}

enum { CSV_COLUMNS_MAX = 64 };

/* The column that a first line calls so; -1: it is no such line. */
static int csv_column(struct sl_str line)
{
	for (unsigned column = 0; column < CSV_COLUMNS_MAX; column++)
		if (is_prefix_column(csv_field(line, column)))
			return (int)column;
	return -1;
}

static void read_csv(struct sl_list_reader *r)
{
	bool is_first = true;
	struct sl_str line;
	int column = 0;

	while (next_line(r, &line)) {
		if (is_comment(line))
			continue;
		if (is_first && csv_column(line) >= 0)
			column = csv_column(line);
		else
			sl_list_emit(r, csv_field(line, (unsigned)column), &r->f->defaults);
		is_first = false;
	}
}

/* ---- ipset ---- */

static void read_ipset_add(struct sl_list_reader *r, struct sl_str rest)
{
	struct sl_entry_words words = r->f->defaults;
	struct sl_str prefix, key;

	sl_list_cut_word(&rest); /* the set's name */
	prefix = sl_list_cut_word(&rest);
	for (;;) {
		key = sl_list_cut_word(&rest);
		if (!key.len)
			break;
		if (sl_str_eq(key, SL_S("nomatch"))) {
			words.rule.action = SL_ACTION_NONE;
			continue;
		}
		if (sl_str_eq(key, SL_S("timeout"))) {
			if (!sl_list_word(r, &words, key, sl_list_cut_word(&rest)))
				return;
			continue;
		}
		sl_list_cut_word(&rest); /* comment, packets, bytes and such: not ours */
	}
	sl_list_emit(r, prefix, &words);
}

static void read_ipset(struct sl_list_reader *r)
{
	struct sl_str line, word;

	while (next_line(r, &line)) {
		if (is_comment(line))
			continue;
		word = sl_list_cut_word(&line);
		if (sl_str_eq(word, SL_S("add")))
			read_ipset_add(r, line);
		else if (!sl_str_eq(word, SL_S("create")) && !sl_str_eq(word, SL_S("flush")) &&
			 !sl_str_eq(word, SL_S("COMMIT")))
			sl_list_fault(r, "'%.*s' is no line of \"ipset save\"", shown(word),
				      word.ptr);
	}
}

/* ---- which ---- */

static enum sl_list_format detect(struct sl_str text)
{
	struct sl_listfile none = { 0 };
	struct sl_list_reader r = { .f = &none, .text = text };
	struct sl_str line, word, rest;

	while (next_line(&r, &line)) {
		if (is_comment(line))
			continue;
		rest = line;
		word = sl_list_cut_word(&rest);
		if (line.ptr[0] == '{' || line.ptr[0] == '[')
			return SL_LIST_JSON;
		if (sl_str_eq(word, SL_S("create")) ||
		    (sl_str_eq(word, SL_S("add")) && !sl_str_starts(trim(rest), SL_S("element "))))
			return SL_LIST_IPSET;
		if (sl_str_eq(word, SL_S("table")) || sl_str_eq(word, SL_S("set")) ||
		    sl_str_eq(word, SL_S("add")) || sl_str_starts(word, SL_S("elements")))
			return SL_LIST_NFT;
		return memchr(line.ptr, ',', line.len) || csv_column(line) >= 0 ||
				       line.ptr[0] == '"'
			       ? SL_LIST_CSV
			       : SL_LIST_PLAIN;
	}
	return SL_LIST_PLAIN;
}

int sl_listfile_read(struct sl_listfile *f, struct sl_str text)
{
	struct sl_list_reader r = { .f = f, .text = text, .rule = -1 };

	if (sl_str_starts(r.text, SL_S("\xef\xbb\xbf"))) { /* what some editors begin a file with */
		r.text.ptr += 3;
		r.text.len -= 3;
	}
	if (f->format == SL_LIST_AUTO)
		f->format = detect(r.text);
	switch (f->format) {
	case SL_LIST_CSV:
		read_csv(&r);
		break;
	case SL_LIST_IPSET:
		read_ipset(&r);
		break;
	case SL_LIST_NFT:
		sl_list_read_nft(&r);
		break;
	case SL_LIST_JSON:
		sl_list_read_json(&r);
		break;
	default:
		read_plain(&r);
	}
	return r.error;
}

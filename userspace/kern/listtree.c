// SPDX-License-Identifier: Apache-2.0
// Lists in nft's braces and in JSON, whose lines mean nothing.
#include <errno.h>

#include "kern/listread.h"

enum { DEPTH_MAX = 64, STRING_MAX = 128 };

static bool has_more(const struct sl_list_reader *r)
{
	return r->at < r->text.len && !r->error;
}

/* The next character, counting lines. */
static char take(struct sl_list_reader *r)
{
	char c = r->text.ptr[r->at++];

	r->line += c == '\n';
	return c;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_spaces(struct sl_list_reader *r)
{
	while (has_more(r) && is_space(r->text.ptr[r->at]))
		take(r);
}

/* ---- nft ---- */

static void read_element(struct sl_list_reader *r, struct sl_str text)
{
	struct sl_entry_words words = r->f->defaults;
	struct sl_str prefix = sl_list_cut_word(&text), key;

	if (!prefix.len)
		return;
	for (;;) {
		key = sl_list_cut_word(&text);
		if (!key.len)
			break;
		if (sl_str_eq(key, SL_S("counter")))
			continue;
		if (key.ptr[0] == '.' || key.ptr[0] == ':') {
			sl_list_fault(r, "an element of several parts is more than a prefix");
			return;
		}
		/* "expires" stands behind "timeout", and is what is left of it. */
		if (sl_str_eq(key, SL_S("timeout")) || sl_str_eq(key, SL_S("expires"))) {
			if (!sl_list_word(r, &words, SL_S("timeout"), sl_list_cut_word(&text)))
				return;
			continue;
		}
		sl_list_cut_word(&text);
	}
	sl_list_emit(r, prefix, &words);
}

/* From behind the brace to its partner, an element between each two commas. */
static void read_elements(struct sl_list_reader *r)
{
	bool is_quoted = false;
	size_t start = r->at;

	while (has_more(r)) {
		char c = r->text.ptr[r->at];

		if (c == '"')
			is_quoted = !is_quoted;
		if (is_quoted || (c != ',' && c != '}')) {
			take(r);
			continue;
		}
		/* Line ends are blanks to whoever cuts words. */
		while (start < r->at && is_space(r->text.ptr[start]))
			start++;
		read_element(r, (struct sl_str){ r->text.ptr + start, r->at - start });
		take(r);
		start = r->at;
		if (c == '}')
			return;
	}
	if (!r->error)
		sl_list_fault(r, "the elements have no end: a '}' is missing");
}

static bool is_name(char c)
{
	return (sl_lower(c) >= 'a' && sl_lower(c) <= 'z') || c == '_';
}

void sl_list_read_nft(struct sl_list_reader *r)
{
	bool is_next = false; /* the next brace opens elements */

	r->line = 1;
	while (has_more(r)) {
		size_t start = r->at;
		struct sl_str word;
		char c = take(r);

		if (c == '#')
			while (has_more(r) && r->text.ptr[r->at] != '\n')
				take(r);
		if (c == '{' && is_next) {
			read_elements(r);
			is_next = false;
		}
		if (!is_name(c))
			continue;
		while (has_more(r) && is_name(r->text.ptr[r->at]))
			take(r);
		word = (struct sl_str){ r->text.ptr + start, r->at - start };
		is_next = is_next || sl_str_eq(word, SL_S("elements")) ||
			  sl_str_eq(word, SL_S("element"));
	}
}

/* ---- JSON ---- */

struct json {
	struct sl_list_reader *r;
	unsigned depth;
	bool is_broken;
	char string
		[STRING_MAX]; /* the last one read; what is longer is nothing that is asked for */
	size_t len;
};

static void break_off(struct json *j, const char *what)
{
	if (!j->is_broken)
		sl_list_fault(j->r, "not JSON: %s", what);
	j->is_broken = true;
}

/* Of escapes only "\/" and such can be in a prefix: others become what no prefix has. */
static void read_string(struct json *j)
{
	struct sl_list_reader *r = j->r;

	take(r);
	j->len = 0;
	while (has_more(r)) {
		char c = take(r);

		if (c == '"')
			return;
		if (c == '\\' && has_more(r)) {
			c = take(r);
			c = c == '/' || c == '"' || c == '\\' ? c : '?';
		}
		if (c == '\n')
			break;
		if (j->len < sizeof(j->string))
			j->string[j->len++] = c;
	}
	break_off(j, "a string without its end");
}

static bool is_key(struct sl_str key)
{
	static const struct sl_str keys[] = {
		SL_STR("cidr"),	       SL_STR("prefix"),     SL_STR("ip"),
		SL_STR("network"),     SL_STR("address"),    SL_STR("ip_prefix"),
		SL_STR("ipv6_prefix"), SL_STR("ipv4Prefix"), SL_STR("ipv6Prefix"),
		SL_STR("ip_range"),    SL_STR("subnet"),     SL_STR("range"),
	};

	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (sl_str_eq(key, keys[i]))
			return true;
	return false;
}

static void read_value(struct json *j, bool is_wanted);

/* What stands between commas, up to the bracket that ends it. */
static void read_items(struct json *j, char end, bool is_wanted)
{
	struct sl_list_reader *r = j->r;
	bool is_object = end == '}';

	take(r);
	skip_spaces(r);
	if (has_more(r) && r->text.ptr[r->at] == end) {
		take(r);
		return;
	}
	while (!j->is_broken) {
		bool is_asked = is_wanted;
		char c;

		skip_spaces(r);
		if (is_object) {
			if (!has_more(r) || r->text.ptr[r->at] != '"')
				break;
			read_string(j);
			is_asked = is_key((struct sl_str){ j->string, j->len });
			skip_spaces(r);
			if (!has_more(r) || take(r) != ':')
				break;
		}
		read_value(j, is_asked);
		skip_spaces(r);
		c = has_more(r) ? take(r) : '\0';
		if (c == end)
			return;
		if (c != ',')
			break;
	}
	break_off(j, is_object ? "an object that does not go on so"
			       : "an array that does not go on so");
}

/* Numbers, true, false, null. */
static void read_bare(struct json *j)
{
	struct sl_list_reader *r = j->r;
	size_t start = r->at;

	while (has_more(r) &&
	       (is_name(r->text.ptr[r->at]) || memchr("0123456789+-.", r->text.ptr[r->at], 13)))
		take(r);
	if (r->at == start)
		break_off(j, "a value is missing");
}

static void read_value(struct json *j, bool is_wanted)
{
	struct sl_list_reader *r = j->r;
	char c;

	skip_spaces(r);
	if (!has_more(r)) {
		break_off(j, "it ends too early");
		return;
	}
	c = r->text.ptr[r->at];
	if (c == '"') {
		read_string(j);
		if (is_wanted && !j->is_broken)
			sl_list_emit(r, (struct sl_str){ j->string, j->len }, &r->f->defaults);
		return;
	}
	if (c != '{' && c != '[') {
		read_bare(j);
		return;
	}
	if (++j->depth > DEPTH_MAX)
		break_off(j, "too deep");
	else
		read_items(j, c == '{' ? '}' : ']', is_wanted && c == '[');
	j->depth--;
}

void sl_list_read_json(struct sl_list_reader *r)
{
	struct json j = { .r = r };

	r->line = 1;
	skip_spaces(r);
	while (has_more(r) && !j.is_broken) {
		read_value(&j, r->text.ptr[r->at] == '[');
		skip_spaces(r);
	}
}

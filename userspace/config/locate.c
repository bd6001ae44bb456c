// SPDX-License-Identifier: Apache-2.0
// Finds the line and column of a value in JSON text: the parser keeps no places, so they are looked
// up again for the few values that are at fault.
#include <stdbool.h>

#include "config/source.h"

/* Never trusts the text further than its end, although the parser has accepted it before. */
struct scan {
	const char *pos, *end;
};

static char peek(const struct scan *s)
{
	return s->pos < s->end ? *s->pos : '\0';
}

static void skip_space(struct scan *s)
{
	while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r')
		s->pos++;
}

static bool skip_char(struct scan *s, char c)
{
	skip_space(s);
	if (peek(s) != c)
		return false;
	s->pos++;
	skip_space(s);
	return true;
}

static void skip_string(struct scan *s)
{
	for (s->pos++; s->pos < s->end && *s->pos != '"'; s->pos++)
		if (*s->pos == '\\')
			s->pos++;
	s->pos = s->pos < s->end ? s->pos + 1 : s->end;
}

static bool is_scalar(char c)
{
	return c && !strchr(" \t\r\n,:[]{}\"", c);
}

/* By counting brackets, not by recursion. */
static void skip_value(struct scan *s)
{
	unsigned depth = 0;

	while (s->pos < s->end) {
		char c = peek(s);

		if (c == '"') {
			skip_string(s);
		} else if (is_scalar(c)) {
			while (is_scalar(peek(s)))
				s->pos++;
		} else {
			if (c == '{' || c == '[')
				depth++;
			else if ((c == '}' || c == ']') && depth)
				depth--;
			s->pos++;
		}
		if (depth == 0)
			return;
	}
}

static unsigned hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return (unsigned)(sl_lower(c) - 'a' + 10) & 15;
}

/* One UTF-16 unit behind "\u". */
static unsigned read_unit(struct scan *s)
{
	unsigned v = 0;

	for (int i = 0; i < 4 && s->pos < s->end; i++)
		v = v << 4 | hex_digit(*s->pos++);
	return v;
}

static size_t put_utf8(char out[4], unsigned v)
{
	if (v < 0x80) {
		out[0] = (char)v;
		return 1;
	}
	if (v < 0x800) {
		out[0] = (char)(0xc0 | v >> 6);
		out[1] = (char)(0x80 | (v & 0x3f));
		return 2;
	}
	if (v < 0x10000) {
		out[0] = (char)(0xe0 | v >> 12);
		out[1] = (char)(0x80 | (v >> 6 & 0x3f));
		out[2] = (char)(0x80 | (v & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (v >> 18 & 7));
	out[1] = (char)(0x80 | (v >> 12 & 0x3f));
	out[2] = (char)(0x80 | (v >> 6 & 0x3f));
	out[3] = (char)(0x80 | (v & 0x3f));
	return 4;
}

/* The character that the escape at s stands for. */
static size_t read_escape(struct scan *s, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *simple;
	char c;
	unsigned v;

	s->pos++;
	c = peek(s);
	s->pos += s->pos < s->end;
	if (c != 'u') {
		simple = c ? strchr(from, c) : NULL;
		out[0] = simple ? to[simple - from] : c;
		return 1;
	}
	v = read_unit(s);
	if (v >= 0xd800 && v < 0xdc00 && s->end - s->pos >= 6 && s->pos[0] == '\\') {
		s->pos += 2;
		v = 0x10000 + ((v - 0xd800) << 10) + ((read_unit(s) - 0xdc00) & 0x3ff);
	}
	return put_utf8(out, v);
}

/* Skips the string at s; does it spell `name`? */
static bool string_is(struct scan *s, struct sl_str name)
{
	bool same = true;
	size_t done = 0, n;
	char c[4];

	for (s->pos++; s->pos < s->end && *s->pos != '"';) {
		if (*s->pos == '\\')
			n = read_escape(s, c);
		else
			c[0] = *s->pos++, n = 1;
		same = same && n <= name.len - done && memcmp(name.ptr + done, c, n) == 0;
		done += same ? n : 0;
	}
	s->pos += s->pos < s->end;
	return same && done == name.len;
}

/* Leaves s at the value of the member, and *ret_name where its name stands. */
static bool enter_member(struct scan *s, struct sl_str name, const char **ret_name)
{
	const char *at;
	bool found;

	if (!skip_char(s, '{'))
		return false;
	while (peek(s) == '"') {
		at = s->pos;
		found = string_is(s, name);
		if (!skip_char(s, ':'))
			return false;
		if (found) {
			*ret_name = at;
			return true;
		}
		skip_value(s);
		skip_char(s, ',');
	}
	return false;
}

static bool enter_element(struct scan *s, size_t index)
{
	if (!skip_char(s, '['))
		return false;
	for (; index; index--) {
		skip_value(s);
		if (!skip_char(s, ','))
			return false;
	}
	return peek(s) != ']' && s->pos < s->end;
}

struct sl_place sl_source_locate(struct sl_str text, const struct sl_step *steps, unsigned nr,
				 enum sl_locate what)
{
	struct scan s = { text.ptr, text.ptr + text.len };
	const char *at, *name = NULL;
	struct scan try;

	skip_space(&s);
	at = s.pos;
	for (unsigned i = 0; i < nr; i++) {
		try = s;
		if (steps[i].name.ptr ? !enter_member(&try, steps[i].name, &name)
				      : !enter_element(&try, steps[i].index))
			break;
		s = try;
		at = what == SL_LOCATE_NAME && i + 1 == nr && steps[i].name.ptr ? name : s.pos;
	}
	return sl_source_place(text, (size_t)(at - text.ptr));
}

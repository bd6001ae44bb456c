// SPDX-License-Identifier: Apache-2.0
// Normalises request targets: escapes, slashes, dot segments, and what servers disagree about.

#include "http/uri.h"

#include <errno.h>

#include "http/chars.h"

/* What is written ends in '/' whenever a segment begins, so a dropped segment needs no repair. */
struct path {
	char *mem; /* the path starts here */
	char *out; /* and is written up to here */
	enum sl_encoded_slash slash;
	const char *why;
};

static const char hex[] = "0123456789ABCDEF";

static int refuse(struct path *p, const char *why)
{
	p->why = why;
	return -EBADMSG;
}

static char *put_escape(char *out, unsigned char c)
{
	out[0] = '%';
	out[1] = hex[c >> 4];
	out[2] = hex[c & 15];
	return out + 3;
}

/* in[0] is '%'.  Returns how much of it was read. */
static int copy_escape(struct path *p, struct sl_str in)
{
	unsigned char c;

	if (in.len < 3 || !sl_char_is(in.ptr[1], SL_CHAR_HEX) ||
	    !sl_char_is(in.ptr[2], SL_CHAR_HEX))
		return refuse(p, "The path holds a broken percent-escape.");
	c = (unsigned char)(sl_hex_value(in.ptr[1]) << 4 | sl_hex_value(in.ptr[2]));
	if (c == '\0')
		return refuse(p, "The path holds an escaped NUL.");
	if ((c == '/' || c == '\\') && p->slash == SL_ENCODED_SLASH_REFUSE)
		return refuse(p, "The path holds an escaped slash or backslash.");
	if (sl_char_is((char)c, SL_CHAR_UNRESERVED))
		*p->out++ = (char)c;
	else
		p->out = put_escape(p->out, c);
	return 3;
}

/* One character or escape that is not '/'.  Returns how much of `in` was read. */
static int copy_one(struct path *p, struct sl_str in)
{
	unsigned char c = (unsigned char)in.ptr[0];

	if (sl_char_is((char)c, SL_CHAR_PATH)) {
		*p->out++ = (char)c;
		return 1;
	}
	if (c == '%')
		return copy_escape(p, in);
	if (c == '\\' || c == '#')
		return refuse(p, "The path holds a backslash or a '#'.");
	if (c <= ' ' || c == 0x7f)
		return refuse(p, "The target holds a space or a control character.");
	p->out = put_escape(p->out, c);
	return 1;
}

static bool is_dots(struct sl_str s)
{
	return (s.len == 1 && s.ptr[0] == '.') ||
	       (s.len == 2 && s.ptr[0] == '.' && s.ptr[1] == '.');
}

/* Where a server that decodes once more, or cuts parameters, would see the segment end. */
static size_t part_len(struct sl_str s, bool *ret_is_slash)
{
	for (size_t i = 0; i < s.len; i++) {
		struct sl_str rest = { s.ptr + i, s.len - i };

		*ret_is_slash =
			sl_str_starts(rest, SL_S("%2F")) || sl_str_starts(rest, SL_S("%5C"));
		if (*ret_is_slash || rest.ptr[0] == ';' || sl_str_starts(rest, SL_S("%3B")))
			return i;
	}
	*ret_is_slash = false;
	return s.len;
}

/* "..;x", "..%3Bx", "a%2F..": harmless as they stand, a climb for a server that reads on. */
static bool has_hidden_dots(struct sl_str s)
{
	bool is_start = true, is_slash;

	while (s.len) {
		size_t n = part_len(s, &is_slash);

		if (is_start && is_dots((struct sl_str){ s.ptr, n }))
			return true;
		if (n == s.len)
			return false;
		is_start = is_slash;
		n += s.ptr[n] == ';' ? 1 : 3;
		s = (struct sl_str){ s.ptr + n, s.len - n };
	}
	return false;
}

/* Takes the segment back, and with ".." the one before it. */
static int drop_dots(struct path *p, struct sl_str segment)
{
	p->out -= segment.len;
	if (segment.len == 1)
		return 0;
	if (p->out - p->mem <= 1)
		return refuse(p, "The path climbs above its root.");
	do
		p->out--;
	while (p->out[-1] != '/');
	return 0;
}

/* Judges the segment that was just written. */
static int end_segment(struct path *p, char *start, bool is_last)
{
	struct sl_str segment = { start, (size_t)(p->out - start) };

	if (is_dots(segment))
		return drop_dots(p, segment);
	if (has_hidden_dots(segment))
		return refuse(p, "The path hides a dot segment.");
	if (segment.len && !is_last)
		*p->out++ = '/';
	return 0;
}

/* raw is the path and starts with '/'. */
static int rewrite_path(struct path *p, struct sl_str raw)
{
	char *start;
	size_t i = 1;
	int n;

	p->out = p->mem;
	*p->out++ = '/';
	for (start = p->out; i < raw.len; i += (size_t)n) {
		if (raw.ptr[i] != '/') {
			n = copy_one(p, (struct sl_str){ raw.ptr + i, raw.len - i });
			if (n < 0)
				return n;
			continue;
		}
		n = end_segment(p, start, false);
		if (n < 0)
			return n;
		start = p->out;
		n = 1;
	}
	return end_segment(p, start, true);
}

/* Where the bytes stop that need no rewriting: at '?', at the end, or at something to look into. */
static size_t clean_len(struct sl_str raw)
{
	size_t i = 0;

	for (; i < raw.len && sl_char_is(raw.ptr[i], SL_CHAR_PATH); i++)
		if (raw.ptr[i] == '/' && i + 1 < raw.len &&
		    (raw.ptr[i + 1] == '/' || raw.ptr[i + 1] == '.'))
			break;
	return i;
}

/* Bytes above ASCII are escaped, into out; all else is for the one who reads the query. */
static int rewrite_query(struct path *p, struct sl_str raw, struct sl_str *ret_query)
{
	char *out = p->out;
	size_t i = 0;

	while (i < raw.len && sl_char_is(raw.ptr[i], SL_CHAR_QUERY))
		i++;
	*ret_query = raw;
	if (i == raw.len)
		return 0;
	for (i = 0; i < raw.len; i++) {
		if (sl_char_is(raw.ptr[i], SL_CHAR_QUERY))
			*out++ = raw.ptr[i];
		else if ((unsigned char)raw.ptr[i] >= 0x80)
			out = put_escape(out, (unsigned char)raw.ptr[i]);
		else
			return refuse(p, "The query holds a space, a control character or a '#'.");
	}
	*ret_query = (struct sl_str){ p->out, (size_t)(out - p->out) };
	return 0;
}

static int normalize_path(struct path *p, struct sl_str raw, struct sl_str *ret_path)
{
	struct sl_str path;
	int ret;

	*ret_path = raw;
	if (clean_len(raw) == raw.len)
		return 0;
	ret = rewrite_path(p, raw);
	if (ret < 0)
		return ret;
	path = (struct sl_str){ p->mem, (size_t)(p->out - p->mem) };
	if (!sl_str_eq(path, raw))
		*ret_path = path;
	return 0;
}

int sl_uri_normalize(struct sl_str raw, enum sl_encoded_slash slash, char *mem,
		     struct sl_uri *ret_uri, const char **ret_why)
{
	struct path p = { .mem = mem, .out = mem, .slash = slash };
	struct sl_uri uri = { .path = SL_STR("/") };
	const char *mark = raw.len ? memchr(raw.ptr, '?', raw.len) : NULL;
	struct sl_str path = { raw.ptr, mark ? (size_t)(mark - raw.ptr) : raw.len };
	int ret = 0;

	if (path.len && path.ptr[0] == '/')
		ret = normalize_path(&p, path, &uri.path);
	else if (path.len || !mark) /* "http://host?query" leaves no path; its path is "/" */
		ret = refuse(&p, "The target does not start with '/'.");
	if (ret == 0 && mark)
		ret = rewrite_query(&p, (struct sl_str){ mark + 1, raw.len - path.len - 1 },
				    &uri.query);
	if (ret < 0) {
		*ret_why = p.why;
		return ret;
	}
	*ret_uri = uri;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Path patterns: the check at load, and the reading of their pieces.
#include "route/pattern.h"

#include <assert.h>

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (sl_lower(c) >= 'a' && sl_lower(c) <= 'z');
}

static int hex_upper(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Cuts "/segment" off s, which starts with '/'; the segment comes out without its '/'. */
static struct sl_str cut_segment(struct sl_str *s)
{
	const char *start = s->ptr + 1;
	const char *slash = memchr(start, '/', s->len - 1);
	size_t n = slash ? (size_t)(slash - start) : s->len - 1;

	s->ptr += n + 1;
	s->len -= n + 1;
	return (struct sl_str){ start, n };
}

/* Requests are matched in normal form, so an escape in any other form would never match. */
static const char *check_escape(struct sl_str s, size_t i)
{
	int hi = i + 2 < s.len ? hex_upper(s.ptr[i + 1]) : -1;
	int lo = i + 2 < s.len ? hex_upper(s.ptr[i + 2]) : -1;
	char c;

	if (hi < 0 || lo < 0)
		return "'%' is followed by two hexadecimal digits in upper case";
	c = (char)(hi << 4 | lo);
	if (is_alnum(c) || (c && strchr("-._~", c)))
		return "letters, digits and -._~ are written without a percent-escape";
	return NULL;
}

static const char *check_literal(struct sl_str s)
{
	const char *why;

	if (sl_str_eq(s, SL_S(".")) || sl_str_eq(s, SL_S("..")))
		return "dot segments are never left in a path";
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '{' || c == '}')
			return "a parameter is a whole segment, \"/{name}\"";
		if (c == '*')
			return "'*' stands only at the end, as \"/*\"";
		if (c == '?' || c == '#')
			return "a path has no query and no fragment";
		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`|", c))
			return "control characters, spaces, non-ASCII and \"<>\\^`| are "
			       "percent-encoded";
		why = c == '%' ? check_escape(s, i) : NULL;
		if (why)
			return why;
	}
	return NULL;
}

static const char *check_param(struct sl_str s)
{
	if (s.len < 3 || s.ptr[s.len - 1] != '}')
		return "a parameter is a whole segment, \"/{name}\"";
	for (size_t i = 1; i < s.len - 1; i++)
		if (!is_alnum(s.ptr[i]) && s.ptr[i] != '_' && s.ptr[i] != '-')
			return "a parameter's name is letters, digits, '_' and '-'";
	if (sl_str_eq(s, SL_S("{path}")) || sl_str_eq(s, SL_S("{query}")))
		return "the names \"path\" and \"query\" are taken: redirects use them";
	return NULL;
}

static bool has_param(const struct sl_str *seen, unsigned nr, struct sl_str param)
{
	for (unsigned i = 0; i < nr; i++)
		if (sl_str_eq(seen[i], param))
			return true;
	return false;
}

static const char *check_segments(struct sl_str base)
{
	struct sl_str params[SL_ROUTE_PARAMS_MAX];
	unsigned params_nr = 0;
	const char *why;

	for (unsigned n = 0; base.len; n++) {
		struct sl_str segment = cut_segment(&base);
		bool is_param = segment.len && segment.ptr[0] == '{';

		if (n == SL_PATTERN_SEGMENTS_MAX)
			return "a path has at most 64 segments";
		if (!segment.len && base.len)
			return "repeated slashes are never left in a path";
		why = is_param ? check_param(segment) : check_literal(segment);
		if (why)
			return why;
		if (!is_param)
			continue;
		if (has_param(params, params_nr, segment))
			return "a parameter's name is used twice";
		if (params_nr == SL_ROUTE_PARAMS_MAX)
			return "a path has at most 8 parameters";
		params[params_nr++] = segment;
	}
	return NULL;
}

const char *sl_pattern_check(struct sl_str pattern)
{
	bool is_prefix;
	struct sl_str base;

	_Static_assert(SL_ROUTE_PARAMS_MAX == 8 && SL_PATTERN_SEGMENTS_MAX == 64 &&
			       SL_PATTERN_BYTES_MAX == 4096,
		       "the messages name these limits");
	if (!pattern.len || pattern.ptr[0] != '/')
		return "a path starts with '/'";
	if (pattern.len > SL_PATTERN_BYTES_MAX)
		return "a path has at most 4096 bytes";
	base = sl_pattern_base(pattern, &is_prefix);
	if (is_prefix && base.len && base.ptr[base.len - 1] == '/')
		return "repeated slashes are never left in a path";
	return check_segments(base);
}

struct sl_str sl_pattern_base(struct sl_str pattern, bool *ret_is_prefix)
{
	size_t len = pattern.len;

	*ret_is_prefix = len >= 2 && memcmp(pattern.ptr + len - 2, "/*", 2) == 0;
	if (*ret_is_prefix)
		pattern.len -= 2;
	return pattern;
}

enum sl_pattern_piece sl_pattern_next(struct sl_str *base, struct sl_str *ret_piece)
{
	bool is_param = base->len && base->ptr[0] == '{';
	const char *end;
	size_t n;

	if (!base->len)
		return SL_PIECE_END;
	end = memchr(base->ptr, is_param ? '}' : '{', base->len);
	n = end ? (size_t)(end - base->ptr) : base->len;
	*ret_piece = is_param ? (struct sl_str){ base->ptr + 1, n - 1 }
			      : (struct sl_str){ base->ptr, n };
	n += is_param;
	base->ptr += n;
	base->len -= n;
	return is_param ? SL_PIECE_PARAM : SL_PIECE_TEXT;
}

bool sl_pattern_may_start(struct sl_str pattern, struct sl_str text)
{
	bool is_prefix;
	struct sl_str base = sl_pattern_base(pattern, &is_prefix);

	if (sl_pattern_check(text) || memchr(text.ptr, '{', text.len))
		return false; /* no normalised path has it anywhere */
	while (text.len) {
		struct sl_str have = cut_segment(&text), want;

		if (!base.len)
			return is_prefix;
		want = cut_segment(&base);
		if (want.len && want.ptr[0] == '{' ? !have.len : !sl_str_eq(want, have))
			return false;
	}
	return true;
}

void sl_pattern_bind(struct sl_str pattern, struct sl_str path, struct sl_route_match *match)
{
	bool is_prefix;
	struct sl_str base = sl_pattern_base(pattern, &is_prefix);

	match->params_nr = 0;
	while (base.len) {
		struct sl_str name = cut_segment(&base);
		struct sl_str value = cut_segment(&path);

		if (!name.len || name.ptr[0] != '{')
			continue;
		assert(match->params_nr < SL_ROUTE_PARAMS_MAX);
		match->params[match->params_nr++] = (struct sl_route_param){
			.name = { name.ptr + 1, name.len - 2 },
			.value = value,
		};
	}
}

// SPDX-License-Identifier: Apache-2.0
// Cuts an expression into words.
#include "expr/lex.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	char l = sl_lower(c);

	return (l >= 'a' && l <= 'z') || is_digit(c) || c == '_' || c == '-';
}

static void take(struct sl_lex *lex, enum sl_token token, size_t len)
{
	lex->token = token;
	lex->word = (struct sl_str){ lex->text.ptr + lex->at, len };
	lex->next = lex->at + len;
}

static void fail(struct sl_lex *lex, const char *why)
{
	take(lex, SL_TOKEN_BAD, 0);
	lex->why = why;
}

static void take_string(struct sl_lex *lex)
{
	const char *begin = lex->text.ptr + lex->at + 1;
	size_t room = lex->text.len - lex->at - 1;
	const char *end = memchr(begin, begin[-1], room);

	if (!end) {
		fail(lex, "this string has no end");
		return;
	}
	for (const char *p = begin; p < end; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			fail(lex, "this string has a control character");
			return;
		}
	lex->token = SL_TOKEN_LITERAL;
	lex->word = (struct sl_str){ begin, (size_t)(end - begin) };
	lex->next = (size_t)(end + 1 - lex->text.ptr);
}

static void take_run(struct sl_lex *lex)
{
	size_t len = 1, room = lex->text.len - lex->at;
	const char *p = lex->text.ptr + lex->at;
	bool is_number = is_digit(*p) || *p == '-';

	while (len < room && is_name(p[len])) {
		is_number &= is_digit(p[len]);
		len++;
	}
	if ((is_digit(*p) || *p == '-') && (!is_number || (*p == '-' && len == 1)))
		fail(lex, "this is no number, and no name begins so");
	else
		take(lex, is_number ? SL_TOKEN_LITERAL : SL_TOKEN_NAME, len);
}

static size_t sign_at(const char *p, size_t room)
{
	static const char *const signs[] = { "==", "!=", "&&", "||", "!", "(",
					     ")",  "[",	 "]",  ",",  ".", NULL };

	for (unsigned i = 0; signs[i]; i++) {
		size_t len = strlen(signs[i]);

		if (len <= room && memcmp(p, signs[i], len) == 0)
			return len;
	}
	return 0;
}

void sl_lex_next(struct sl_lex *lex)
{
	const char *p = lex->text.ptr;
	size_t len;

	while (lex->next < lex->text.len && p[lex->next] == ' ')
		lex->next++;
	lex->at = lex->next;
	if (lex->at == lex->text.len) {
		take(lex, SL_TOKEN_END, 0);
		return;
	}
	if (p[lex->at] == '"' || p[lex->at] == '\'') {
		take_string(lex);
		return;
	}
	if (is_name(p[lex->at])) {
		take_run(lex);
		return;
	}
	len = sign_at(p + lex->at, lex->text.len - lex->at);
	if (len)
		take(lex, SL_TOKEN_SIGN, len);
	else
		fail(lex, "no word begins so; strings stand in quotes");
}

void sl_lex_begin(struct sl_lex *lex, struct sl_str text)
{
	*lex = (struct sl_lex){ .text = text };
	sl_lex_next(lex);
}

bool sl_lex_is(const struct sl_lex *lex, const char *word)
{
	return (lex->token == SL_TOKEN_SIGN || lex->token == SL_TOKEN_NAME) &&
	       sl_str_eq(lex->word, sl_str_of(word));
}

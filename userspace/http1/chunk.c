// SPDX-License-Identifier: Apache-2.0
// The chunked decoder: a table over states and kinds of character for each chunk-size line.

#include "http1/chunk.h"

#include <errno.h>

#include "http/chars.h"

enum {
	SIZE_DIGITS = 16,
	LINE_MAX_BYTES = 256, /* extensions are dropped, so nobody needs room for them */
};

/* RFC 9112 7.1: chunk-size *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) CRLF */
enum state {
	SIZE,
	AFTER_SIZE, /* white space after the size or an extension: only ';' may follow */
	NAME_START,
	NAME,
	AFTER_NAME,
	VALUE_START,
	VALUE,
	QUOTED,
	ESCAPED,
	QUOTED_END,
	LINE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	DONE,
	BROKEN,
	STATES
};

enum kind { TOKEN, SEMI, EQUALS, QUOTE, BACKSLASH, SPACE, CR, TEXT, WRONG, KINDS };

/* Inside a line; SIZE, which is 0, is never what follows, so it stands for "refuse". */
static const uint8_t line_next[STATES][KINDS] = {
	[SIZE] = { [SEMI] = NAME_START, [SPACE] = AFTER_SIZE, [CR] = LINE_LF },
	[AFTER_SIZE] = { [SEMI] = NAME_START, [SPACE] = AFTER_SIZE },
	[NAME_START] = { [TOKEN] = NAME, [SPACE] = NAME_START },
	[NAME] = { [TOKEN] = NAME,
		   [SEMI] = NAME_START,
		   [EQUALS] = VALUE_START,
		   [SPACE] = AFTER_NAME,
		   [CR] = LINE_LF },
	[AFTER_NAME] = { [SEMI] = NAME_START, [EQUALS] = VALUE_START, [SPACE] = AFTER_NAME },
	[VALUE_START] = { [TOKEN] = VALUE, [QUOTE] = QUOTED, [SPACE] = VALUE_START },
	[VALUE] = { [TOKEN] = VALUE, [SEMI] = NAME_START, [SPACE] = AFTER_SIZE, [CR] = LINE_LF },
	[QUOTED] = { [TOKEN] = QUOTED,
		     [SEMI] = QUOTED,
		     [EQUALS] = QUOTED,
		     [SPACE] = QUOTED,
		     [TEXT] = QUOTED,
		     [QUOTE] = QUOTED_END,
		     [BACKSLASH] = ESCAPED },
	[ESCAPED] = { [TOKEN] = QUOTED,
		      [SEMI] = QUOTED,
		      [EQUALS] = QUOTED,
		      [SPACE] = QUOTED,
		      [TEXT] = QUOTED,
		      [QUOTE] = QUOTED,
		      [BACKSLASH] = QUOTED },
	[QUOTED_END] = { [SEMI] = NAME_START, [SPACE] = AFTER_SIZE, [CR] = LINE_LF },
};

static enum kind kind_of(char c)
{
	switch (c) {
	case ';':
		return SEMI;
	case '=':
		return EQUALS;
	case '"':
		return QUOTE;
	case '\\':
		return BACKSLASH;
	case ' ':
	case '\t':
		return SPACE;
	case '\r':
		return CR;
	}
	if (sl_char_is(c, SL_CHAR_TOKEN))
		return TOKEN;
	return sl_char_is(c, SL_CHAR_VALUE) ? TEXT : WRONG;
}

static enum state refuse_unless(bool held, enum state next)
{
	return held ? next : BROKEN;
}

static enum state take_digit(struct sl_chunked *c, char digit)
{
	if (c->digits == SIZE_DIGITS)
		return BROKEN;
	c->digits++;
	c->left = c->left << 4 | sl_hex_value(digit);
	return refuse_unless(c->left <= INT64_MAX, SIZE);
}

static enum state step_line(struct sl_chunked *c, char byte)
{
	enum state next;

	if (++c->line_bytes > LINE_MAX_BYTES)
		return BROKEN;
	if (c->state == SIZE && sl_char_is(byte, SL_CHAR_HEX))
		return take_digit(c, byte);
	if (c->digits == 0)
		return BROKEN;
	next = line_next[c->state][kind_of(byte)];
	return refuse_unless(next != SIZE, next);
}

static enum state begin_size(struct sl_chunked *c)
{
	c->left = 0;
	c->line_bytes = 0;
	c->digits = 0;
	return SIZE;
}

/* One byte of framing: anywhere but in DATA and DONE. */
static enum state step(struct sl_chunked *c, char byte)
{
	switch (c->state) {
	case LINE_LF:
		return refuse_unless(byte == '\n', c->left ? DATA : DONE);
	case DATA_CR:
		return refuse_unless(byte == '\r', DATA_LF);
	case DATA_LF:
		return byte == '\n' ? begin_size(c) : BROKEN;
	case BROKEN:
		return BROKEN;
	default:
		return step_line(c, byte);
	}
}

static struct sl_str take_data(struct sl_chunked *c, const char *p, size_t len)
{
	size_t n = len < c->left ? len : (size_t)c->left;

	c->left -= n;
	if (c->left == 0)
		c->state = DATA_CR;
	return (struct sl_str){ p, n };
}

ssize_t sl_chunked_next(struct sl_chunked *c, const char *p, size_t len, struct sl_str *ret_data)
{
	struct sl_str data = { p, 0 };
	size_t i = 0;

	while (i < len && c->state != DATA && c->state != DONE) {
		c->state = (uint8_t)step(c, p[i++]);
		if (c->state == BROKEN)
			return -EBADMSG;
	}
	if (c->state == DATA && i < len)
		data = take_data(c, p + i, len - i);
	*ret_data = data;
	return (ssize_t)(i + data.len);
}

bool sl_chunked_is_done(const struct sl_chunked *c)
{
	return c->state == DONE;
}

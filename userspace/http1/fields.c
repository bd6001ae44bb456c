// SPDX-License-Identifier: Apache-2.0
// Reads field lines (RFC 9112 5), for header and trailer sections alike.

#include <errno.h>

#include "http/chars.h"
#include "http1/parse.h"

/* RFC 9110 7.6.1, and what RFC 2616 13.5.1 called hop-by-hop. */
static const uint64_t hop_ids = H1_BIT(SL_FIELD_CONNECTION) | H1_BIT(SL_FIELD_KEEP_ALIVE) |
				H1_BIT(SL_FIELD_PROXY_CONNECTION) |
				H1_BIT(SL_FIELD_PROXY_AUTHENTICATE) |
				H1_BIT(SL_FIELD_PROXY_AUTHORIZATION) | H1_BIT(SL_FIELD_TE) |
				H1_BIT(SL_FIELD_TRANSFER_ENCODING) | H1_BIT(SL_FIELD_UPGRADE) |
				H1_BIT(SL_FIELD_HTTP2_SETTINGS);

/* RFC 9110 6.5.1: framing, routing, authentication, modifiers, content. */
static const uint64_t no_trailer_ids =
	H1_BIT(SL_FIELD_AGE) | H1_BIT(SL_FIELD_AUTHORIZATION) | H1_BIT(SL_FIELD_CONTENT_LENGTH) |
	H1_BIT(SL_FIELD_CONTENT_TYPE) | H1_BIT(SL_FIELD_DATE) | H1_BIT(SL_FIELD_EXPECT) |
	H1_BIT(SL_FIELD_FORWARDED) | H1_BIT(SL_FIELD_HOST) | H1_BIT(SL_FIELD_MAX_FORWARDS) |
	H1_BIT(SL_FIELD_TRAILER) | H1_BIT(SL_FIELD_VIA) | H1_BIT(SL_FIELD_X_FORWARDED_FOR) |
	H1_BIT(SL_FIELD_X_FORWARDED_HOST) | H1_BIT(SL_FIELD_X_FORWARDED_PORT) |
	H1_BIT(SL_FIELD_X_FORWARDED_PROTO) | H1_BIT(SL_FIELD_X_REAL_IP) |
	H1_BIT(SL_FIELD_X_REQUEST_ID);

static const struct sl_str no_trailer_names[] = {
	SL_STR("cache-control"),
	SL_STR("content-encoding"),
	SL_STR("content-range"),
	SL_STR("cookie"),
	SL_STR("expires"),
	SL_STR("location"),
	SL_STR("pragma"),
	SL_STR("range"),
	SL_STR("retry-after"),
	SL_STR("set-cookie"),
	SL_STR("vary"),
	SL_STR("warning"),
	SL_STR("if-match"),
	SL_STR("if-none-match"),
	SL_STR("if-modified-since"),
	SL_STR("if-range"),
	SL_STR("www-authenticate"),
	SL_STR("if-unmodified-since"),
};

/* p is where the name stopped, at something that is no tchar and no colon. */
static int refuse_name(struct h1_in *in, const char *p)
{
	const char *start = in->pos;
	bool is_space = *p == ' ' || *p == '\t';

	if (p == start && is_space)
		return h1_refuse(in->head, 400, "A field line begins with white space.");
	if (is_space)
		return h1_refuse(in->head, 400, "White space stands before the colon of a field.");
	return h1_refuse(in->head, 400, "A field name is empty or holds an invalid character.");
}

/* p is where the value stopped, before end: at the CR of a CRLF, or at what does not belong. */
static int check_line_end(struct h1_in *in, const char *p)
{
	if (*p == '\r' && in->end - p == 1)
		return -EAGAIN;
	/* RFC 9112 2.2 lets a reader take a bare LF for a line end.  A proxy that does, before an
	 * upstream that does not, can be smuggled through. */
	if (*p != '\r' || p[1] != '\n')
		return h1_refuse(in->head, 400, "A field value holds a control character.");
	return 0;
}

static void note_field(struct h1_in *in, struct sl_field *f)
{
	uint64_t bit;

	f->id = (uint8_t)sl_field_id_of((struct sl_str){ f->name, f->name_len });
	bit = H1_BIT(f->id);
	f->is_hop = hop_ids & bit;
	in->repeated |= in->seen & bit;
	in->seen |= bit;
	in->at[f->id] = f;
}

/* One line; there is at least one byte. */
static int read_field(struct h1_in *in, struct sl_field *f)
{
	const char *end = in->end, *p = sl_scan_token(in->pos, end);
	int ret;

	if (p - in->pos > UINT16_MAX)
		return h1_refuse(in->head, 431, "A field name is too long.");
	if (p == end)
		return -EAGAIN;
	if (*p != ':' || p == in->pos)
		return refuse_name(in, p);
	f->name = in->pos;
	f->name_len = (uint16_t)(p - in->pos);

	for (p++; p < end && (*p == ' ' || *p == '\t'); p++)
		;
	f->value = p;
	p = sl_scan_value(p, end);
	if (p == end)
		return -EAGAIN;
	ret = check_line_end(in, p);
	if (ret < 0)
		return ret;
	in->pos = p + 2;
	while (p > f->value && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	f->value_len = (uint32_t)(p - f->value);
	note_field(in, f);
	return 0;
}

static int read_empty_line(struct h1_in *in)
{
	if (in->end - in->pos < 2)
		return -EAGAIN;
	if (in->pos[1] != '\n')
		return h1_refuse(in->head, 400, "A CR stands alone.");
	in->pos += 2;
	return 0;
}

static int read_lines(struct h1_in *in)
{
	struct sl_head *head = in->head;
	int ret;

	while (in->pos < in->end) {
		if (*in->pos == '\r')
			return read_empty_line(in);
		if (head->fields_nr == in->limits->fields)
			return h1_refuse(head, 431, "The message has too many fields.");
		ret = read_field(in, &head->fields[head->fields_nr]);
		if (ret < 0)
			return ret;
		head->fields_nr++;
	}
	return -EAGAIN;
}

int h1_fields_read(struct h1_in *in)
{
	int ret = read_lines(in);

	if (ret == -EAGAIN && in->is_cut)
		return h1_refuse(in->head, 431, "The fields of the message are too long.");
	return ret;
}

static bool is_no_trailer(const struct sl_field *f)
{
	struct sl_str name = { f->name, f->name_len };

	if (no_trailer_ids & H1_BIT(f->id))
		return true;
	for (size_t i = 0; i < sizeof(no_trailer_names) / sizeof(no_trailer_names[0]); i++)
		if (sl_str_ieq(name, no_trailer_names[i]))
			return true;
	return false;
}

void h1_trailers_mark(struct sl_head *head)
{
	for (size_t i = 0; i < head->fields_nr; i++)
		if (is_no_trailer(&head->fields[i]))
			head->fields[i].is_hop = true;
}

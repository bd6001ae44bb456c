// SPDX-License-Identifier: Apache-2.0
// Reads a ClientHello: bounded, strict, and before OpenSSL spends anything on it.
#include "tls/hello.h"

#include <errno.h>

enum {
	HANDSHAKE = 22, /* RFC 8446 5.1 */
	CLIENT_HELLO = 1,
	MESSAGE_HEAD = 4,
	RANDOM_BYTES = 32,
	SESSION_ID_MAX = 32,
	NAME_MAX_BYTES = 255, /* OpenSSL takes no longer one */
};

/* IANA's numbers of extensions. */
enum { SERVER_NAME = 0, SIGNATURE_ALGORITHMS = 13, ALPN = 16, SUPPORTED_VERSIONS = 43 };

/* ---- reading ---- */

/* Beyond its end everything is 0 and empty, and the end tells that there was too little. */
struct in {
	const unsigned char *ptr;
	size_t left;
	bool is_short;
};

static struct in in_of(struct sl_str s)
{
	return (struct in){ (const unsigned char *)s.ptr, s.len, false };
}

static struct sl_str take(struct in *in, size_t n)
{
	struct sl_str s = { (const char *)in->ptr, n };

	if (n > in->left) {
		in->is_short = true;
		n = s.len = in->left;
	}
	in->ptr += n;
	in->left -= n;
	return s;
}

static size_t take_number(struct in *in, unsigned bytes)
{
	struct sl_str s = take(in, bytes);
	size_t number = 0;

	if (in->is_short)
		return 0;
	for (unsigned i = 0; i < bytes; i++)
		number = number << 8 | (unsigned char)s.ptr[i];
	return number;
}

/* What follows its length, of so many bytes. */
static struct sl_str take_list(struct in *in, unsigned bytes)
{
	return take(in, take_number(in, bytes));
}

static bool is_over(const struct in *in)
{
	return !in->is_short && in->left == 0;
}

/* ---- extensions ---- */

static bool is_numbers(struct sl_str list)
{
	return list.len > 0 && list.len % 2 == 0;
}

/* All of the extension is one list of numbers. */
static bool read_numbers(struct sl_str data, unsigned bytes, struct sl_str *ret_list)
{
	struct in in = in_of(data);

	*ret_list = take_list(&in, bytes);
	return is_over(&in) && is_numbers(*ret_list);
}

/* RFC 6066 3 has a list in which each kind of name may be once, and there never was another kind:
 * it is one host name. */
static bool read_name(struct sl_str data, struct sl_str *ret_name)
{
	struct in in = in_of(data), list = in_of(take_list(&in, 2));
	size_t kind = take_number(&list, 1);

	*ret_name = take_list(&list, 2);
	return is_over(&in) && is_over(&list) && kind == 0 && ret_name->len > 0 &&
	       ret_name->len <= NAME_MAX_BYTES && !memchr(ret_name->ptr, '\0', ret_name->len);
}

/* RFC 7301 3.1: one at least, and none that is empty. */
static bool read_protocols(struct sl_str data, struct sl_str *ret_protocols)
{
	struct in in = in_of(data), list;

	*ret_protocols = take_list(&in, 2);
	if (!is_over(&in) || ret_protocols->len == 0)
		return false;
	list = in_of(*ret_protocols);
	while (list.left > 0)
		if (take_list(&list, 1).len == 0)
			return false;
	return !list.is_short;
}

static bool read_extension(struct sl_tls_hello *h, size_t type, struct sl_str data)
{
	switch (type) {
	case SERVER_NAME:
		return read_name(data, &h->name);
	case SIGNATURE_ALGORITHMS:
		return read_numbers(data, 2, &h->signatures);
	case ALPN:
		return read_protocols(data, &h->protocols);
	case SUPPORTED_VERSIONS:
		return read_numbers(data, 1, &h->versions);
	default:
		return true;
	}
}

static bool read_extensions(struct sl_tls_hello *h)
{
	struct in in = in_of(h->types);
	uint64_t seen = 0;

	while (in.left > 0) {
		size_t type = take_number(&in, 2);
		struct sl_str data = take_list(&in, 2);
		uint64_t bit = type < 64 ? 1ull << type : 0;

		if (in.is_short || seen & bit || !read_extension(h, type, data))
			return false;
		seen |= bit;
	}
	return true;
}

/* ---- the message ---- */

int sl_tls_hello_read(struct sl_str message, struct sl_tls_hello *ret_hello)
{
	struct in in = in_of(message);
	struct sl_tls_hello h = { 0 };
	size_t kind = take_number(&in, 1), len = take_number(&in, 3), session, methods;

	if (in.is_short || kind != CLIENT_HELLO || len != in.left || message.len > SL_TLS_HELLO_MAX)
		return -EBADMSG;
	h.version = (uint16_t)take_number(&in, 2);
	take(&in, RANDOM_BYTES);
	session = take_list(&in, 1).len;
	h.ciphers = take_list(&in, 2);
	methods = take_list(&in, 1).len;
	if (in.is_short || session > SESSION_ID_MAX || !is_numbers(h.ciphers) || methods == 0)
		return -EBADMSG;
	/* RFC 5246 7.4.1.2: a client that has no extensions leaves out their length, too. */
	if (in.left > 0)
		h.types = take_list(&in, 2);
	if (!is_over(&in) || !read_extensions(&h))
		return -EBADMSG;
	*ret_hello = h;
	return 0;
}

bool sl_tls_hello_next_type(struct sl_str *types, uint16_t *ret_type)
{
	struct in in = in_of(*types);

	if (types->len == 0)
		return false;
	*ret_type = (uint16_t)take_number(&in, 2);
	take_list(&in, 2);
	*types = (struct sl_str){ (const char *)in.ptr, in.left };
	return true;
}

/* RFC 8446 4.2.1: with the extension the old field means nothing.  Without it the client speaks
 * all that is not newer, and nothing newer than TLS 1.2. */
bool sl_tls_hello_offers(const struct sl_tls_hello *h, uint16_t version)
{
	if (!h->versions.ptr)
		return version <= h->version && version <= 0x0303;
	for (size_t i = 0; i < h->versions.len / 2; i++)
		if (sl_tls_number(h->versions, i) == version)
			return true;
	return false;
}

bool sl_tls_is_grease(uint16_t number)
{
	return (number & 0x0f0f) == 0x0a0a && number >> 8 == (number & 0xff);
}

/* ---- records ---- */

/* RFC 8446 5.1: the version of the record says nothing, but for its upper byte, by which it is
 * known; and no handshake record is empty. */
static int record_length(const unsigned char head[SL_TLS_RECORD_HEAD])
{
	unsigned len = (unsigned)head[3] << 8 | head[4];

	if (head[0] != HANDSHAKE || head[1] != 3 || len == 0)
		return -EBADMSG;
	return len > SL_TLS_HELLO_MAX ? -EMSGSIZE : (int)len;
}

/* Of the message that begins there, with its header. */
static uint32_t message_length(const unsigned char *p)
{
	return MESSAGE_HEAD + ((uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

size_t sl_tls_hello_whole(struct sl_str in)
{
	const unsigned char *p = (const unsigned char *)in.ptr;
	int len;

	if (in.len < SL_TLS_RECORD_HEAD + MESSAGE_HEAD)
		return 0;
	len = record_length(p);
	if (len <= 0 || p[SL_TLS_RECORD_HEAD] != CLIENT_HELLO ||
	    message_length(p + SL_TLS_RECORD_HEAD) != (uint32_t)len ||
	    in.len < SL_TLS_RECORD_HEAD + (size_t)len)
		return 0;
	return SL_TLS_RECORD_HEAD + (size_t)len;
}

static size_t take_head(struct sl_tls_pieces *p, struct sl_str in, int *ret)
{
	size_t n = SL_TLS_RECORD_HEAD - p->head_len;
	int len;

	if (n > in.len)
		n = in.len;
	memcpy(p->head + p->head_len, in.ptr, n);
	p->head_len += (uint32_t)n;
	if (p->head_len < SL_TLS_RECORD_HEAD)
		return n;
	p->head_len = 0;
	len = record_length(p->head);
	if (len < 0)
		*ret = len;
	else
		p->left = (uint32_t)len;
	if (p->len == 0) {
		memcpy(p->to, p->head, SL_TLS_RECORD_HEAD);
		p->len = SL_TLS_RECORD_HEAD;
	}
	return n;
}

/* Nothing may follow it in its last record: what it is answered with comes first. */
static int look_at_message(struct sl_tls_pieces *p)
{
	uint32_t have = p->len - SL_TLS_RECORD_HEAD, want;

	if (p->to[SL_TLS_RECORD_HEAD] != CLIENT_HELLO)
		return -EBADMSG;
	if (have < MESSAGE_HEAD)
		return 0;
	want = message_length(p->to + SL_TLS_RECORD_HEAD);
	if (want > SL_TLS_HELLO_MAX)
		return -EMSGSIZE;
	if (have + p->left > want)
		return -EBADMSG;
	if (have < want)
		return 0;
	p->to[3] = (unsigned char)(want >> 8);
	p->to[4] = (unsigned char)want;
	return 1;
}

static size_t take_body(struct sl_tls_pieces *p, struct sl_str in, int *ret)
{
	size_t n = p->left < in.len ? p->left : in.len;

	if (n > SL_TLS_HELLO_ROOM - p->len) {
		*ret = -EMSGSIZE;
		return 0;
	}
	memcpy(p->to + p->len, in.ptr, n);
	p->len += (uint32_t)n;
	p->left -= (uint32_t)n;
	*ret = look_at_message(p);
	return n;
}

int sl_tls_pieces_take(struct sl_tls_pieces *p, struct sl_str in, size_t *ret_taken)
{
	size_t n = 0;
	int ret = 0;

	while (ret == 0 && n < in.len) {
		struct sl_str rest = { in.ptr + n, in.len - n };

		n += p->left ? take_body(p, rest, &ret) : take_head(p, rest, &ret);
	}
	*ret_taken = n;
	return ret;
}

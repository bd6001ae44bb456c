// SPDX-License-Identifier: Apache-2.0
// ClientHellos of OpenSSL's own client: read, cut short, with lengths that lie, and in pieces.
#include "tls/hello.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "tap.h"

static const struct {
	const char *what, *name, *signatures;
	int least, most;
	bool has_protocols, has_13;
} clients[] = {
	{ "as it comes", NULL, NULL, 0, 0, false, true },
	{ "with a name", "www.example.org", NULL, 0, 0, false, true },
	{ "with protocols", "a.example", NULL, 0, 0, true, true },
	{ "TLS 1.3 only", "a.example", NULL, TLS1_3_VERSION, 0, true, true },
	{ "TLS 1.2 only", "a.example", "RSA+SHA256", 0, TLS1_2_VERSION, true, false },
	{ "TLS 1.2, nameless", NULL, NULL, 0, TLS1_2_VERSION, false, false },
};

enum { CLIENTS_NR = sizeof(clients) / sizeof(*clients) };

/* A record, as it would go to the network. */
static size_t make_hello(unsigned which, unsigned char record[SL_TLS_HELLO_ROOM])
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	BIO *out = BIO_new(BIO_s_mem());
	SSL *ssl;
	int len;

	SSL_CTX_set_min_proto_version(context, clients[which].least);
	SSL_CTX_set_max_proto_version(context, clients[which].most);
	if (clients[which].signatures)
		SSL_CTX_set1_sigalgs_list(context, clients[which].signatures);
	ssl = SSL_new(context);
	if (clients[which].name)
		SSL_set_tlsext_host_name(ssl, clients[which].name);
	if (clients[which].has_protocols)
		SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_connect(ssl);
	len = BIO_read(out, record, SL_TLS_HELLO_ROOM);
	SSL_free(ssl);
	SSL_CTX_free(context);
	if (len <= SL_TLS_RECORD_HEAD)
		abort();
	return (size_t)len;
}

static struct sl_str message_of(const unsigned char *record, size_t len)
{
	return (struct sl_str){ (const char *)record + SL_TLS_RECORD_HEAD,
				len - SL_TLS_RECORD_HEAD };
}

/* In memory of its own size: a sanitizer sees a read beyond it. */
static int read_copy(struct sl_str message)
{
	char *mem = malloc(message.len + 1);
	struct sl_tls_hello h;
	struct sl_str copy = { mem + 1, message.len };
	int ret;

	memcpy(mem + 1, message.ptr, message.len);
	ret = sl_tls_hello_read(copy, &h);
	free(mem);
	return ret;
}

static void whole(unsigned which)
{
	unsigned char record[SL_TLS_HELLO_ROOM];
	size_t len = make_hello(which, record);
	const char *what = clients[which].what, *name = clients[which].name;
	struct sl_tls_hello h;
	unsigned types_nr = 0;
	uint16_t type;

	is_int(sl_tls_hello_whole((struct sl_str){ (char *)record, len }), len,
	       "%s: a hello in one record", what);
	is_int(sl_tls_hello_read(message_of(record, len), &h), 0, "%s: it is read", what);
	ok(name ? sl_str_eq(h.name, sl_str_of(name)) : !h.name.ptr, "%s: the name", what);
	is_int(h.version, 0x0303, "%s: the version of before 1.3", what);
	is_int(sl_tls_hello_offers(&h, 0x0304), clients[which].has_13, "%s: TLS 1.3", what);
	is_int(sl_tls_hello_offers(&h, 0x0303), clients[which].least == 0, "%s: TLS 1.2", what);
	is_int(h.protocols.len, clients[which].has_protocols ? 12 : 0, "%s: protocols", what);
	ok(h.ciphers.len >= 2 && h.ciphers.len % 2 == 0, "%s: ciphers", what);
	if (clients[which].signatures)
		ok(h.signatures.len == 2 && sl_tls_number(h.signatures, 0) == 0x0401,
		   "%s: the one kind of signature", what);
	else
		ok(h.signatures.len > 20, "%s: many kinds of signature", what);
	while (sl_tls_hello_next_type(&h.types, &type))
		types_nr++;
	ok(types_nr > 4 && types_nr < 20, "%s: extensions", what);
}

static void cut_short(unsigned which)
{
	unsigned char record[SL_TLS_HELLO_ROOM];
	size_t len = make_hello(which, record), n, m;
	struct sl_str message = message_of(record, len);

	for (n = 0; n < message.len; n++)
		if (read_copy((struct sl_str){ message.ptr, n }) != -EBADMSG)
			break;
	is_int(n, message.len, "%s: no part of it is a hello", clients[which].what);
	for (m = 0; m < len; m++)
		if (sl_tls_hello_whole((struct sl_str){ (char *)record, m }) != 0)
			break;
	is_int(m, len, "%s: nor a record with one", clients[which].what);
}

/* Each length of it is in one of its bytes: whichever lies, nothing is read beyond the end. */
static void lying(unsigned which)
{
	unsigned char record[SL_TLS_HELLO_ROOM];
	size_t len = make_hello(which, record);
	struct sl_str message = message_of(record, len);
	unsigned bad = 0, good = 0, other = 0;

	for (size_t i = SL_TLS_RECORD_HEAD; i < len; i++) {
		unsigned char was = record[i];

		for (int change = 1; change < 256; change++) {
			int ret;

			record[i] = (unsigned char)(was + change);
			ret = read_copy(message);
			bad += ret == -EBADMSG;
			good += ret == 0;
			other += ret != 0 && ret != -EBADMSG;
		}
		record[i] = was;
	}
	ok(bad > 0 && good > 0 && other == 0, "%s: any byte may lie", clients[which].what);
}

/* ---- in pieces ---- */

/* The same message in records of so many bytes. */
static size_t cut_records(const unsigned char *record, size_t len, size_t size, unsigned char *to)
{
	size_t out = 0;

	for (size_t at = SL_TLS_RECORD_HEAD; at < len; at += size) {
		size_t n = len - at < size ? len - at : size;

		memcpy(to + out, record, 3);
		to[out + 3] = (unsigned char)(n >> 8);
		to[out + 4] = (unsigned char)n;
		memcpy(to + out + SL_TLS_RECORD_HEAD, record + at, n);
		out += SL_TLS_RECORD_HEAD + n;
	}
	return out;
}

/* What comes of it when it is read in parts of so many bytes; *ret_left: bytes not taken. */
static int take_parts(struct sl_tls_pieces *p, const unsigned char *bytes, size_t len, size_t size,
		      size_t *ret_left)
{
	size_t taken = 0, n;
	int ret = 0;

	while (ret == 0 && taken < len) {
		size_t part = len - taken < size ? len - taken : size;

		ret = sl_tls_pieces_take(p, (struct sl_str){ (const char *)bytes + taken, part },
					 &n);
		taken += n;
	}
	*ret_left = len - taken;
	return ret;
}

static void in_pieces(unsigned which)
{
	unsigned char record[SL_TLS_HELLO_ROOM], made[SL_TLS_HELLO_ROOM];
	unsigned char *cut = malloc(6 * (size_t)SL_TLS_HELLO_ROOM);
	size_t len = make_hello(which, record), tried = 0, good = 0, left;

	for (size_t size = 1; size < len; size += size < 40 ? 1 : 37) {
		size_t cut_len = cut_records(record, len, size, cut);

		memcpy(cut + cut_len, "more", 4);
		for (size_t part = 1; part < cut_len + 4; part += part < 12 ? 1 : 101) {
			struct sl_tls_pieces p = { .to = made };

			tried++;
			good += take_parts(&p, cut, cut_len + 4, part, &left) == 1 && left == 4 &&
				p.len == len && memcmp(made, record, len) == 0;
		}
	}
	ok(good == tried && tried > 100, "%s: in pieces it is the same (%zu ways)",
	   clients[which].what, tried);
	free(cut);
}

static const struct {
	const char *what, *bytes;
	size_t len;
	int ret;
} refused[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ "an alert", BYTES("\x15\x03\x01\x00\x02\x02\x28"), -EBADMSG },
	{ "a record of SSL 2", BYTES("\x16\x02\x00\x00\x05"), -EBADMSG },
	{ "an empty record", BYTES("\x16\x03\x01\x00\x00"), -EBADMSG },
	{ "a record that is too long", BYTES("\x16\x03\x01\x40\x01"), -EMSGSIZE },
	{ "the longest record", BYTES("\x16\x03\x01\x40\x00"), 0 },
	{ "another message", BYTES("\x16\x03\x01\x00\x05\x02"), -EBADMSG },
	{ "a message that is too long", BYTES("\x16\x03\x01\x00\x05\x01\x00\x3f\xfd"), -EMSGSIZE },
	{ "the longest message", BYTES("\x16\x03\x01\x00\x05\x01\x00\x3f\xfc"), 0 },
	{ "a record that is longer than its message", BYTES("\x16\x03\x01\x00\x05\x01\x00\x00\x00"),
	  -EBADMSG },
	{ "another record in between", BYTES("\x16\x03\x01\x00\x01\x01\x17\x03\x03\x00\x01"),
	  -EBADMSG },
};

static void no_hellos(void)
{
	unsigned char made[SL_TLS_HELLO_ROOM];

	for (unsigned i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		for (size_t part = 1; part < 20; part += 18) {
			struct sl_tls_pieces p = { .to = made };
			size_t left;

			is_int(take_parts(&p, (const unsigned char *)refused[i].bytes,
					  refused[i].len, part, &left),
			       refused[i].ret, "%s, %zu at a time", refused[i].what, part);
		}
}

/* Whatever its lengths promise, it is never more than there is room for. */
static void endless(void)
{
	static const unsigned char head[] = "\x16\x03\x01\x00\x08\x01\x00\x3f\xfc\0\0\0\0";
	static const unsigned char more[] = "\x16\x03\x01\x00\x01\0";
	unsigned char *made = malloc(SL_TLS_HELLO_ROOM);
	struct sl_tls_pieces p = { .to = made };
	size_t left, all = sizeof(head) - 1;
	int ret = take_parts(&p, head, sizeof(head) - 1, 99, &left);

	for (unsigned i = 0; ret == 0 && i < 2 * SL_TLS_HELLO_MAX; i++) {
		ret = take_parts(&p, more, sizeof(more) - 1, 99, &left);
		all += 6;
	}
	ok(ret == 1 && p.len == SL_TLS_HELLO_ROOM, "the longest hello comes by the byte, and ends");
	is_int(all, 13 + 6 * (SL_TLS_HELLO_MAX - 8), "when it has to");
	free(made);
}

/* ---- made by hand ---- */

#define HEAD                                                                                       \
	"\x03\x03"                                                                                 \
	"................................"                                                         \
	"\x00"                                                                                     \
	"\x00\x02\x13\x01"                                                                         \
	"\x01\x00"

static const struct {
	const char *what, *extensions;
	size_t len;
	int ret;
} made[] = {
	{ "no extensions at all", BYTES(""), 0 },
	{ "none of them", BYTES("\x00\x00"), 0 },
	{ "one that we do not know", BYTES("\x00\x05\xab\xcd\x00\x01z"), 0 },
	{ "the same twice, that we do not know", BYTES("\x00\x08\xab\xcd\0\0\xab\xcd\0\0"), 0 },
	{ "the same twice, that may matter", BYTES("\x00\x08\0\x17\0\0\0\x17\0\0"), -EBADMSG },
	{ "a name", BYTES("\x00\x0a\0\0\0\x06\0\x04\0\0\x01z"), 0 },
	{ "an empty name", BYTES("\x00\x09\0\0\0\x05\0\x03\0\0\0"), -EBADMSG },
	{ "a name with a NUL in it", BYTES("\x00\x0c\0\0\0\x08\0\x06\0\0\x03z\0z"), -EBADMSG },
	{ "a name of another kind", BYTES("\x00\x0a\0\0\0\x06\0\x04\x01\0\x01z"), -EBADMSG },
	{ "two names", BYTES("\x00\x0e\0\0\0\x0a\0\x08\0\0\x01z\0\0\x01y"), -EBADMSG },
	{ "an empty list of names", BYTES("\x00\x06\0\0\0\x02\0\0"), -EBADMSG },
	{ "an empty protocol", BYTES("\x00\x07\0\x10\0\x03\0\x01\0"), -EBADMSG },
	{ "no protocol", BYTES("\x00\x06\0\x10\0\x02\0\0"), -EBADMSG },
	{ "half a version", BYTES("\x00\x06\0\x2b\0\x02\x01\x03"), -EBADMSG },
	{ "no version", BYTES("\x00\x05\0\x2b\0\x01\0"), -EBADMSG },
	{ "a version", BYTES("\x00\x07\0\x2b\0\x03\x02\x03\x04"), 0 },
	{ "bytes behind the extensions", BYTES("\x00\x00\x00"), -EBADMSG },
	{ "half a signature", BYTES("\x00\x07\0\x0d\0\x03\0\x01\x04"), -EBADMSG },
};

static void by_hand(void)
{
	for (unsigned i = 0; i < sizeof(made) / sizeof(*made); i++) {
		size_t len = sizeof(HEAD) - 1 + made[i].len;
		char message[4 + sizeof(HEAD) + 64] = { 1, 0, 0, (char)len };

		memcpy(message + 4, HEAD, sizeof(HEAD) - 1);
		memcpy(message + 3 + sizeof(HEAD), made[i].extensions, made[i].len);
		is_int(read_copy((struct sl_str){ message, 4 + len }), made[i].ret, "%s",
		       made[i].what);
	}
}

int main(void)
{
	for (unsigned i = 0; i < CLIENTS_NR; i++) {
		whole(i);
		cut_short(i);
		lying(i);
		in_pieces(i);
	}
	no_hellos();
	endless();
	by_hand();
	return done_testing();
}

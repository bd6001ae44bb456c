// SPDX-License-Identifier: Apache-2.0
// A connection that speaks TLS: from its handshake to its close_notify.
#include "tls/records.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "tls/bio.h"
#include "tls/error.h"
#include "tls/handover.h"

enum {
	GATHER_MAX =
		4096,	 /* shorter pieces are copied together: each record costs more than that */
	SEAL_ROOM = 128, /* what sealing adds, and the end behind it */
	ROOM_MIN = 8192, /* in a block, for opening another record into it */
};

static struct sl_tls *tls_of(const struct sl_conn *c)
{
	return sl_container_of(c->layer, struct sl_tls, layer);
}

/* ---- what is sealed leaves ---- */

void sl_tls_drop_out(struct sl_tls *t)
{
	sl_tls_block_put(t->blocks, t->out);
	t->out = NULL;
	t->out_at = t->out_end = 0;
}

static int fail(struct sl_tls *t, int error)
{
	t->is_broken = true;
	ERR_clear_error();
	return error;
}

/* All of it; what is sealed meanwhile, by what comes in, goes with it. */
static int flush(struct sl_tls *t, uint64_t deadline_ns, bool is_last)
{
	int ret = 0;

	t->is_sending = true;
	while (ret == 0 && t->out_at < t->out_end) {
		uint32_t n = t->out_end - t->out_at;

		if (is_last)
			ret = sl_conn_raw_send_last(t->conn, t->out + t->out_at, n, deadline_ns);
		else
			ret = sl_conn_raw_send(t->conn, t->out + t->out_at, n, deadline_ns);
		t->out_at += n;
	}
	t->is_sending = false;
	sl_tls_drop_out(t);
	if (ret < 0)
		t->is_mute = true; /* but what has come may tell why */
	return ret;
}

/* As much as the socket takes; the rest goes with what is sent next. */
static void flush_now(struct sl_tls *t)
{
	ssize_t n;

	if (t->layer.passes_out) {
		sl_tls_say_instead(t);
		return;
	}
	if (t->is_sending || t->is_mute || t->out_at == t->out_end)
		return;
	n = send(t->conn->fd, t->out + t->out_at, t->out_end - t->out_at,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		t->out_at += (uint32_t)n;
	if (t->out_at == t->out_end)
		sl_tls_drop_out(t);
}

/* At once, whatever the load: what would be gained by sending with others (net/conn.c) is little
 * beside a step, and the client would wait for all the steps of this turn, and we for him then. */
int sl_tls_flush(struct sl_tls *t, uint64_t deadline_ns)
{
	flush_now(t);
	return t->out ? flush(t, deadline_ns, false) : 0;
}

/* ---- opening ---- */

static void on_open_failed(struct sl_conn *c, int error)
{
	struct sl_tls *t = tls_of(c);

	c->rx_error = (int16_t)fail(t, error);
	flush_now(t); /* the alert that tells why */
}

/* Nothing more is here to be opened: is this the end? */
static void look_for_end(struct sl_conn *c)
{
	struct sl_layer *l = c->layer;

	if (l->rx_error)
		c->rx_error = l->rx_error;
	else if (l->eof)
		c->rx_error = -ECONNRESET; /* without close_notify: somebody may have cut it off */
}

/* 0: stop here.  A record of nothing but our own business (a ticket, a KeyUpdate) opens to
 * nothing. */
static int open_record(struct sl_conn *c, char *to, uint32_t room)
{
	struct sl_tls *t = tls_of(c);
	int n = SSL_read(t->ssl, to, (int)room);

	if (n > 0)
		return n;
	switch (SSL_get_error(t->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		look_for_end(c);
		break;
	case SSL_ERROR_ZERO_RETURN:
		c->eof = true;
		break;
	default:
		on_open_failed(c, SSL_is_server(t->ssl) ? -EPROTO : sl_tls_error_of(t->ssl));
	}
	return 0;
}

static bool has_sealed(const struct sl_tls *t)
{
	return t->conn->rx_first != SL_BUF_NONE || SSL_pending(t->ssl) > 0;
}

static void tls_open(struct sl_conn *c)
{
	struct sl_tls *t = tls_of(c);
	struct sl_layer *l = c->layer;
	uint32_t unsent = t->out_end;
	int n;

	assert(!l->plain);
	if (l->passes_in || c->eof || c->rx_error || t->is_broken)
		return;
	if (!has_sealed(t)) {
		look_for_end(c);
		return;
	}
	l->plain = sl_tls_block_get(t->blocks);
	if (!l->plain) {
		c->rx_error = -ENOMEM;
		return;
	}
	do {
		n = open_record(c, l->plain + l->end, SL_TLS_PLAIN_MAX - l->end);
		l->end += (uint32_t)n;
	} while (n > 0 && SL_TLS_PLAIN_MAX - l->end >= ROOM_MIN && has_sealed(t));
	if (l->end == 0) {
		sl_tls_block_put(t->blocks, l->plain);
		l->plain = NULL;
	}
	if (l->passes_out || t->out_end != unsent)
		flush_now(t); /* what was asked of us, such as a new key */
}

/* ---- sealing ---- */

/* The next bytes for a record: in place, or short pieces copied together. */
static struct sl_str next_bytes(struct iovec **iov, unsigned *nr, char mem[GATHER_MAX])
{
	size_t n = 0;
	struct sl_str s;

	while (*nr && n + (*iov)->iov_len <= GATHER_MAX && (*nr > 1 || n)) {
		if ((*iov)->iov_len)
			memcpy(mem + n, (*iov)->iov_base, (*iov)->iov_len);
		n += (*iov)->iov_len;
		++*iov;
		--*nr;
	}
	if (n)
		return (struct sl_str){ mem, n };
	if (!*nr)
		return (struct sl_str){ NULL, 0 };
	s = (struct sl_str){ (*iov)->iov_base, (*iov)->iov_len };
	if (s.len > SL_TLS_PLAIN_MAX)
		s.len = SL_TLS_PLAIN_MAX;
	(*iov)->iov_base = (char *)(*iov)->iov_base + s.len;
	(*iov)->iov_len -= s.len;
	if ((*iov)->iov_len == 0) {
		++*iov;
		--*nr;
	}
	return s;
}

/* In one block as far as they go: what leaves together wakes the peer once. */
static int seal(struct sl_tls *t, struct sl_str s, uint64_t deadline_ns)
{
	int ret = 0;

	if (s.len == 0)
		return 0;
	if (t->out_end + s.len + SEAL_ROOM > SL_TLS_BLOCK_BYTES)
		ret = flush(t, deadline_ns, false);
	if (ret < 0)
		return ret;
	if (t->is_broken || t->is_mute)
		return -EPIPE;
	if (SSL_write(t->ssl, s.ptr, (int)s.len) != (int)s.len)
		return fail(t, t->out ? -EPROTO : -ENOMEM);
	return 0;
}

static void seal_end(struct sl_tls *t)
{
	if (t->has_said_end || t->is_broken || t->is_mute)
		return;
	t->has_said_end = true;
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

static int tls_sendv(struct sl_conn *c, struct iovec *iov, unsigned nr, uint64_t deadline_ns,
		     bool is_last)
{
	struct sl_tls *t = tls_of(c);
	char mem[GATHER_MAX];
	int ret = 0;

	while (ret == 0 && nr)
		ret = seal(t, next_bytes(&iov, &nr, mem), deadline_ns);
	if (ret == 0 && is_last)
		seal_end(t);
	return ret == 0 ? flush(t, deadline_ns, is_last) : ret;
}

static void tls_say_end(struct sl_conn *c, bool may_wait)
{
	struct sl_tls *t = tls_of(c);

	if (t->layer.passes_out) {
		sl_tls_end_by_kernel(t, may_wait);
		return;
	}
	if (t->is_sending)
		return; /* cut off in the middle of a record: there is no orderly end */
	seal_end(t);
	if (may_wait && !t->is_broken && !t->is_mute)
		flush(t, c->loop->now_ns + SL_SEC, false);
	else
		flush_now(t);
}

static void tls_put_block(struct sl_layer *l, char *block)
{
	struct sl_tls *t = sl_container_of(l, struct sl_tls, layer);

	if (block && block == t->early)
		sl_tls_early_free(t);
	else
		sl_tls_block_put(t->blocks, block);
}

static const struct sl_layer_ops ops = {
	.open = tls_open,
	.sendv = tls_sendv,
	.say_end = tls_say_end,
	.put_block = tls_put_block,
	.pass_out = sl_tls_pass_out,
	.on_odd = sl_tls_on_odd,
};

/* ---- from start to end ---- */

struct sl_tls *sl_tls_new(struct sl_conn *c, SSL *ssl, struct sl_tls_blocks *blocks)
{
	bool has_room = ssl && sl_budget_take(blocks->budget, SL_TLS_CHARGE);
	struct sl_tls *t = has_room ? sl_slab_get(&blocks->connections) : NULL;
	BIO *bio;

	if (!t) {
		if (has_room)
			sl_budget_give(blocks->budget, SL_TLS_CHARGE);
		SSL_free(ssl);
		return NULL;
	}
	*t = (struct sl_tls){
		.layer.ops = &ops,
		.conn = c,
		.blocks = blocks,
		.ssl = ssl,
		.charge = SL_TLS_CHARGE,
	};
	bio = sl_tls_bio_new(t);
	if (!bio) {
		sl_tls_free(t);
		return NULL;
	}
	SSL_set_bio(ssl, bio, bio);
	return t;
}

void sl_tls_free(struct sl_tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	sl_tls_keys_forget(&t->keys);
	free(t->client);
	free(t->name);
	sl_tls_early_free(t);
	sl_tls_drop_out(t);
	sl_tls_block_put(t->blocks, t->in);
	sl_budget_give(t->blocks->budget, t->charge);
	sl_slab_put(&t->blocks->connections, t);
}

/* One of those that we speak, so that it outlives ssl. */
static const char *protocol_of(const SSL *ssl)
{
	static const char *const ours[] = { "http/1.1", "http/1.0" };
	const unsigned char *protocol;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &protocol, &len);
	for (unsigned i = 0; i < 2; i++)
		if (len == strlen(ours[i]) && memcmp(protocol, ours[i], len) == 0)
			return ours[i];
	return NULL;
}

void sl_tls_describe(const struct sl_tls *t, struct sl_tls_facts *ret_facts)
{
	const char *name;

	if (!t->ssl) {
		*ret_facts = t->facts;
		return;
	}
	name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
	*ret_facts = (struct sl_tls_facts){
		.version = sl_str_of(SSL_get_version(t->ssl)),
		.cipher = sl_str_of(SSL_get_cipher_name(t->ssl)),
		.name = name ? sl_str_of(name) : (struct sl_str){ NULL, 0 },
		.ja4 = sl_str_of(t->ja4),
		.protocol = protocol_of(t->ssl),
		.client = t->client,
		.is_resumed = SSL_session_reused(t->ssl),
	};
}

// SPDX-License-Identifier: Apache-2.0
// A connection that speaks TLS: from the first byte of its handshake to its close_notify.
#include "tls/records.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "tls/bio.h"
#include "tls/handover.h"

enum {
	GATHER_MAX =
		4096, /* shorter pieces are copied together: each record costs more than that */
	STEPS_A_TURN = 4,
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
	return ret < 0 ? fail(t, ret) : 0;
}

int sl_tls_flush(struct sl_tls *t, uint64_t deadline_ns)
{
	return flush(t, deadline_ns, false);
}

/* As much as the socket takes; the rest goes with what is sent next. */
static void flush_now(struct sl_tls *t)
{
	ssize_t n;

	if (t->layer.passes_out) {
		sl_tls_say_instead(t);
		return;
	}
	if (t->is_sending || t->out_at == t->out_end)
		return;
	n = send(t->conn->fd, t->out + t->out_at, t->out_end - t->out_at,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		t->out_at += (uint32_t)n;
	if (t->out_at == t->out_end)
		sl_tls_drop_out(t);
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
		on_open_failed(c, -EPROTO);
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
	if (t->is_broken)
		return -EPIPE;
	if (SSL_write(t->ssl, s.ptr, (int)s.len) != (int)s.len)
		return fail(t, t->out ? -EPROTO : -ENOMEM);
	return 0;
}

static void seal_end(struct sl_tls *t)
{
	if (t->has_said_end || t->is_broken)
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
	if (may_wait && !t->is_broken)
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

/* ---- the handshake ---- */

static struct sl_tls *make(struct sl_conn *c, struct sl_tls_server *server,
			   struct sl_tls_blocks *blocks)
{
	struct sl_tls *t;
	BIO *bio;

	if (!sl_budget_take(blocks->budget, SL_TLS_CHARGE))
		return NULL;
	t = sl_slab_get(&blocks->connections);
	if (!t) {
		sl_budget_give(blocks->budget, SL_TLS_CHARGE);
		return NULL;
	}
	*t = (struct sl_tls){
		.layer.ops = &ops,
		.conn = c,
		.blocks = blocks,
		.ktls_ciphers = sl_tls_server_ktls(server),
		.charge = SL_TLS_CHARGE,
	};
	t->ssl = sl_tls_server_begin(server);
	bio = t->ssl ? sl_tls_bio_new(t) : NULL;
	if (!bio) {
		sl_tls_free(t);
		return NULL;
	}
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_accept_state(t->ssl);
	if (t->ktls_ciphers)
		sl_tls_keys_watch(&t->keys, t->ssl);
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
	sl_budget_give(t->blocks->budget, t->charge);
	sl_slab_put(&t->blocks->connections, t);
}

static enum sl_tls_end end_of(int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return SL_TLS_TOO_SLOW;
	case -ECANCELED:
		return SL_TLS_CANCELLED;
	case -ENOMEM:
		return SL_TLS_NO_MEMORY;
	default:
		return SL_TLS_LEFT;
	}
}

static int wait_more(struct sl_conn *c, uint64_t deadline_ns)
{
	int ret = sl_conn_wait_data(c, deadline_ns);

	return ret > 0 ? 0 : ret < 0 ? ret : -EPIPE;
}

/* One of them more: what OpenSSL has to say goes out, what it waits for is waited for. */
static enum sl_tls_end step(struct sl_tls *t, uint64_t deadline_ns, char why[SL_PEM_WHY_BYTES],
			    bool *ret_is_over)
{
	int done, wanted, ret;

	ERR_clear_error();
	done = SSL_do_handshake(t->ssl);
	wanted = SSL_get_error(t->ssl, done);
	*ret_is_over = wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE;
	if (wanted == SSL_ERROR_SSL || wanted == SSL_ERROR_SYSCALL)
		sl_tls_take_error(why);
	ret = flush(t, deadline_ns, false);
	if (*ret_is_over && done != 1)
		return SL_TLS_REFUSED;
	if (ret == 0 && wanted == SSL_ERROR_WANT_READ)
		ret = wait_more(t->conn, deadline_ns);
	if (ret == 0)
		return SL_TLS_DONE;
	*ret_is_over = true;
	return end_of(ret);
}

/* A step costs as much as twenty requests (measured: 0.25 ms): a burst of handshakes lets the
 * requests of a turn go first, and those of the next. */
static void wait_turn(struct sl_tls *t)
{
	struct sl_tls_blocks *b = t->blocks;
	struct sl_loop *loop = t->conn->loop;

	while (b->turn == loop->turns && b->steps == STEPS_A_TURN)
		sl_fiber_yield(loop);
	if (b->turn != loop->turns)
		b->steps = 0;
	b->turn = loop->turns;
	b->steps++;
}

static enum sl_tls_end shake_hands(struct sl_tls *t, uint64_t deadline_ns,
				   char why[SL_PEM_WHY_BYTES])
{
	enum sl_tls_end end = SL_TLS_DONE;
	bool is_over = false;

	while (!is_over) {
		wait_turn(t);
		end = step(t, deadline_ns, why, &is_over);
	}
	return end;
}

static void print_subject(const X509 *x, char *to, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, to, (int)size - 1);
	to[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

/* Once a connection: each of its requests tells it.  False without memory. */
static bool keep_client(struct sl_tls *t)
{
	const X509 *x = SSL_get0_peer_certificate(t->ssl);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!x)
		return true;
	t->client = calloc(1, sizeof(*t->client));
	if (!t->client || X509_digest(x, EVP_sha256(), digest, &len) != 1)
		return false;
	print_subject(x, t->client->subject, sizeof(t->client->subject));
	for (unsigned i = 0; i < len; i++)
		snprintf(t->client->fingerprint + (size_t)2 * i, 3, "%02x", digest[i]);
	return true;
}

/* A client that left meanwhile is not the kernel's fault. */
static enum sl_tls_end pass_all(struct sl_tls *t, uint64_t deadline_ns, char why[SL_PEM_WHY_BYTES])
{
	int ret = sl_tls_pass_all(t, deadline_ns);

	if (ret == 0)
		return SL_TLS_DONE;
	snprintf(why, SL_PEM_WHY_BYTES, "kernel_tls: %s", t->why_userspace);
	if (ret == -ECONNRESET || ret == -ENOTCONN || ret == -EPROTO)
		return SL_TLS_LEFT;
	return end_of(ret) == SL_TLS_LEFT ? SL_TLS_NO_KERNEL : end_of(ret);
}

enum sl_tls_end sl_tls_accept(struct sl_conn *c, struct sl_tls_server *server,
			      struct sl_tls_blocks *blocks, uint64_t deadline_ns,
			      struct sl_tls **ret_tls, char why[SL_PEM_WHY_BYTES])
{
	struct sl_tls *t = make(c, server, blocks);
	enum sl_tls_end end;

	ERR_clear_error();
	if (!t)
		return SL_TLS_NO_MEMORY;
	sl_tls_server_get(server);
	end = shake_hands(t, deadline_ns, why);
	ERR_clear_error();
	if (end == SL_TLS_DONE && !keep_client(t))
		end = SL_TLS_NO_MEMORY;
	if (end == SL_TLS_DONE && sl_tls_server_requires_kernel(server))
		end = pass_all(t, deadline_ns, why);
	sl_tls_server_put(server);
	if (end != SL_TLS_DONE) {
		sl_tls_free(t);
		return end;
	}
	sl_conn_put_layer(c, &t->layer);
	*ret_tls = t;
	return SL_TLS_DONE;
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
		.client = t->client,
		.is_resumed = SSL_session_reused(t->ssl),
	};
}

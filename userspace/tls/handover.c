// SPDX-License-Identifier: Apache-2.0
// A connection whose records the kernel seals, or seals and opens.
#include "tls/handover.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/ktls.h"

enum {
	/* What a client can have sent before we are done with its handshake: receive buffers that
	 * pile up, and the rest of the record that they end in. */
	EARLY_BYTES = 64 * 1024,
	KEPT_CHARGE = 1024, /* without OpenSSL's part */
	CONTROL_BYTES = 256,
	MESSAGE_CLIENT_HELLO = 1, /* RFC 8446 4 */
	MESSAGE_KEY_UPDATE = 24,
	SALT_BYTES = 4, /* RFC 5288 3 */
};

static struct sl_tls *tls_of(const struct sl_conn *c)
{
	return sl_container_of(c->layer, struct sl_tls, layer);
}

/* ---- keys ---- */

/* RFC 8446 B.4, RFC 5289 3, RFC 7905 2.  False: a cipher that no kernel has. */
static bool find_cipher(const SSL *ssl, enum sl_ktls_cipher *ret_cipher)
{
	switch (SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl))) {
	case 0x1301:
	case 0xc02b:
	case 0xc02f:
		*ret_cipher = SL_KTLS_AES128;
		return true;
	case 0x1302:
	case 0xc02c:
	case 0xc030:
		*ret_cipher = SL_KTLS_AES256;
		return true;
	case 0x1303:
	case 0xcca8:
	case 0xcca9:
		*ret_cipher = SL_KTLS_CHACHA20;
		return true;
	default:
		return false;
	}
}

/* NULL, or why the kernel cannot. */
static const char *find_obstacle(const struct sl_tls *t)
{
	enum sl_ktls_cipher cipher;

	if (!t->keys.secret_len && SSL_version(t->ssl) != TLS1_2_VERSION)
		return "its keys are not known";
	if (!find_cipher(t->ssl, &cipher) || !(t->ktls_ciphers & 1u << cipher))
		return "the kernel has not its cipher";
	return NULL;
}

/* RFC 5288 3: no nonce is used twice.  OpenSSL counts from a number of its own. */
static void put_next_nonce(const struct sl_tls *t, unsigned char to[8])
{
	memcpy(to, t->sealed.first, 8);
	for (int i = 7; i >= 0 && ++to[i] == 0; i--)
		;
}

static int hand_over(struct sl_tls *t, enum sl_ktls_way way)
{
	bool is_sent = way == SL_KTLS_SEALS;
	struct sl_ktls_keys keys = {
		.is_1_2 = SSL_version(t->ssl) == TLS1_2_VERSION,
		.record = is_sent ? t->keys.sent.records : t->keys.came.records,
	};
	unsigned key_len;
	int ret = -EOPNOTSUPP;

	if (!find_cipher(t->ssl, &keys.cipher))
		return ret;
	key_len = keys.cipher == SL_KTLS_AES128 ? 16 : 32;
	if (keys.is_1_2 && is_sent)
		put_next_nonce(t, keys.iv + SALT_BYTES);
	if (sl_tls_keys_derive(&t->keys, t->ssl, is_sent, keys.key, key_len, keys.iv))
		ret = sl_ktls_hand_over(t->conn->fd, way, &keys);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return ret;
}

/* A KeyUpdate that asks for another one: OpenSSL answers it with what it seals next, or has. */
static bool owes_new_keys(const struct sl_tls *t)
{
	return SSL_get_key_update_type(t->ssl) != SSL_KEY_UPDATE_NONE;
}

/* ---- sealing ---- */

static int start_sealing(struct sl_tls *t)
{
	int ret;

	t->why_userspace = find_obstacle(t);
	if (t->why_userspace)
		return -EOPNOTSUPP;
	ret = sl_ktls_start(t->conn->fd);
	if (ret == 0)
		ret = hand_over(t, SL_KTLS_SEALS);
	if (ret < 0)
		t->why_userspace = sl_ktls_reason(ret);
	else
		t->layer.passes_out = true;
	t->keys.alert[0] = 0; /* of before */
	return ret;
}

/* Tried once a connection: what was in the way will be so again. */
int sl_tls_pass_out(struct sl_conn *c, uint64_t deadline_ns)
{
	struct sl_tls *t = tls_of(c);
	int ret;

	if (!t->ktls_ciphers || t->is_sending || t->has_said_end || owes_new_keys(t))
		return -EOPNOTSUPP;
	if (t->is_broken || t->is_mute)
		return -EPIPE;
	ret = sl_tls_flush(t, deadline_ns);
	if (ret < 0)
		return ret;
	if (start_sealing(t) == 0)
		return 0;
	t->ktls_ciphers = 0;
	sl_tls_keys_forget(&t->keys);
	return -EOPNOTSUPP;
}

/* ---- opening ---- */

static int wait_input(struct sl_conn *c, uint64_t deadline_ns)
{
	struct sl_wait w;
	int ret;

	sl_wait_init(&w, c->loop);
	sl_ring_poll(c->loop, &w.op, c->fd, POLLIN);
	ret = sl_wait_for(&w, deadline_ns);
	return ret < 0 ? ret : 0;
}

/* 1: a part of a record is still to come; 0: all is opened. */
static int open_early(struct sl_tls *t)
{
	struct sl_layer *l = &t->layer;
	int n;

	while ((n = SSL_read(t->ssl, l->plain + l->end, (int)(EARLY_BYTES - l->end))) > 0) {
		l->end += (uint32_t)n;
		if (l->end == EARLY_BYTES)
			return -E2BIG;
	}
	switch (SSL_get_error(t->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return t->opened.at > 0;
	case SSL_ERROR_ZERO_RETURN:
		t->has_heard_end = true;
		return 0;
	default:
		t->is_broken = true;
		ERR_clear_error();
		sl_tls_say_instead(t);
		return -EPROTO;
	}
}

/* What was received is opened here, and so is the rest of the record that it ends in: the kernel
 * begins with a record, and is told its number. */
static int catch_up(struct sl_tls *t, uint64_t deadline_ns)
{
	struct sl_conn *c = t->conn;
	int ret;

	if (!sl_budget_take(t->blocks->budget, EARLY_BYTES))
		return -ENOMEM;
	t->layer.plain = t->early = malloc(EARLY_BYTES);
	if (!t->early) {
		sl_budget_give(t->blocks->budget, EARLY_BYTES);
		return -ENOMEM;
	}
	t->reads_socket = true;
	while ((ret = open_early(t)) > 0) {
		if (c->eof || c->rx_error)
			return -ECONNRESET;
		ret = wait_input(c, deadline_ns);
		if (ret < 0)
			return ret;
	}
	return ret;
}

void sl_tls_early_free(struct sl_tls *t)
{
	if (!t->early)
		return;
	free(t->early);
	t->early = NULL;
	sl_budget_give(t->blocks->budget, EARLY_BYTES);
}

/* What there is of it now is what the reader sees; an end counts as one if it was said. */
static void settle_early(struct sl_tls *t)
{
	struct sl_conn *c = t->conn;

	if (t->layer.end == 0) {
		sl_tls_early_free(t);
		t->layer.plain = NULL;
	}
	if (c->eof && !t->has_heard_end)
		c->rx_error = -ECONNRESET;
	c->eof = t->has_heard_end;
}

static int start_opening(struct sl_tls *t, uint64_t deadline_ns)
{
	int ret = sl_conn_disarm(t->conn, deadline_ns);

	if (ret == 0 && t->conn->rx_first != SL_BUF_NONE)
		ret = catch_up(t, deadline_ns);
	if (ret < 0)
		return ret;
	settle_early(t);
	if (t->keys.is_changed || owes_new_keys(t))
		return -EOPNOTSUPP; /* that fast nobody needs new keys */
	ret = hand_over(t, SL_KTLS_OPENS);
	t->layer.passes_in = ret == 0;
	return ret;
}

/* What is asked of it later is kept. */
static int drop_ssl(struct sl_tls *t)
{
	const char *name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
	struct sl_tls_facts facts;

	if (name) {
		t->name = strdup(name);
		if (!t->name)
			return -ENOMEM;
	}
	sl_tls_describe(t, &facts);
	facts.name = t->name ? sl_str_of(t->name) : (struct sl_str){ NULL, 0 };
	t->facts = facts;
	t->is_1_2 = SSL_version(t->ssl) == TLS1_2_VERSION;
	SSL_free(t->ssl);
	t->ssl = NULL;
	sl_tls_keys_forget(&t->keys);
	sl_budget_give(t->blocks->budget, SL_TLS_CHARGE - KEPT_CHARGE);
	t->charge = KEPT_CHARGE;
	return 0;
}

int sl_tls_pass_all(struct sl_tls *t, uint64_t deadline_ns)
{
	int ret = start_sealing(t);

	if (ret < 0)
		return ret;
	ret = start_opening(t, deadline_ns);
	if (ret == 0)
		ret = drop_ssl(t);
	if (ret < 0)
		t->why_userspace =
			ret == -E2BIG ? "too much came with the handshake" : sl_ktls_reason(ret);
	return ret;
}

/* ---- what is no data ---- */

static void on_alert(struct sl_conn *c, const unsigned char *bytes, ssize_t len)
{
	if (len != 2)
		c->rx_error = -EPROTO;
	else if (bytes[1] == SL_ALERT_CLOSE_NOTIFY)
		c->eof = true;
	else if (bytes[1] != SL_ALERT_USER_CANCELED) /* close_notify follows (RFC 8446 6.1) */
		c->rx_error = -ECONNRESET;
}

/* The kernel's word for it stands in the way of the alert until it was asked for. */
static void break_off(struct sl_conn *c, int alert, int error)
{
	int pending = 0;
	socklen_t len = sizeof(pending);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &pending, &len);
	sl_ktls_send_alert(c->fd, SL_ALERT_FATAL, alert);
	tls_of(c)->is_broken = true;
	c->rx_error = (int16_t)error;
}

static void on_control(struct sl_conn *c)
{
	unsigned char bytes[CONTROL_BYTES];
	int type = SL_RECORD_DATA;
	ssize_t n = sl_ktls_receive(c->fd, bytes, sizeof(bytes), &type);

	if (n < 0)
		c->rx_error = (int16_t)n;
	else if (type == SL_RECORD_ALERT)
		on_alert(c, bytes, n);
	else if (type == SL_RECORD_HANDSHAKE && n > 0 && bytes[0] == MESSAGE_CLIENT_HELLO &&
		 tls_of(c)->is_1_2)
		sl_ktls_send_alert(c->fd, SL_ALERT_WARNING, SL_ALERT_NO_RENEGOTIATION);
	else if (type == SL_RECORD_HANDSHAKE && n > 0 && bytes[0] == MESSAGE_KEY_UPDATE &&
		 !tls_of(c)->is_1_2)
		c->eof = true; /* no kernel that we know takes on new keys: what is begun is
				  finished, and then it ends, in good order */
	else
		break_off(c, SL_ALERT_UNEXPECTED_MESSAGE, -EPROTO);
}

void sl_tls_on_odd(struct sl_conn *c, int error)
{
	switch (error) {
	case -EIO: /* a record that is no data waits to be asked for */
		on_control(c);
		break;
	case -EBADMSG:
		break_off(c, SL_ALERT_BAD_RECORD_MAC, error);
		break;
	case -EMSGSIZE:
		break_off(c, SL_ALERT_RECORD_OVERFLOW, error);
		break;
	default:
		c->rx_error = (int16_t)error;
	}
}

void sl_tls_say_instead(struct sl_tls *t)
{
	sl_tls_drop_out(t);
	if (t->keys.alert[0])
		sl_ktls_send_alert(t->conn->fd, t->keys.alert[0], t->keys.alert[1]);
	t->keys.alert[0] = 0;
	if (t->keys.is_changed || owes_new_keys(t))
		t->conn->eof = true; /* see on_control() */
}

static int wait_output(struct sl_conn *c, uint64_t deadline_ns)
{
	struct sl_wait w;

	sl_wait_init(&w, c->loop);
	sl_ring_poll(c->loop, &w.op, c->fd, POLLOUT);
	return sl_wait_for(&w, deadline_ns);
}

void sl_tls_end_by_kernel(struct sl_tls *t, bool may_wait)
{
	struct sl_conn *c = t->conn;
	uint64_t deadline_ns = c->loop->now_ns + SL_SEC;
	int ret;

	if (t->has_said_end || t->is_broken)
		return;
	t->has_said_end = true;
	do
		ret = sl_ktls_send_alert(c->fd, SL_ALERT_WARNING, SL_ALERT_CLOSE_NOTIFY);
	while (ret == -EAGAIN && may_wait && wait_output(c, deadline_ns) >= 0);
}

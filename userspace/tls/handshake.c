// SPDX-License-Identifier: Apache-2.0
// From the first byte of a connection to the end of its handshake.
#include "tls/handshake.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tls/error.h"
#include "tls/greeting.h"
#include "tls/handover.h"
#include "tls/sessions.h"

enum { STEPS_A_TURN = 4 };

static int wait_more(struct sl_conn *c, uint64_t deadline_ns)
{
	int ret = sl_conn_wait_data(c, deadline_ns);

	return ret > 0 ? 0 : ret < 0 ? ret : -EPIPE;
}

/* A server has only a ticket to send after the last step of TLS 1.3, for which nobody waits.  If
 * the request is here already it goes with its answer. */
static bool is_answer_near(const struct sl_tls *t, int done)
{
	return done == 1 && SSL_is_server(t->ssl) && sl_conn_has_data(t->conn) &&
	       SSL_version(t->ssl) == TLS1_3_VERSION;
}

/* One of them more: what OpenSSL has to say goes out, what it waits for is waited for.  0 when it
 * is done, -EAGAIN when it goes on. */
static int step(struct sl_tls *t, uint64_t deadline_ns, char why[SL_PEM_WHY_BYTES])
{
	int done, wanted, failed = 0, ret;

	ERR_clear_error();
	done = SSL_do_handshake(t->ssl);
	wanted = SSL_get_error(t->ssl, done);
	if (done != 1 && wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) {
		failed = sl_tls_error_of(t->ssl);
		sl_tls_take_error(why);
	}
	ret = is_answer_near(t, done) ? 0 : sl_tls_flush(t, deadline_ns);
	if (failed)
		return failed;
	if (ret == 0 && wanted == SSL_ERROR_WANT_READ)
		ret = wait_more(t->conn, deadline_ns);
	if (ret < 0)
		return ret;
	return done == 1 ? 0 : -EAGAIN;
}

/* A step costs as much as ten requests or more (measured: 0.06 to 0.2 ms), and a burst of them
 * would make all others wait.  So a turn of the loop has few, and who comes later waits in line;
 * while there is a line the loop looks for news between its turns, and never sleeps. */
struct waiter {
	struct sl_list node;
	struct sl_fiber *fiber;
	bool is_called;
};

void sl_tls_turn(struct sl_tls_blocks *b, struct sl_loop *loop)
{
	struct sl_list *node;

	for (b->steps = 0; b->steps < STEPS_A_TURN; b->steps++) {
		struct waiter *w;

		node = sl_list_pop_front(&b->waiting);
		if (!node)
			return;
		w = sl_container_of(node, struct waiter, node);
		w->is_called = true;
		sl_fiber_wake(loop, w->fiber);
	}
}

static int stand_in_line(struct sl_tls *t, uint64_t deadline_ns)
{
	struct sl_loop *loop = t->conn->loop;
	struct waiter w = { .fiber = sl_fiber_self(loop) };
	int ret = 0;

	sl_list_push_back(&t->blocks->waiting, &w.node);
	while (ret == 0 && !w.is_called) {
		sl_fiber_park(loop, deadline_ns);
		if (sl_fiber_is_cancelled(w.fiber))
			ret = -ECANCELED;
		else if (!w.is_called && loop->now_ns >= deadline_ns)
			ret = -ETIMEDOUT;
	}
	sl_list_del(&w.node);
	return ret;
}

static int wait_turn(struct sl_tls *t, uint64_t deadline_ns)
{
	struct sl_tls_blocks *b = t->blocks;

	if (!sl_list_is_empty(&b->waiting) || b->steps == STEPS_A_TURN)
		return stand_in_line(t, deadline_ns);
	b->steps++;
	return 0;
}

static int shake_hands(struct sl_tls *t, uint64_t deadline_ns, char why[SL_PEM_WHY_BYTES])
{
	int ret;

	do {
		ret = wait_turn(t, deadline_ns);
		if (ret == 0)
			ret = step(t, deadline_ns, why);
	} while (ret == -EAGAIN);
	ERR_clear_error();
	return ret;
}

/* ---- the server's side ---- */

static enum sl_tls_end end_of(int error)
{
	switch (error) {
	case 0:
		return SL_TLS_DONE;
	case -ETIMEDOUT:
		return SL_TLS_TOO_SLOW;
	case -ECANCELED:
		return SL_TLS_CANCELLED;
	case -ENOMEM:
		return SL_TLS_NO_MEMORY;
	default:
		return sl_tls_is_error(error) ? SL_TLS_REFUSED : SL_TLS_LEFT;
	}
}

/* Once a connection: each of its requests tells it.  False without memory. */
static bool keep_client(struct sl_tls *t)
{
	X509 *x = SSL_get0_peer_certificate(t->ssl);

	if (x)
		t->client = sl_tls_client_new(x);
	return !x || t->client;
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

/* ---- at the door ---- */

/* A fatal one, before there are keys (RFC 8446 6).  What speaks nothing newer than TLS 1.1 gets it
 * in a record that it knows. */
static void send_alert(struct sl_conn *c, const struct sl_tls_hello *h, enum sl_tls_end end)
{
	static const unsigned char number[] = {
		[SL_TLS_MALFORMED] = SSL_AD_DECODE_ERROR,
		[SL_TLS_BAD_VERSION] = SSL_AD_PROTOCOL_VERSION,
		[SL_TLS_BAD_NAME] = SSL_AD_UNRECOGNIZED_NAME,
		[SL_TLS_BAD_JA4] = SSL_AD_ACCESS_DENIED,
	};
	bool is_old = h && h->version < TLS1_2_VERSION;
	const unsigned char alert[] = {
		SSL3_RT_ALERT, 3, is_old ? 1 : 3, 0, 2, SSL3_AL_FATAL, number[end],
	};

	sl_conn_raw_send(c, alert, sizeof(alert), c->loop->now_ns + SL_SEC);
}

static enum sl_tls_end refuse(struct sl_conn *c, const struct sl_tls_hello *h, enum sl_tls_end end,
			      char why[SL_PEM_WHY_BYTES])
{
	static const char *const words[] = {
		[SL_TLS_MALFORMED] = "not a ClientHello",
		[SL_TLS_BAD_VERSION] = "no version in common",
		[SL_TLS_BAD_NAME] = "tls.unknown_names",
		[SL_TLS_BAD_JA4] = "tls.deny_ja4",
	};

	strcpy(why, words[end]);
	send_alert(c, h, end);
	return end;
}

static enum sl_tls_end judge(struct sl_conn *c, const struct sl_tls_door *door,
			     const struct sl_tls_hello *h, char ja4[SL_JA4_LEN + 1],
			     char why[SL_PEM_WHY_BYTES])
{
	const struct sl_tls_judge *j = sl_tls_server_judge(door->server);

	ja4[0] = '\0';
	if (door->notes_ja4 || j->denied_nr)
		sl_ja4_print(h, ja4);
	switch (sl_tls_judge_hello(j, h, ja4)) {
	case SL_TLS_WELCOME:
		return SL_TLS_DONE;
	case SL_TLS_NO_VERSION:
		return refuse(c, h, SL_TLS_BAD_VERSION, why);
	case SL_TLS_UNKNOWN_NAME:
		return refuse(c, h, SL_TLS_BAD_NAME, why);
	case SL_TLS_DENIED_JA4:
		return refuse(c, h, SL_TLS_BAD_JA4, why);
	}
	return SL_TLS_DONE;
}

/* Takes over the greeting's block, whatever becomes of it. */
static enum sl_tls_end begin(struct sl_conn *c, const struct sl_tls_door *door,
			     struct sl_tls_greeting *g, struct sl_tls **ret_tls,
			     char why[SL_PEM_WHY_BYTES])
{
	char ja4[SL_JA4_LEN + 1];
	enum sl_tls_end end = judge(c, door, &g->hello, ja4, why);
	struct sl_tls *t = end == SL_TLS_DONE
				   ? sl_tls_new(c, sl_tls_server_begin(door->server), door->blocks)
				   : NULL;

	if (!t) {
		sl_tls_block_put(door->blocks, g->block);
		return end == SL_TLS_DONE ? SL_TLS_NO_MEMORY : end;
	}
	SSL_set_accept_state(t->ssl);
	t->ktls_ciphers = sl_tls_server_ktls(door->server);
	if (t->ktls_ciphers)
		sl_tls_keys_watch(&t->keys, t->ssl);
	memcpy(t->ja4, ja4, sizeof(ja4));
	t->in = g->block;
	t->in_end = g->len;
	*ret_tls = t;
	return SL_TLS_DONE;
}

static enum sl_tls_end meet(struct sl_conn *c, const struct sl_tls_door *door,
			    struct sl_tls **ret_tls, char why[SL_PEM_WHY_BYTES])
{
	struct sl_tls_greeting g;
	int ret = sl_tls_greeting_wait(&g, c, door->blocks, door->deadline_ns);

	if (ret == -EBADMSG || ret == -EMSGSIZE)
		return refuse(c, NULL, SL_TLS_MALFORMED, why);
	return ret < 0 ? end_of(ret) : begin(c, door, &g, ret_tls, why);
}

static enum sl_tls_end complete(struct sl_tls *t, const struct sl_tls_door *door,
				char why[SL_PEM_WHY_BYTES])
{
	enum sl_tls_end end = end_of(shake_hands(t, door->deadline_ns, why));

	if (end == SL_TLS_DONE && !keep_client(t))
		end = SL_TLS_NO_MEMORY;
	if (end == SL_TLS_DONE && sl_tls_server_requires_kernel(door->server))
		end = pass_all(t, door->deadline_ns, why);
	return end;
}

enum sl_tls_end sl_tls_accept(struct sl_conn *c, const struct sl_tls_door *door,
			      struct sl_tls **ret_tls, char why[SL_PEM_WHY_BYTES])
{
	struct sl_tls *t = NULL;
	enum sl_tls_end end;

	sl_tls_server_get(door->server);
	end = meet(c, door, &t, why);
	if (end == SL_TLS_DONE)
		end = complete(t, door, why);
	sl_tls_server_put(door->server);
	if (end != SL_TLS_DONE) {
		sl_tls_free(t);
		return end;
	}
	sl_conn_put_layer(c, &t->layer);
	*ret_tls = t;
	return SL_TLS_DONE;
}

/* ---- the client's side ---- */

static void go_on_with(struct sl_tls *t, struct sl_tls_sessions *sessions)
{
	SSL_SESSION *session;

	t->sessions = sessions;
	SSL_set_app_data(t->ssl, t);
	session = sl_tls_sessions_take(sessions, time(NULL));
	if (session)
		SSL_set_session(t->ssl, session);
	SSL_SESSION_free(session);
}

int sl_tls_connect(struct sl_conn *c, const struct sl_tls_opening *how, struct sl_tls **ret_tls)
{
	struct sl_tls *t = sl_tls_new(c, sl_tls_origin_begin(how->origin, how->name), how->blocks);
	char why[SL_PEM_WHY_BYTES];
	int ret;

	if (!t)
		return -ENOMEM;
	SSL_set_connect_state(t->ssl);
	go_on_with(t, how->sessions);
	ret = shake_hands(t, how->deadline_ns, why);
	if (ret < 0) {
		/* One that its target chokes on must not be tried again. */
		sl_tls_sessions_clear(how->sessions);
		sl_tls_free(t);
		return ret;
	}
	sl_conn_put_layer(c, &t->layer);
	*ret_tls = t;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// From the first byte of a connection to the end of its handshake.
#include "tls/handshake.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tls/error.h"
#include "tls/handover.h"
#include "tls/sessions.h"

enum { STEPS_A_TURN = 4 };

static int wait_more(struct sl_conn *c, uint64_t deadline_ns)
{
	int ret = sl_conn_wait_data(c, deadline_ns);

	return ret > 0 ? 0 : ret < 0 ? ret : -EPIPE;
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
	ret = sl_tls_flush(t, deadline_ns);
	if (failed)
		return failed;
	if (ret == 0 && wanted == SSL_ERROR_WANT_READ)
		ret = wait_more(t->conn, deadline_ns);
	if (ret < 0)
		return ret;
	return done == 1 ? 0 : -EAGAIN;
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

static int shake_hands(struct sl_tls *t, uint64_t deadline_ns, char why[SL_PEM_WHY_BYTES])
{
	int ret;

	do {
		wait_turn(t);
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

enum sl_tls_end sl_tls_accept(struct sl_conn *c, struct sl_tls_server *server,
			      struct sl_tls_blocks *blocks, uint64_t deadline_ns,
			      struct sl_tls **ret_tls, char why[SL_PEM_WHY_BYTES])
{
	struct sl_tls *t = sl_tls_new(c, sl_tls_server_begin(server), blocks);
	enum sl_tls_end end;

	if (!t)
		return SL_TLS_NO_MEMORY;
	SSL_set_accept_state(t->ssl);
	t->ktls_ciphers = sl_tls_server_ktls(server);
	if (t->ktls_ciphers)
		sl_tls_keys_watch(&t->keys, t->ssl);
	sl_tls_server_get(server);
	end = end_of(shake_hands(t, deadline_ns, why));
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

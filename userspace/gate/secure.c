// SPDX-License-Identifier: Apache-2.0
// The TLS handshake of a client's connection, and who gets none.
#include "gate/secure.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/admit.h"
#include "tls/conf.h"
#include "tls/handshake.h"

enum { RECORD_HANDSHAKE = 22 /* RFC 8446 5.1 */ };

static void tell(const struct sl_client *c, const char *why)
{
	sl_log_debug("tls.failed", "listener=%s reason=\"%s\"", c->acceptor->conf->name, why);
}

/* A method, and not a handshake: somebody wrote http:// for https://. */
static bool is_plain_http(struct sl_str in)
{
	return in.ptr[0] >= 'A' && in.ptr[0] <= 'Z';
}

static int refuse_plain(struct sl_client *c)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
				     "Content-Length: 50\r\nConnection: close\r\n\r\n"
				     "A plain HTTP request was sent to an HTTPS address\n";

	sl_count(&c->worker->stats->tls_plain, 1);
	tell(c, "a plain HTTP request");
	c->lingers = true;
	sl_conn_send(&c->conn, answer, sizeof(answer) - 1, c->conn.loop->now_ns + SL_SEC);
	return -EPROTO;
}

static int refuse_garbage(struct sl_client *c)
{
	sl_count(&c->worker->stats->tls_malformed, 1);
	tell(c, "not a handshake");
	sl_admit_refused(c, "tls_malformed");
	return -EPROTO;
}

static void count_done(const struct sl_client *c)
{
	struct sl_stats *s = c->worker->stats;
	struct sl_tls_facts facts;

	sl_tls_describe(c->tls, &facts);
	sl_count(facts.is_resumed ? &s->tls_resumed : &s->tls_handshakes, 1);
	if (c->tls->layer.passes_in)
		sl_count(&s->tls_kernel_both, 1);
	sl_count(sl_str_eq(facts.version, SL_S("TLSv1.3")) ? &s->tls_1_3 : &s->tls_1_2, 1);
}

/* Where it is counted, and whether it is held against the client: what OpenSSL refuses may be a
 * matter of taste, such as ciphers. */
struct failure {
	uint64_t *count;
	const char *offence; /* NULL: it is not */
	bool was_told;	     /* by an alert, which could be lost if we closed at once */
};

static struct failure failure_of(struct sl_stats *s, enum sl_tls_end end)
{
	switch (end) {
	case SL_TLS_MALFORMED:
		return (struct failure){ &s->tls_malformed, "tls_malformed", true };
	case SL_TLS_BAD_VERSION:
		return (struct failure){ &s->tls_bad_version, "tls_version", true };
	case SL_TLS_BAD_NAME:
		return (struct failure){ &s->tls_bad_name, "tls_name", true };
	case SL_TLS_BAD_JA4:
		return (struct failure){ &s->tls_bad_ja4, "tls_ja4", true };
	case SL_TLS_REFUSED:
		return (struct failure){ &s->tls_refused, NULL, true };
	case SL_TLS_TOO_SLOW:
		return (struct failure){ &s->tls_slow, NULL, false };
	case SL_TLS_NO_MEMORY:
		return (struct failure){ &s->tls_no_memory, NULL, false };
	case SL_TLS_NO_KERNEL:
		return (struct failure){ &s->tls_no_kernel, NULL, false };
	default:
		return (struct failure){ &s->tls_left, NULL, false };
	}
}

static int fail(struct sl_client *c, enum sl_tls_end end, const char *why)
{
	struct failure f = failure_of(c->worker->stats, end);

	sl_count(f.count, 1);
	tell(c, end == SL_TLS_TOO_SLOW ? "tls.handshake_timeout" : why);
	c->lingers = f.was_told;
	if (f.offence && sl_admit_refused(c, f.offence))
		c->lingers = false;
	return -EPROTO;
}

/* ---- how many at once ---- */

/* What one that is in progress counts in: a reload may change what is limited. */
struct place {
	bool in_all, of_client;
};

static void leave(struct sl_client *c, struct place place)
{
	struct sl_shared *shared = c->worker->shared;

	if (place.in_all)
		atomic_fetch_sub_explicit(&shared->handshakes, 1, memory_order_relaxed);
	if (place.of_client)
		sl_tally_leave(shared->handshake_tally, &c->ip);
	sl_uncount(&c->worker->stats->tls_active, 1);
}

/* NULL, or the limit that is reached. */
static const char *enter(struct sl_client *c, struct place *place)
{
	const struct sl_limits *l = &c->worker->view->rules->limits;
	struct sl_shared *shared = c->worker->shared;
	const char *limit = NULL;

	*place = (struct place){ .in_all = l->handshakes > 0 };
	sl_count(&c->worker->stats->tls_active, 1);
	if (place->in_all && atomic_fetch_add_explicit(&shared->handshakes, 1,
						       memory_order_relaxed) >= l->handshakes) {
		limit = "limits.handshakes";
	} else if (l->client_handshakes) {
		place->of_client =
			sl_tally_enter(shared->handshake_tally, &c->ip, l->client_handshakes);
		limit = place->of_client ? NULL : "limits.client_handshakes";
	}
	if (limit)
		leave(c, *place);
	return limit;
}

/* Without a word: an alert for each would be work, too. */
static int refuse_one_more(struct sl_client *c, const char *limit)
{
	sl_count(&c->worker->stats->tls_limit, 1);
	tell(c, limit);
	return -EUSERS;
}

static int shake_hands(struct sl_client *c, const struct sl_tls_conf *conf)
{
	struct sl_worker *w = c->worker;
	const struct sl_tls_door door = {
		.server = conf->server,
		.blocks = &w->tls_blocks,
		.deadline_ns = sl_deadline(w->loop.now_ns, conf->handshake_timeout_ns),
		.notes_ja4 = conf->ja4 || w->view->rules->logs.access_format.has_ja4,
	};
	char why[SL_PEM_WHY_BYTES] = "";
	struct place place;
	const char *limit = enter(c, &place);
	enum sl_tls_end end;

	if (limit)
		return refuse_one_more(c, limit);
	end = sl_tls_accept(&c->conn, &door, &c->tls, why);
	leave(c, place);
	if (end != SL_TLS_DONE)
		return fail(c, end, why);
	count_done(c);
	return 0;
}

int sl_secure_client(struct sl_client *c)
{
	const struct sl_tls_conf *conf = c->acceptor->conf->tls;
	struct sl_str in;

	if (!c->wants_tls)
		return 0;
	in = sl_conn_peek(&c->conn);
	if (in.len == 0)
		return 0;
	c->wants_tls = false;
	if (!conf) /* since it connected, the listener has become a plain one */
		return -EPROTO;
	if (in.ptr[0] == RECORD_HANDSHAKE)
		return shake_hands(c, conf);
	return is_plain_http(in) ? refuse_plain(c) : refuse_garbage(c);
}

int sl_secure_pass_out(struct sl_client *c, struct sl_conn *to, uint64_t deadline_ns)
{
	struct sl_stats *s = c->worker->stats;
	bool was_tried;
	int ret;

	if (!sl_layer_seals(to->layer))
		return 0;
	was_tried = c->tls->why_userspace != NULL;
	ret = sl_conn_pass_out(to, deadline_ns);
	if (ret == 0)
		sl_count(&s->tls_kernel_sent, 1);
	else if (c->tls->why_userspace && !was_tried)
		sl_count(&s->tls_kernel_none, 1);
	return ret;
}

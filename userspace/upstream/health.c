// SPDX-License-Identifier: Apache-2.0
// Active health checks: a timer a target, and a fiber while a check runs.
#include "upstream/health.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/out.h"
#include "http1/head.h"
#include "tls/records.h"
#include "upstream/failure.h"
#include "upstream/secure.h"

enum {
	HEAD_BYTES = 8192, /* of an answer; a larger one fails the check */
	FIELDS_MAX = 100,
	REQUEST_BYTES = 2048, /* path and host are at most 1024 and 256 */
	PREAMBLE_BYTES = 64,
	REASON_BYTES = 96,
	INTERIM_MAX = 4,
	FIRST_WITHIN_MS = 200, /* the first checks, spread so that they do not all leave at once */
};

struct check {
	struct sl_checker *checker;
	const struct sl_upstream_conf *conf;
	const struct sl_target *whose;
	const struct sl_target_conf *target;
	struct sl_target_shared *shared;
	struct sl_timer timer;
	struct sl_conn conn;
	struct sl_tls *tls;	/* on conn; NULL: none */
	struct sl_fiber *fiber; /* NULL between checks */
	bool is_open;		/* conn is still the kernel's */
	uint32_t streak;
};

struct sl_checker {
	struct sl_pool *pool;
	struct check *checks;
	unsigned nr;
	bool is_stopping;
};

/* ---- results ---- */

static void become_unhealthy(const struct sl_upstream_conf *conf,
			     const struct sl_target_conf *target, struct sl_target_shared *shared,
			     const char *reason)
{
	atomic_fetch_or(&shared->out, SL_OUT_UNHEALTHY);
	sl_log_warn("upstream.unhealthy", "upstream=%s target=%s checks=%u reason=\"%s\"",
		    conf->name, target->name, conf->health.unhealthy_after, reason);
}

static void become_healthy(const struct sl_upstream_conf *conf, const struct sl_target_conf *target,
			   struct sl_target_shared *shared, uint64_t now_ns)
{
	atomic_store(&shared->slow_since_ns, now_ns);
	atomic_fetch_and(&shared->out, ~(uint32_t)SL_OUT_UNHEALTHY);
	sl_log_info("upstream.healthy", "upstream=%s target=%s checks=%u", conf->name, target->name,
		    conf->health.healthy_after);
}

void sl_health_settle(const struct sl_upstream_conf *conf, const struct sl_target_conf *target,
		      struct sl_target_shared *shared, uint32_t *streak, bool has_passed,
		      const char *reason, uint64_t now_ns)
{
	bool is_healthy = !(atomic_load(&shared->out) & SL_OUT_UNHEALTHY);
	uint32_t enough = has_passed ? conf->health.healthy_after : conf->health.unhealthy_after;

	atomic_fetch_add(&shared->checks, 1);
	if (!has_passed)
		atomic_fetch_add(&shared->checks_failed, 1);
	*streak = has_passed == is_healthy ? 0 : *streak + 1;
	if (*streak < enough || has_passed == is_healthy)
		return;
	*streak = 0;
	if (has_passed)
		become_healthy(conf, target, shared, now_ns);
	else
		become_unhealthy(conf, target, shared, reason);
}

/* ---- one check ---- */

static void on_closed(struct sl_conn *conn)
{
	struct check *k = sl_container_of(conn, struct check, conn);

	k->is_open = false;
	sl_tls_free(k->tls);
	k->tls = NULL;
	sl_pool_leave(k->checker->pool);
}

static int open_conn(struct check *k, uint64_t deadline_ns)
{
	const struct sl_addr *addr = &k->target->address;
	struct sl_loop *loop = k->checker->pool->loop;
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	sl_conn_init(&k->conn, loop, fd);
	k->conn.on_closed = on_closed;
	k->conn.reader = sl_fiber_self(loop);
	k->is_open = true;
	k->checker->pool->peers_nr++;
	return sl_conn_connect(&k->conn, &addr->sa, addr->len, deadline_ns);
}

/* A target that wants to be told whom a connection is for takes these for "nobody": see "LOCAL" and
 * "UNKNOWN" in the PROXY protocol, 2.1 and 2.2. */
static void put_proxy_header(struct sl_out *o, enum sl_proxy_version version)
{
	if (version == SL_PROXY_V1)
		sl_out_lit(o, "PROXY UNKNOWN\r\n");
	else if (version == SL_PROXY_V2)
		sl_out_lit(o, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
}

/* Before the request, which is sealed already. */
static int secure(struct check *k, uint64_t deadline_ns)
{
	char mem[PREAMBLE_BYTES];
	struct sl_out o;
	int ret = 0;

	if (!k->conf->tls)
		return 0;
	sl_out_init(&o, mem, sizeof(mem));
	put_proxy_header(&o, k->conf->send_proxy);
	if (sl_out_len(&o))
		ret = sl_conn_send(&k->conn, mem, sl_out_len(&o), deadline_ns);
	return ret < 0 ? ret : sl_target_secure(&k->conn, k->whose, deadline_ns, &k->tls);
}

static int send_request(struct check *k, uint64_t deadline_ns)
{
	const struct sl_health_conf *health = &k->conf->health;
	char mem[REQUEST_BYTES];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	if (!k->tls)
		put_proxy_header(&o, k->conf->send_proxy);
	if (health->path.len) {
		sl_out_lit(&o, "GET ");
		sl_out_str(&o, health->path);
		sl_out_lit(&o, " HTTP/1.1\r\nHost: ");
		if (health->host.len)
			sl_out_str(&o, health->host);
		else if (k->target->address.sa.sa_family == AF_UNIX)
			sl_out_lit(&o, "localhost");
		else
			sl_out_str(&o, sl_str_of(k->target->text));
		sl_out_lit(&o, "\r\nUser-Agent: sluice-health-check\r\nConnection: close\r\n\r\n");
	}
	if (o.overflow)
		return -EMSGSIZE;
	return sl_out_len(&o) ? sl_conn_send(&k->conn, mem, sl_out_len(&o), deadline_ns) : 0;
}

/* More bytes of the answer behind mem[0..*len).  0 or a negative errno. */
static int receive_more(struct check *k, char *mem, size_t *len, uint64_t deadline_ns)
{
	struct sl_str in;
	size_t n;
	int ret = sl_conn_wait_data(&k->conn, deadline_ns);

	if (ret <= 0)
		return ret < 0 ? ret : -EPIPE;
	in = sl_conn_peek(&k->conn);
	n = in.len < HEAD_BYTES - *len ? in.len : HEAD_BYTES - *len;
	if (n == 0)
		return -EMSGSIZE;
	memcpy(mem + *len, in.ptr, n);
	*len += n;
	sl_conn_consume(&k->conn, n);
	return 0;
}

/* The final status, or a negative errno. */
static int receive_status(struct check *k, uint64_t deadline_ns)
{
	static const struct sl_head_limits limits = { 1024, HEAD_BYTES, FIELDS_MAX };
	struct sl_field fields[FIELDS_MAX];
	struct sl_head head = { .fields = fields };
	char mem[HEAD_BYTES];
	unsigned interim = 0;
	size_t len = 0;

	for (;;) {
		int ret = len ? sl_h1_response_parse(&head, mem, len, &limits, SL_METHOD_GET)
			      : -EAGAIN;

		if (ret > 0 && (head.status >= 200 || interim++ == INTERIM_MAX))
			return head.status;
		if (ret > 0) {
			len -= (size_t)ret;
			memmove(mem, mem + ret, len);
			continue;
		}
		if (ret == -EAGAIN)
			ret = receive_more(k, mem, &len, deadline_ns);
		if (ret < 0)
			return ret;
	}
}

static void explain(char *reason, const char *step, int error)
{
	struct sl_out o;

	sl_out_init(&o, reason, REASON_BYTES - 1);
	sl_out_fmt(&o, "%s: %s", step,
		   error == -EBADMSG	 ? "malformed"
		   : error == -EPIPE	 ? "connection closed"
		   : error == -EMSGSIZE	 ? "too large"
		   : error == -ETIMEDOUT ? "no answer in time"
					 : sl_failure_text(error));
	*o.pos = '\0';
}

/* 0, or a negative errno with the reason. */
static int ask(struct check *k, char *reason)
{
	const struct sl_health_conf *health = &k->conf->health;
	uint64_t deadline_ns = sl_deadline(k->checker->pool->loop->now_ns, health->timeout_ns);
	int ret = open_conn(k, deadline_ns);

	if (ret < 0) {
		explain(reason, "connect", ret);
		return ret;
	}
	ret = secure(k, deadline_ns);
	if (ret < 0) {
		explain(reason, "tls", ret);
		return ret;
	}
	ret = send_request(k, deadline_ns);
	if (ret < 0 || !health->path.len) {
		explain(reason, "request", ret);
		return ret;
	}
	ret = receive_status(k, deadline_ns);
	if (ret < 0) {
		explain(reason, "answer", ret);
		return ret;
	}
	snprintf(reason, REASON_BYTES, "status %d", ret);
	return ret >= health->status_first && ret <= health->status_last ? 0 : -EPROTO;
}

static bool is_our_own(int error)
{
	return error == -ECANCELED || sl_is_shortage(error);
}

/* A tenth more or less, so that gateways and targets do not fall into step. */
static void set_timer(struct check *k)
{
	struct sl_pool *pool = k->checker->pool;
	uint64_t ns = k->conf->health.interval_ns / 1000 * (900 + sl_pool_random(pool) % 201);

	if (!k->checker->is_stopping)
		sl_timer_set(&pool->loop->wheel, &k->timer, pool->loop->now_ns + ns);
}

static void run_check(void *arg)
{
	struct check *k = arg;
	struct sl_pool *pool = k->checker->pool;
	char reason[REASON_BYTES] = "";
	int ret = ask(k, reason);

	if (k->is_open)
		sl_conn_close(&k->conn);
	/* Its answer may have come before it was cancelled: who judges now is somebody else. */
	if (!is_our_own(ret) && !k->checker->is_stopping)
		sl_health_settle(k->conf, k->target, k->shared, &k->streak, ret == 0, reason,
				 pool->loop->now_ns);
	k->fiber = NULL;
	set_timer(k);
	sl_pool_leave(pool);
}

static void on_due(struct sl_timer *t)
{
	struct check *k = sl_container_of(t, struct check, timer);
	struct sl_pool *pool = k->checker->pool;
	bool is_wanted = !(atomic_load(&k->shared->out) & SL_OUT_DISABLED);

	/* The connection of the last check may still be closing.  Without memory for a fiber nobody
	 * is judged. */
	if (is_wanted && !k->is_open && sl_fiber_spawn(pool->loop, run_check, k, &k->fiber) == 0)
		pool->peers_nr++;
	else
		set_timer(k);
}

/* ---- all of them ---- */

static unsigned count_targets(const struct sl_pool *pool)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < pool->nr; i++)
		if (pool->upstreams[i].conf->health.interval_ns)
			nr += pool->upstreams[i].conf->targets_nr;
	return nr;
}

static void add_upstream(struct sl_checker *c, const struct sl_upstream *u)
{
	if (!u->conf->health.interval_ns)
		return;
	for (unsigned i = 0; i < u->conf->targets_nr; i++) {
		struct check *k = &c->checks[c->nr++];

		*k = (struct check){
			.checker = c,
			.conf = u->conf,
			.whose = &u->targets[i],
			.target = &u->conf->targets[i],
			.shared = u->targets[i].shared,
		};
		sl_timer_init(&k->timer, on_due);
	}
}

int sl_checker_new(struct sl_checker **ret_checker, struct sl_pool *pool)
{
	unsigned nr = count_targets(pool);
	struct sl_checker *c;

	*ret_checker = NULL;
	if (nr == 0)
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->pool = pool;
	c->checks = calloc(nr, sizeof(*c->checks));
	if (!c->checks) {
		free(c);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < pool->nr; i++)
		add_upstream(c, &pool->upstreams[i]);
	*ret_checker = c;
	return 0;
}

void sl_checker_start(struct sl_checker *c)
{
	struct sl_loop *loop;

	if (!c)
		return;
	loop = c->pool->loop;
	for (unsigned i = 0; i < c->nr; i++)
		sl_timer_set(&loop->wheel, &c->checks[i].timer,
			     loop->now_ns + sl_pool_random(c->pool) % (FIRST_WITHIN_MS * SL_MS));
}

void sl_checker_stop(struct sl_checker *c)
{
	if (!c || c->is_stopping)
		return;
	c->is_stopping = true;
	for (unsigned i = 0; i < c->nr; i++) {
		sl_timer_stop(&c->checks[i].timer);
		sl_fiber_cancel(c->pool->loop, c->checks[i].fiber);
	}
}

void sl_checker_free(struct sl_checker *c)
{
	if (!c)
		return;
	free(c->checks);
	free(c);
}

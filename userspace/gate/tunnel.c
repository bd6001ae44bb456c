// SPDX-License-Identifier: Apache-2.0
// After a 101: bytes both ways, each way by its own fiber.
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "gate/proxy.h"

/* One direction.  Both share last_ns: a quiet side does not end a tunnel whose other side is busy.
 */
struct pump {
	struct sl_exchange *x;
	struct sl_conn *from, *to;
	uint64_t *last_ns, *count;
	struct sl_fiber *waiter; /* woken at the end; NULL: nobody */
	bool is_over;
	int ret;
};

static int wait_bytes(struct pump *p)
{
	uint64_t idle_ns = p->x->rules->limits.idle_timeout_ns;
	int ret;

	for (;;) {
		ret = sl_conn_wait_data(p->from, sl_deadline(*p->last_ns, idle_ns));
		if (ret != -ETIMEDOUT || p->from->loop->now_ns >= sl_deadline(*p->last_ns, idle_ns))
			return ret;
	}
}

static int pump_bytes(struct pump *p)
{
	int ret;

	while ((ret = wait_bytes(p)) > 0) {
		struct sl_str in = sl_conn_peek(p->from);

		*p->last_ns = p->from->loop->now_ns;
		ret = sl_conn_send(p->to, in.ptr, in.len,
				   sl_deadline(*p->last_ns, p->x->rules->limits.send_timeout_ns));
		if (ret < 0)
			return ret;
		*p->count += in.len;
		*p->last_ns = p->from->loop->now_ns;
		sl_conn_consume(p->from, in.len);
	}
	if (ret == 0)
		sl_conn_shutdown_write(p->to); /* the other direction may go on */
	return ret;
}

/* The other direction sees both ends close, and ends too. */
static void end_both(const struct pump *p)
{
	shutdown(p->from->fd, SHUT_RDWR);
	shutdown(p->to->fd, SHUT_RDWR);
}

static void run_pump(void *arg)
{
	struct pump *p = arg;

	p->ret = pump_bytes(p);
	if (p->ret < 0)
		end_both(p);
	/* What still comes from this side must not wake a fiber that is gone. */
	if (p->waiter)
		p->from->reader = p->waiter;
	p->is_over = true;
	sl_fiber_wake(p->from->loop, p->waiter);
}

int sl_tunnel_run(struct sl_exchange *x)
{
	struct sl_conn *client = &x->client->conn, *peer = &x->peer->conn;
	struct sl_loop *loop = client->loop;
	struct sl_fiber *self = sl_fiber_self(loop);
	uint64_t last_ns = loop->now_ns;
	struct pump up = {
		.x = x,
		.from = client,
		.to = peer,
		.last_ns = &last_ns,
		.count = &x->bytes_received,
	};
	struct pump down = {
		.x = x,
		.from = peer,
		.to = client,
		.last_ns = &last_ns,
		.count = &x->bytes_sent,
		.waiter = self,
	};
	int ret;

	/* The head of the request stays: the log line at the end is made from it. */
	sl_conn_release(peer);
	ret = sl_fiber_spawn(loop, run_pump, &down, &peer->reader);
	if (ret < 0)
		return ret;
	sl_count(&x->worker->stats->tunnels, 1);
	run_pump(&up);
	while (!down.is_over) {
		if (sl_fiber_is_cancelled(self))
			end_both(&down);
		sl_fiber_park(loop, SL_NEVER);
	}
	peer->reader = NULL;
	return -ECONNABORTED; /* neither connection can carry anything else */
}

// SPDX-License-Identifier: Apache-2.0
// Metrics and health over HTTP: a few callers at a time, none of whom can hold up anybody.
#include "control/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/out.h"
#include "control/admin_answer.h"
#include "control/listeners.h"
#include "control/upgrade.h"

enum {
	CALLERS_MAX = 8, /* one more takes the place of the oldest */
	HEAD_MAX = 8192,
	FIELDS_MAX = 64,
	CALL_MS = 10000,  /* from the connection to the last byte */
	LINGER_MS = 1000, /* then until the caller closes */
	SHORTAGE_MS = 100,
};

enum caller_state { CALLER_NONE, CALLER_ASKS, CALLER_TAKES, CALLER_LINGERS };

struct caller {
	enum caller_state state;
	int fd;
	uint64_t since_ns, deadline_ns;
	size_t head_len, sent;
	struct sl_admin_answer answer;
	char head[HEAD_MAX];
};

struct sl_admin {
	struct sl_daemon *daemon;
	struct sl_listener_conf conf;
	int listen_fd, epoll_fd;
	struct caller callers[CALLERS_MAX];
};

/* ---- callers ---- */

static void end(struct caller *c)
{
	if (c->state == CALLER_NONE)
		return;
	close(c->fd);
	sl_admin_answer_fini(&c->answer);
	c->state = CALLER_NONE;
}

/* What is not read yet would turn our close into a reset, and the answer would be lost with it. */
static void linger(struct caller *c)
{
	shutdown(c->fd, SHUT_WR);
	c->state = CALLER_LINGERS;
	c->deadline_ns = sl_now_ns() + LINGER_MS * SL_MS;
}

static void send_answer(struct caller *c)
{
	const struct sl_admin_answer *a = &c->answer;
	ssize_t n = 0;

	while (c->sent < a->len) {
		n = send(c->fd, a->text + c->sent, a->len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	if (c->sent == a->len)
		linger(c);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		end(c);
}

/* Until the head is here, or cannot be one any more. */
static void read_head(struct sl_admin *a, struct caller *c)
{
	struct sl_field fields[FIELDS_MAX];
	const struct sl_head_limits limits = { HEAD_MAX / 2, HEAD_MAX, FIELDS_MAX };
	struct sl_head head = { .fields = fields };
	ssize_t n = recv(c->fd, c->head + c->head_len, HEAD_MAX - c->head_len, MSG_DONTWAIT);
	int ret;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(c);
		return;
	}
	c->head_len += (size_t)n;
	ret = sl_h1_request_parse(&head, c->head, c->head_len, &limits);
	if (ret == -EAGAIN && c->head_len < HEAD_MAX)
		return;
	if (ret < 0)
		ret = sl_admin_refuse(&c->answer, ret == -EAGAIN ? 431 : head.error_status,
				      ret == -EAGAIN ? "The head is too large." : head.error);
	else
		ret = sl_admin_make_answer(&c->answer, a->daemon, &head);
	if (ret < 0) {
		end(c);
		return;
	}
	c->state = CALLER_TAKES;
	send_answer(c);
}

static void drop_rest(struct caller *c)
{
	char mem[4096];
	ssize_t n = recv(c->fd, mem, sizeof(mem), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		end(c);
}

static void go_on(struct sl_admin *a, struct caller *c)
{
	switch (c->state) {
	case CALLER_ASKS:
		read_head(a, c);
		break;
	case CALLER_TAKES:
		send_answer(c);
		break;
	case CALLER_LINGERS:
		drop_rest(c);
		break;
	case CALLER_NONE:
		break;
	}
}

/* A free place, or that of whoever has been there for longest: a scraper is done in no time. */
static struct caller *make_place(struct sl_admin *a)
{
	struct caller *oldest = &a->callers[0];

	for (unsigned i = 0; i < CALLERS_MAX; i++) {
		struct caller *c = &a->callers[i];

		if (c->state == CALLER_NONE)
			return c;
		if (c->since_ns < oldest->since_ns)
			oldest = c;
	}
	end(oldest);
	return oldest;
}

/* Edge-triggered, both ways: each event is worked off as far as it goes, or told again by the rest
 * of what comes. */
static void welcome(struct sl_admin *a, int fd)
{
	struct caller *c = make_place(a);
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				     .data.ptr = c };

	c->fd = fd;
	c->state = CALLER_ASKS;
	c->since_ns = sl_now_ns();
	c->deadline_ns = c->since_ns + CALL_MS * SL_MS;
	c->head_len = c->sent = 0;
	c->answer = (struct sl_admin_answer){ .text = NULL };
	if (epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		end(c);
}

static void accept_some(struct sl_admin *a)
{
	for (unsigned i = 0; i < CALLERS_MAX; i++) {
		int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			usleep(SHORTAGE_MS * 1000); /* the caller waits, and we do not spin */
		if (fd < 0)
			return;
		welcome(a, fd);
	}
}

void sl_admin_serve(struct sl_admin *a)
{
	struct epoll_event events[2 * CALLERS_MAX];
	uint64_t now_ns = sl_now_ns();
	int nr;

	if (!a)
		return;
	nr = epoll_wait(a->epoll_fd, events, 2 * CALLERS_MAX, 0);
	for (int i = 0; i < nr; i++)
		if (events[i].data.ptr)
			go_on(a, events[i].data.ptr);
	for (unsigned i = 0; i < CALLERS_MAX; i++)
		if (a->callers[i].state != CALLER_NONE && now_ns >= a->callers[i].deadline_ns)
			end(&a->callers[i]);
	accept_some(a); /* last: an event of above must not be another's who came in his place */
}

/* ---- from start to end ---- */

static int listen_at(struct sl_admin *a)
{
	struct epoll_event event = { .events = EPOLLIN };

	a->listen_fd = sl_listener_open(&a->conf);
	if (a->listen_fd < 0)
		return a->listen_fd;
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (a->epoll_fd < 0 || fcntl(a->listen_fd, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, a->listen_fd, &event) < 0)
		return -errno;
	return 0;
}

/* A port is shared with the process before us, a path is one process's: it keeps it until we are
 * sure to stay. */
static int open_or_put_off(struct sl_admin *a)
{
	bool is_heir = sl_upgrade_is_heir(), is_path = a->conf.address.sa.sa_family == AF_UNIX;
	int ret = is_heir && !is_path ? 0 : sl_listener_probe(&a->conf);

	if (is_heir && is_path && ret == -EADDRINUSE)
		return 0;
	return ret == 0 ? listen_at(a) : ret;
}

static void tell(const struct sl_admin *a, int error)
{
	sl_log_error("admin.open", "key=/admin/address error=\"%s\"%s", strerror(-error),
		     sl_listener_hint(&a->conf.address, error));
}

int sl_admin_open(struct sl_admin **ret_admin, struct sl_daemon *daemon,
		  const struct sl_admin_conf *conf)
{
	struct sl_admin *a;
	int ret;

	*ret_admin = NULL;
	if (!conf->address.len)
		return 0;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->daemon = daemon;
	a->conf = (struct sl_listener_conf){ .name = "admin",
					     .address = conf->address,
					     .mode = conf->mode };
	a->listen_fd = a->epoll_fd = -1;
	ret = open_or_put_off(a);
	if (ret < 0) {
		tell(a, ret);
		sl_admin_close(a);
		return ret;
	}
	*ret_admin = a;
	return 0;
}

void sl_admin_take_over(struct sl_admin *a)
{
	int ret;

	if (!a || a->listen_fd >= 0)
		return;
	sl_listener_forget(&a->conf);
	ret = listen_at(a);
	if (ret < 0)
		tell(a, ret);
}

void sl_admin_set(struct sl_admin *a, const struct sl_admin_conf *conf)
{
	int ret = 0;

	if (!a)
		return;
	a->conf.mode = conf->mode;
	ret = sl_listener_set_mode(&a->conf);
	if (ret < 0)
		tell(a, ret);
}

void sl_admin_close(struct sl_admin *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < CALLERS_MAX; i++)
		end(&a->callers[i]);
	if (a->listen_fd >= 0)
		close(a->listen_fd);
	if (a->epoll_fd >= 0)
		close(a->epoll_fd);
	if (a->listen_fd >= 0 && !a->daemon->shared.is_handed_over)
		sl_listener_forget(&a->conf);
	free(a);
}

int sl_admin_fd(const struct sl_admin *a)
{
	return a ? a->epoll_fd : -1;
}

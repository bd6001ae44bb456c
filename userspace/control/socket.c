// SPDX-License-Identifier: Apache-2.0
// The control socket: one line in, one JSON object out.
#include "control/socket.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sluice/admin.h"

enum { ACCEPT_RETRY_MS = 100 };

struct sl_control {
	const struct sl_rules *rules;
	const struct sl_stats *stats;
	struct sockaddr_un addr;
	uint64_t start_ns;
	int fd;
};

/* A socket file that nobody answers is left from a daemon that was killed. */
static int remove_stale(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	close(fd);
	if (ret == 0)
		return -EADDRINUSE;
	unlink(addr->sun_path);
	return 0;
}

static int listen_at(struct sl_control *c)
{
	mode_t old;
	int ret;

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	old = umask(0117);
	ret = bind(c->fd, (const struct sockaddr *)&c->addr, sizeof(c->addr));
	umask(old);
	if (ret < 0 || listen(c->fd, 16) < 0)
		return -errno;
	return 0;
}

int sl_control_open(struct sl_control **ret_control, const struct sl_rules *rules,
		    const struct sl_stats *stats)
{
	struct sl_control *c = calloc(1, sizeof(*c));
	int n, ret;

	if (!c)
		return -ENOMEM;
	*c = (struct sl_control){
		.rules = rules, .stats = stats, .start_ns = sl_now_ns(), .fd = -1
	};
	c->addr.sun_family = AF_UNIX;
	n = snprintf(c->addr.sun_path, sizeof(c->addr.sun_path), "%s/%s", rules->run_dir,
		     SL_ADMIN_SOCKET);
	ret = n < (int)sizeof(c->addr.sun_path) ? 0 : -ENAMETOOLONG;
	if (ret == 0 && mkdir(rules->run_dir, 0755) < 0 && errno != EEXIST)
		ret = -errno;
	if (ret == 0)
		ret = remove_stale(&c->addr);
	if (ret == 0)
		ret = listen_at(c);
	if (ret < 0) {
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return ret;
	}
	*ret_control = c;
	return 0;
}

void sl_control_close(struct sl_control *c)
{
	if (!c)
		return;
	unlink(c->addr.sun_path);
	close(c->fd);
	free(c);
}

int sl_control_fd(const struct sl_control *c)
{
	return c ? c->fd : -1;
}

static json_t *make_counters(const struct sl_control *c)
{
	json_t *counters = json_object();

#define SUM_UP(name, help)                                                                         \
	do {                                                                                       \
		uint64_t sum = 0;                                                                  \
		for (unsigned i = 0; i < c->rules->workers; i++)                                   \
			sum += __atomic_load_n(&c->stats[i].name, __ATOMIC_RELAXED);               \
		json_object_set_new(counters, #name, json_integer((json_int_t)sum));               \
	} while (0);
	SL_STATS(SUM_UP)
#undef SUM_UP
	return counters;
}

static json_t *print_addr(const struct sl_addr *addr)
{
	char mem[160];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	sl_addr_print(&o, addr);
	return json_stringn(mem, sl_out_len(&o));
}

static json_t *make_listeners(const struct sl_rules *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->listeners_nr; i++) {
		json_t *item = json_object();

		json_object_set_new(item, "name", json_string(r->listeners[i].name));
		json_object_set_new(item, "address", print_addr(&r->listeners[i].address));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *make_upstreams(const struct sl_rules *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->upstreams_nr; i++) {
		json_t *item = json_object(), *targets = json_array();

		for (unsigned k = 0; k < r->upstreams[i].targets_nr; k++)
			json_array_append_new(targets,
					      json_string(r->upstreams[i].targets[k].name));
		json_object_set_new(item, "name", json_string(r->upstreams[i].name));
		json_object_set_new(item, "targets", targets);
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *make_status(const struct sl_control *c)
{
	json_t *status = json_object();

	json_object_set_new(status, "version", json_string(SL_VERSION));
	json_object_set_new(status, "pid", json_integer(getpid()));
	json_object_set_new(status, "uptime_s",
			    json_integer((json_int_t)((sl_now_ns() - c->start_ns) / SL_SEC)));
	json_object_set_new(status, "config", json_string(c->rules->file));
	json_object_set_new(status, "workers", json_integer(c->rules->workers));
	json_object_set_new(status, "listeners", make_listeners(c->rules));
	json_object_set_new(status, "upstreams", make_upstreams(c->rules));
	json_object_set_new(status, "counters", make_counters(c));
	return status;
}

static json_t *answer(const struct sl_control *c, const char *line)
{
	json_t *error;

	if (strcmp(line, "status") == 0)
		return make_status(c);
	/* The line itself may be anything, and JSON is UTF-8: it is not repeated. */
	error = json_object();
	json_object_set_new(error, "error", json_string("unknown command"));
	return error;
}

/* One line without its end; false when none came in time: signals wait behind this. */
static bool read_line(int fd, char *line, size_t size)
{
	uint64_t deadline_ns = sl_now_ns() + SL_SEC;
	size_t len = 0;
	char *end;

	while (len < size - 1 && sl_now_ns() < deadline_ns) {
		ssize_t n = recv(fd, line + len, size - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		line[len] = '\0';
		end = strchr(line, '\n');
		if (end) {
			*end = '\0';
			return true;
		}
	}
	return false;
}

static void send_text(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

void sl_control_serve(struct sl_control *c)
{
	struct timeval second = { .tv_sec = 1 };
	char line[SL_ADMIN_LINE_MAX];
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
	json_t *json;
	char *text;

	if (fd < 0) {
		usleep(ACCEPT_RETRY_MS *
		       1000); /* no descriptor: the caller waits, and we do not spin */
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	if (read_line(fd, line, sizeof(line))) {
		json = answer(c, line);
		text = json_dumps(json, JSON_COMPACT);
		if (text)
			send_text(fd, text);
		free(text);
		json_decref(json);
	}
	close(fd);
}

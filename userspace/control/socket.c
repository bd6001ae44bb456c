// SPDX-License-Identifier: Apache-2.0
// The control socket: one line in, one JSON object out.
#include "control/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/rundir.h"
#include "control/command.h"
#include "control/upgrade.h"
#include "sluice/admin.h"

enum {
	ACCEPT_RETRY_MS = 100,
	ANSWER_MS = 2000, /* for a caller to take all of an answer */
};

struct sl_control {
	struct sl_daemon *daemon;
	struct sockaddr_un addr;
	struct stat file; /* our socket in the file system: an heir puts its own in the place */
	int fd;
	int spare_fd; /* given up to be asked when there is no other descriptor left; or -1 */
};

static int find_address(const char *run_dir, struct sockaddr_un *ret_addr)
{
	int n;

	*ret_addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret_addr->sun_path, sizeof(ret_addr->sun_path), "%s/%s", run_dir,
		     SL_ADMIN_SOCKET);
	return n < (int)sizeof(ret_addr->sun_path) ? 0 : -ENAMETOOLONG;
}

/* One who has many waiting, because he is stopped say, is there all the same. */
static bool is_answered(int fd, const struct sockaddr_un *addr)
{
	return connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN;
}

bool sl_control_is_taken(const char *run_dir, pid_t *ret_pid)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	struct sockaddr_un addr;
	bool is_taken;

	if (fd < 0)
		return false;
	is_taken = find_address(run_dir, &addr) == 0 && is_answered(fd, &addr);
	if (is_taken)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	close(fd);
	*ret_pid = peer.pid;
	return is_taken;
}

/* A socket file that nobody answers is left from a daemon that was killed. */
static int remove_stale(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_there;

	if (fd < 0)
		return -errno;
	is_there = is_answered(fd, addr);
	close(fd);
	if (is_there && !sl_upgrade_is_heir())
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
	if (ret < 0 || listen(c->fd, 16) < 0 || lstat(c->addr.sun_path, &c->file) < 0)
		return -errno;
	return 0;
}

static bool is_ours(const struct sl_control *c)
{
	struct stat now;

	return lstat(c->addr.sun_path, &now) == 0 && now.st_ino == c->file.st_ino &&
	       now.st_dev == c->file.st_dev;
}

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int sl_control_make_run_dir(const char *path)
{
	if (mkdir(path, sl_run_dir_is_shared(path) ? 0700 : 0755) < 0 && errno != EEXIST)
		return -errno;
	return sl_run_dir_is_safe(path) ? 0 : -EEXIST;
}

int sl_control_open(struct sl_control **ret_control, struct sl_daemon *daemon)
{
	const char *run_dir = daemon->rules->run_dir;
	struct sl_control *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	*c = (struct sl_control){ .daemon = daemon, .fd = -1 };
	ret = find_address(run_dir, &c->addr);
	if (ret == 0)
		ret = sl_control_make_run_dir(run_dir);
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
	c->spare_fd = open_spare();
	*ret_control = c;
	return 0;
}

void sl_control_close(struct sl_control *c)
{
	if (!c)
		return;
	if (is_ours(c))
		unlink(c->addr.sun_path);
	close(c->fd);
	if (c->spare_fd >= 0)
		close(c->spare_fd);
	free(c);
}

int sl_control_fd(const struct sl_control *c)
{
	return c ? c->fd : -1;
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

/* Who takes it byte by byte gets a part: signals and /readyz wait behind this. */
static void send_text(int fd, const char *text)
{
	uint64_t deadline_ns = sl_now_ns() + ANSWER_MS * SL_MS;
	size_t len = strlen(text);

	while (len > 0 && sl_now_ns() < deadline_ns) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void answer(struct sl_control *c, int fd)
{
	struct ucred caller = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(caller);
	char line[SL_ADMIN_LINE_MAX];
	json_t *json;
	char *text;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &caller, &len) < 0 ||
	    !read_line(fd, line, sizeof(line)))
		return;
	json = sl_command_run(c->daemon, &caller, line);
	text = json_dumps(json, JSON_COMPACT);
	if (text)
		send_text(fd, text);
	free(text);
	json_decref(json);
}

/* An operator who comes to see what became of the descriptors gets the last one. */
static int accept_one(struct sl_control *c)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE) || c->spare_fd < 0)
		return fd;
	close(c->spare_fd);
	c->spare_fd = -1;
	return accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
}

void sl_control_serve(struct sl_control *c)
{
	struct timeval second = { .tv_sec = 1 };
	int fd = accept_one(c);

	if (fd < 0) {
		usleep(ACCEPT_RETRY_MS *
		       1000); /* no descriptor: the caller waits, and we do not spin */
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	answer(c, fd);
	close(fd);
	if (c->spare_fd < 0)
		c->spare_fd = open_spare();
}

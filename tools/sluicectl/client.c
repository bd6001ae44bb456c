// SPDX-License-Identifier: Apache-2.0
// The way to the daemon: one line out, one JSON object back.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ctl.h"

enum { ANSWER_MAX_BYTES = 256 << 20, ANSWER_FIRST_BYTES = 64 << 10, TIMEOUT_S = 10 };

static enum ctl_exit fail_connect(const struct ctl *ctl, int error)
{
	const char *path = ctl->daemon.sun_path;

	switch (error) {
	case EACCES:
	case EPERM:
		return ctl_fail(ctl, CTL_DENIED,
				"%s: permission denied; be root, or of the daemon's group", path);
	case ENOENT:
		return ctl_fail(
			ctl, CTL_UNREACHABLE,
			"%s: no such socket; is sluiced running, with another run_dir (-r)?", path);
	case ECONNREFUSED:
		return ctl_fail(ctl, CTL_UNREACHABLE,
				"%s: nobody answers; sluiced has ended without removing it", path);
	default:
		return ctl_fail(ctl, CTL_UNREACHABLE, "%s: %s", path, strerror(error));
	}
}

static enum ctl_exit connect_daemon(const struct ctl *ctl, int *ret_fd)
{
	const struct timeval limit = { .tv_sec = TIMEOUT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return ctl_fail(ctl, CTL_FAILED, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&ctl->daemon, sizeof(ctl->daemon)) < 0) {
		error = errno;
		close(fd);
		return fail_connect(ctl, error);
	}
	*ret_fd = fd;
	return CTL_OK;
}

/* The line and its end in one message: what the daemon reads at once, it answers at once. */
static int send_line(int fd, const char *line)
{
	struct iovec parts[] = {
		{ .iov_base = (void *)line, .iov_len = strlen(line) },
		{ .iov_base = "\n", .iov_len = 1 },
	};
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	return (size_t)n == parts[0].iov_len + 1 ? 0 : -EMSGSIZE;
}

/* Until the daemon closes.  *ret_text is the caller's to free. */
static int receive_all(int fd, char **ret_text, size_t *ret_len)
{
	size_t size = ANSWER_FIRST_BYTES, len = 0;
	char *text = malloc(size), *larger;
	ssize_t n = 0;

	while (text && (n = recv(fd, text + len, size - len, 0)) > 0) {
		len += (size_t)n;
		if (len < size)
			continue;
		size *= 2;
		larger = size <= ANSWER_MAX_BYTES ? realloc(text, size) : NULL;
		if (!larger)
			free(text);
		text = larger;
	}
	if (!text)
		return -ENOMEM;
	if (n < 0) {
		n = -errno;
		free(text);
		return (int)n;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

static enum ctl_exit parse_answer(const struct ctl *ctl, const char *text, size_t len,
				  json_t **ret_answer)
{
	json_t *answer = json_loadb(text, len, 0, NULL);
	const char *error;

	if (!json_is_object(answer)) {
		json_decref(answer);
		return ctl_fail(ctl, CTL_FAILED, "%s: the answer of the daemon is %s",
				ctl->daemon.sun_path, len ? "not JSON" : "empty");
	}
	error = json_string_value(json_object_get(answer, "error"));
	if (error) {
		ctl_fail(ctl, CTL_FAILED, "the daemon says: %s", error);
		json_decref(answer);
		return CTL_FAILED;
	}
	*ret_answer = answer;
	return CTL_OK;
}

enum ctl_exit ctl_ask(const struct ctl *ctl, const char *line, json_t **ret_answer)
{
	enum ctl_exit code;
	char *text = NULL;
	size_t len = 0;
	int fd = -1, ret;

	code = connect_daemon(ctl, &fd);
	if (code != CTL_OK)
		return code;
	ret = send_line(fd, line);
	if (ret == 0)
		ret = receive_all(fd, &text, &len);
	close(fd);
	if (ret == -EAGAIN)
		return ctl_fail(ctl, CTL_UNREACHABLE, "%s: no answer in %d s", ctl->daemon.sun_path,
				TIMEOUT_S);
	if (ret < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s: %s", ctl->daemon.sun_path, strerror(-ret));
	code = parse_answer(ctl, text, len, ret_answer);
	free(text);
	return code;
}

// SPDX-License-Identifier: Apache-2.0
// Asks the process that kept the capabilities, or does it ourselves.
#include "control/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/loader_wire.h"
#include "kern/rules.h"
#include "kern/why.h"

#define ENVIRONMENT "SLUICE_LOADER"

enum { PATIENCE_MS = 120000 };

/* ---- messages ---- */

int sl_loader_send(int fd, const struct sl_loader_message *m)
{
	char control[CMSG_SPACE(sizeof(m->fds))] = { 0 };
	struct iovec part = { m->data, m->size };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (m->fds_nr) {
		head.msg_control = control;
		head.msg_controllen = CMSG_SPACE(m->fds_nr * sizeof(int));
		c = CMSG_FIRSTHDR(&head);
		*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS,
				       .cmsg_len = CMSG_LEN(m->fds_nr * sizeof(int)) };
		memcpy(CMSG_DATA(c), m->fds, m->fds_nr * sizeof(int));
	}
	return sendmsg(fd, &head, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void take_fds(struct msghdr *head, struct sl_loader_message *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
		size_t nr = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < nr && m->fds_nr < SL_GATE_MAPS; i++)
			memcpy(&m->fds[m->fds_nr++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

int sl_loader_receive(int fd, struct sl_loader_message *m)
{
	char control[CMSG_SPACE(sizeof(m->fds))];
	struct iovec part = { m->data, m->size };
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = control,
			       .msg_controllen = sizeof(control) };
	ssize_t n;

	m->fds_nr = 0;
	do
		n = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_fds(&head, m);
	if (n == 0)
		return -ECONNRESET;
	return (size_t)n == m->size && !(head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? 0 : -EBADMSG;
}

/* ---- the process ---- */

/* Its parent ends at once, so that it is nobody's child who would have to wait for it. */
static void fork_twice(int fd, const char *pins)
{
	pid_t pid = fork();

	if (pid != 0)
		_exit(pid < 0);
	sl_loader_serve(fd, pins);
}

int sl_loader_start(struct sl_loader *l, const char *pins)
{
	int ends[2], status = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		fork_twice(ends[1], pins);
	}
	close(ends[1]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		close(ends[0]);
		return pid < 0 ? -errno : -EAGAIN;
	}
	l->fd = ends[0];
	snprintf(l->pins, sizeof(l->pins), "%s", pins);
	return 0;
}

char *sl_loader_environment(const struct sl_loader *l)
{
	char *text;

	if (l->fd < 0 || asprintf(&text, ENVIRONMENT "=%d:%s", l->fd, l->pins) < 0)
		return NULL;
	return text;
}

void sl_loader_inherit(struct sl_loader *l)
{
	const char *text = getenv(ENVIRONMENT);
	char *end;
	long fd;

	l->fd = -1;
	if (!text)
		return;
	fd = strtol(text, &end, 10);
	if (end != text && *end == ':' && fd > STDERR_FILENO && fd < 1 << 30 &&
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0) {
		l->fd = (int)fd;
		snprintf(l->pins, sizeof(l->pins), "%s", end + 1);
	}
	unsetenv(ENVIRONMENT);
}

void sl_loader_close(struct sl_loader *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* ---- asking ---- */

static void close_all(const struct sl_loader_message *m)
{
	for (unsigned i = 0; i < m->fds_nr; i++)
		close(m->fds[i]);
}

static bool is_there(const struct sl_loader *l, const char *pins)
{
	return l->fd >= 0 && strcmp(l->pins, pins) == 0;
}

/* Waits for the answer on a socket of its own: after an upgrade two processes ask. */
static int wait_for_answer(int fd, struct sl_loader_message *m)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		m->fds_nr = 0;
		return n < 0 ? -errno : -ETIMEDOUT;
	}
	return sl_loader_receive(fd, m);
}

/* What it says; *ret_fds has nr of descriptors then, which are the caller's. */
static int ask(struct sl_loader *l, struct sl_loader_request *r, int file, int *ret_fds,
	       unsigned nr, struct sl_loader_answer *a)
{
	struct sl_loader_message to = { .data = r, .size = sizeof(*r) };
	struct sl_loader_message from = { .data = a, .size = sizeof(*a) };
	int ends[2], ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return sl_why_errno(&a->why, -errno, "asking who keeps the capabilities");
	to.fds[to.fds_nr++] = ends[1];
	if (file >= 0)
		to.fds[to.fds_nr++] = file;
	ret = sl_loader_send(l->fd, &to);
	close(ends[1]);
	if (ret == 0)
		ret = wait_for_answer(ends[0], &from);
	close(ends[0]);
	if (ret == 0 && a->result == 0 && from.fds_nr != nr)
		ret = -EBADMSG;
	if (ret < 0 || a->result < 0) {
		close_all(&from);
		return ret == 0 ? a->result
				: sl_why_text(&a->why, ret,
					      "the process that keeps the capabilities: %s",
					      strerror(-ret));
	}
	memcpy(ret_fds, from.fds, nr * sizeof(int));
	return 0;
}

static int ask_plainly(struct sl_loader *l, struct sl_loader_request *r, const char *interface,
		       struct sl_why *why)
{
	struct sl_loader_answer a = { 0 };
	int ret, none[1];

	if (strlen(interface) >= sizeof(r->interface))
		return sl_why_text(why, -ENODEV, "%s: there is no such interface", interface);
	memcpy(r->interface, interface, strlen(interface));
	ret = ask(l, r, -1, none, 0, &a);
	if (ret < 0)
		*why = a.why;
	return ret;
}

int sl_loader_attach(struct sl_loader *l, const char *pins, const char *interface,
		     const struct sl_attach_options *options, struct sl_why *why)
{
	struct sl_loader_request r = { .verb = SL_LOADER_ATTACH,
				       .mode = options->mode,
				       .image_lines = options->image_lines };
	struct sl_attached attached;

	if (!is_there(l, pins))
		return sl_attach(pins, interface, options, &attached, why);
	return ask_plainly(l, &r, interface, why);
}

int sl_loader_detach(struct sl_loader *l, const char *pins, const char *interface,
		     struct sl_why *why)
{
	struct sl_loader_request r = { .verb = SL_LOADER_DETACH };

	if (!is_there(l, pins))
		return sl_detach(pins, interface, why);
	return ask_plainly(l, &r, interface, why);
}

int sl_loader_open(struct sl_loader *l, struct sl_gate *gate, const char *pins, struct sl_why *why)
{
	struct sl_loader_request r = { .verb = SL_LOADER_OPEN };
	struct sl_loader_answer a = { 0 };
	int fds[SL_GATE_MAPS], ret;

	if (!is_there(l, pins))
		return sl_gate_open(gate, pins, why);
	ret = ask(l, &r, -1, fds, SL_GATE_MAPS, &a);
	if (ret < 0) {
		*why = a.why;
		return ret;
	}
	return sl_gate_adopt(gate, fds, a.image_lines, pins, why);
}

/* ---- lists ---- */

/* An empty array may have no address, which fwrite(3) must not get. */
static void write_array(FILE *f, const void *array, size_t size, uint32_t nr)
{
	if (nr > 0)
		fwrite(array, size, nr, f);
}

/* Sealed: it cannot change while it is read. */
static int write_list(const struct sl_prefixes *list)
{
	const struct sl_loader_list head = { .prefixes_nr = list->nr, .rules_nr = list->rules_nr };
	int fd = memfd_create("sluice-list", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "w");
	bool is_good;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	fwrite(&head, sizeof(head), 1, f);
	write_array(f, list->rules, sizeof(*list->rules), list->rules_nr);
	write_array(f, list->prefixes, sizeof(*list->prefixes), list->nr);
	is_good = !ferror(f);
	is_good = fclose(f) == 0 && is_good;
	if (is_good && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE) == 0)
		return fd;
	close(fd);
	return -ENOMEM;
}

int sl_loader_publish(struct sl_loader *l, struct sl_gate *gate, const struct sl_prefixes *config,
		      struct sl_why *why)
{
	struct sl_loader_request r = { .verb = SL_LOADER_PUBLISH };
	struct sl_loader_answer a = { 0 };
	int file, image = -1, ret;

	if (!is_there(l, gate->pins))
		return sl_kernel_publish(gate, config, why);
	file = write_list(config);
	if (file < 0)
		return sl_why_errno(why, file, "handing over the list");
	ret = ask(l, &r, file, &image, 1, &a);
	close(file);
	if (ret < 0) {
		*why = a.why;
		return ret;
	}
	sl_gate_use_images(gate, image, a.image_lines);
	return 0;
}

int sl_loader_refresh(struct sl_loader *l, struct sl_gate *gate)
{
	struct sl_gate now;
	struct sl_why why;
	int ret, image;

	if (!is_there(l, gate->pins) || !sl_gate_is_stale(gate))
		return sl_gate_refresh(gate);
	ret = sl_loader_open(l, &now, gate->pins, &why);
	if (ret < 0)
		return ret;
	image = dup(now.image);
	if (image >= 0)
		sl_gate_use_images(gate, image, now.image_lines);
	sl_gate_close(&now);
	return image < 0 ? -EMFILE : 0;
}

int sl_loader_image_fd(struct sl_loader *l, const struct sl_gate *gate, uint32_t index)
{
	struct sl_loader_request r = { .verb = SL_LOADER_IMAGE, .index = index };
	struct sl_loader_answer a = { 0 };
	int fd = -1, ret;

	if (!is_there(l, gate->pins))
		return sl_gate_image_fd(gate, index);
	ret = ask(l, &r, -1, &fd, 1, &a);
	return ret < 0 ? ret : fd;
}

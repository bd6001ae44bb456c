// SPDX-License-Identifier: Apache-2.0
// A thread in the sandbox, as if an attacker ran it: what it tries and does not get, by layer.
#include "core/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

/* ---- a thread of its own, with one layer ---- */

struct trial {
	enum sl_sandbox_layer layer;
	void (*attack)(void);
	int taken;
};

static void *try(void *arg)
{
	struct trial *t = arg;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	t->taken = sl_sandbox_take(t->layer);
	if (t->taken == 0)
		t->attack();
	return NULL;
}

static void in_thread(enum sl_sandbox_layer layer, void (*attack)(void))
{
	const char *name = sl_sandbox_names[layer];
	struct trial t = { .layer = layer, .attack = attack };
	pthread_t thread;

	if (pthread_create(&thread, NULL, try, &t) != 0)
		abort();
	pthread_join(thread, NULL);
	if (t.taken == -ENOSYS || t.taken == -EOPNOTSUPP)
		ok(true, "%s # SKIP the kernel has it not", name);
	else
		is_int(t.taken, 0, "%s: a thread can have it", name);
}

static int opened(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* ---- seccomp ---- */

struct call {
	const char *name;
	long nr;
	long args[6];
};

static char program[] = "/bin/true";
static char *no_words[] = { program, NULL };
static union bpf_attr bpf_attr;
static struct perf_event_attr perf_attr;

#define AT(p) ((long)(uintptr_t)(p))

static const struct call forbidden[] = {
/* clang-format off */
#ifdef SYS_open
	{ "open",              SYS_open, { AT("/dev/null"), O_RDONLY } },
	{ "stat",              SYS_stat, { AT("/dev/null"), 0 } },
	{ "unlink",            SYS_unlink, { AT("/none/there") } },
	{ "fork",              SYS_fork, { 0 } },
#endif
	{ "openat",            SYS_openat, { AT_FDCWD, AT("/dev/null"), O_RDONLY } },
	{ "openat2",           SYS_openat2, { AT_FDCWD, AT("/dev/null"), 0, 24 } },
	{ "newfstatat",        SYS_newfstatat, { AT_FDCWD, AT("/dev/null"), 0, 0 } },
	{ "execve",            SYS_execve, { AT(program), AT(no_words), 0 } },
	{ "execveat",          SYS_execveat, { AT_FDCWD, AT(program), AT(no_words), 0, 0 } },
	{ "clone",             SYS_clone, { SIGCHLD } },
	{ "clone3",            SYS_clone3, { 0, 0 } },
	{ "ptrace",            SYS_ptrace, { PTRACE_TRACEME } },
	{ "process_vm_readv",  SYS_process_vm_readv, { 1, 0, 0, 0, 0, 0 } },
	{ "process_vm_writev", SYS_process_vm_writev, { 1, 0, 0, 0, 0, 0 } },
	{ "pidfd_getfd",       SYS_pidfd_getfd, { -1, 0, 0 } },
	{ "kill",              SYS_kill, { 0, 0 } },
	{ "tgkill",            SYS_tgkill, { 1, 1, SIGABRT } },
	{ "bpf (a program)",   SYS_bpf, { BPF_PROG_LOAD, AT(&bpf_attr), sizeof(bpf_attr) } },
	{ "bpf (a map)",       SYS_bpf, { BPF_MAP_CREATE, AT(&bpf_attr), sizeof(bpf_attr) } },
	{ "bpf (a pin)",       SYS_bpf, { BPF_OBJ_GET, AT(&bpf_attr), sizeof(bpf_attr) } },
	{ "perf_event_open",   SYS_perf_event_open, { AT(&perf_attr), 0, -1, -1, 0 } },
	{ "io_uring_setup",    SYS_io_uring_setup, { 8, 0 } },
	{ "io_uring_register", SYS_io_uring_register, { -1, IORING_REGISTER_FILES, 0, 0 } },
	{ "a datagram socket", SYS_socket, { AF_INET, SOCK_DGRAM, 0 } },
	{ "a netlink socket",  SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_ROUTE } },
	{ "a packet socket",   SYS_socket, { AF_PACKET, SOCK_RAW, 0 } },
	{ "bind",              SYS_bind, { -1, 0, 0 } },
	{ "listen",            SYS_listen, { -1, 0 } },
	{ "ioctl TIOCSTI",     SYS_ioctl, { 0, TIOCSTI, AT("x") } },
	{ "executable memory", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
	{ "mprotect to it",    SYS_mprotect, { 0, 0, PROT_READ | PROT_EXEC } },
	{ "memfd_create",      SYS_memfd_create, { AT("x"), 0 } },
	{ "setuid",            SYS_setuid, { 0 } },
	{ "mount",             SYS_mount, { 0, 0, 0, 0, 0 } },
	{ "userfaultfd",       SYS_userfaultfd, { 0 } },
	{ "keyctl",            SYS_keyctl, { 0, 0, 0, 0, 0 } },
	{ "init_module",       SYS_init_module, { 0, 0, 0 } },
	/* clang-format on */
};

enum { FORBIDDEN_NR = sizeof(forbidden) / sizeof(*forbidden) };

static void what_is_forbidden(void)
{
	for (unsigned i = 0; i < FORBIDDEN_NR; i++) {
		const struct call *c = &forbidden[i];
		const long *a = c->args;
		long ret = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);

		ok(ret == -1 && errno == EPERM, "seccomp: %s is refused", c->name);
	}
}

static void what_workers_do(void)
{
	int fds[2] = { -1, -1 }, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *mem = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	ok(fd >= 0 && close(fd) == 0, "seccomp: a socket towards a target is had");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ok(fd >= 0 && close(fd) == 0, "seccomp: a unix one too");
	ok(pipe2(fds, O_CLOEXEC) == 0 && write(fds[1], "x", 1) == 1 && fcntl(fds[0], F_GETFL) >= 0,
	   "seccomp: a pipe is made and filled");
	ok(mem != MAP_FAILED && mprotect(mem, 4096, PROT_NONE) == 0 && munmap(mem, 65536) == 0,
	   "seccomp: memory comes and goes");
	ok(poll(&p, 1, 0) >= 0, "seccomp: whether the log takes a line is asked");
	close(fds[0]);
	close(fds[1]);
}

static void seccomp(void)
{
	what_is_forbidden();
	what_workers_do();
}

static void what_is_told(void)
{
	bool is_execve_told = false;
	unsigned nr = 0;
	char *call;

	while ((call = sl_sandbox_tell())) {
		is_execve_told |= strcmp(call, "execve") == 0;
		nr++;
		free(call);
	}
	ok(is_execve_told && nr > 20, "a refused call is told by name");
	is_int((int64_t)sl_sandbox_refused(), FORBIDDEN_NR, "each is counted, and nothing else is");
	ok(!sl_sandbox_tell(), "each is told once");
}

/* A bug still ends the process, as a supervisor expects it. */
static void abort_ends_it(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core file */
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (sl_sandbox_take(SL_SANDBOX_SECCOMP) == 0)
			abort();
		_exit(1);
	}
	ok(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
		   WTERMSIG(status) == SIGABRT,
	   "seccomp: abort(3) ends the process");
}

/* ---- the other layers, each without seccomp ---- */

static char socket_path[108];
static int listener;

static void make_listener(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(socket_path, sizeof(socket_path), "/tmp/sluice-sandbox-%d", (int)getpid());
	memcpy(at.sun_path, socket_path, sizeof(at.sun_path));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 1) < 0)
		abort();
}

static void landlock(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	is_int(opened("/dev/null"), -EACCES, "landlock: a file is not opened");
	is_int(opened("/"), -EACCES, "landlock: nor a directory");
	ok(mkdir("/tmp/sluice-sandbox-none", 0700) < 0 && errno == EACCES, "landlock: nor made");
	ok(execv(program, no_words) < 0 && errno == EACCES, "landlock: nothing is executed");
	ok(write(STDERR_FILENO, "", 0) == 0, "landlock: what is open can be written to");
	memcpy(at.sun_path, socket_path, sizeof(at.sun_path));
	ok(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0,
	   "landlock: a unix socket is connected to by its path");
	close(fd);
}

static uint64_t capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, caps) < 0)
		abort();
	return (uint64_t)(caps[1].permitted | caps[1].inheritable) << 32 |
	       (caps[0].permitted | caps[0].inheritable);
}

static void no_capabilities(void)
{
	uint64_t most = geteuid() == 0 ? 1u << CAP_DAC_OVERRIDE : 0;

	ok((capabilities() & ~most) == 0, "capabilities: none, but root's to connect by path");
	ok(geteuid() != 0 || syscall(SYS_setuid, 65534) < 0,
	   "capabilities: the user cannot be changed");
}

/* ---- the ring ---- */

struct heard {
	struct sl_op op;
	unsigned nr;
	int res;
};

static void on_heard(struct sl_op *op, int res, uint32_t flags)
{
	struct heard *h = sl_container_of(op, struct heard, op);

	h->nr++;
	h->res = res;
}

static void turn_until(struct sl_loop *loop, const struct heard *h)
{
	uint64_t deadline_ns = sl_now_ns() + 5 * SL_SEC;
	struct io_uring_cqe *cqe;

	while (h->nr == 0 && sl_now_ns() < deadline_ns) {
		struct sl_op *op;

		if (io_uring_submit_and_wait(&loop->ring, 1) < 0 ||
		    io_uring_peek_cqe(&loop->ring, &cqe) < 0)
			break;
		op = io_uring_cqe_get_data(cqe);
		op->done(op, cqe->res, cqe->flags);
		io_uring_cqe_seen(&loop->ring, cqe);
	}
}

static int outcome(struct sl_loop *loop, void (*prepare)(struct io_uring_sqe *sqe))
{
	struct heard h = { .op.done = on_heard };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	prepare(sqe);
	io_uring_sqe_set_data(sqe, &h.op);
	turn_until(loop, &h);
	return h.nr ? h.res : -ETIMEDOUT;
}

static void prepare_open(struct io_uring_sqe *sqe)
{
	io_uring_prep_openat(sqe, AT_FDCWD, "/dev/null", O_RDONLY, 0);
}

static void prepare_socket(struct io_uring_sqe *sqe)
{
	io_uring_prep_socket(sqe, AF_NETLINK, SOCK_RAW, 0, 0);
}

static void prepare_unlink(struct io_uring_sqe *sqe)
{
	io_uring_prep_unlinkat(sqe, AT_FDCWD, "/tmp/sluice-sandbox-none", 0);
}

static void ring(void)
{
	const struct sl_loop_conf conf = { .is_restricted = true };
	struct heard sent = { .op.done = on_heard };
	struct sl_loop loop;
	const char *missing = "";
	int fds[2];

	if (!is_int(sl_loop_init(&loop, &conf, &missing), 0, "a restricted ring works"))
		return;
	is_int(loop.restrict_error, 0, "io_uring: a ring can have it");
	is_int(outcome(&loop, prepare_open), -EACCES, "io_uring: it opens no file");
	is_int(outcome(&loop, prepare_socket), -EACCES, "io_uring: it makes no socket");
	is_int(outcome(&loop, prepare_unlink), -EACCES, "io_uring: it removes nothing");
	ok(io_uring_register_eventfd(&loop.ring, 0) == -EACCES, "io_uring: nothing is registered");
	loopback_pair(fds);
	sl_ring_send(&loop, &sent.op, fds[0], "hello", 5);
	turn_until(&loop, &sent);
	is_int(sent.res, 5, "io_uring: what workers send goes out");
	close(fds[0]);
	close(fds[1]);
	sl_loop_fini(&loop);
}

int main(void)
{
	uint64_t had = capabilities();

	signal(SIGPIPE, SIG_IGN);
	is_int(sl_sandbox_watch(), 0, "what is refused is watched");
	make_listener();
	abort_ends_it();
	in_thread(SL_SANDBOX_SECCOMP, seccomp);
	what_is_told();
	in_thread(SL_SANDBOX_LANDLOCK, landlock);
	in_thread(SL_SANDBOX_CAPS, no_capabilities);
	ring();
	is_int(opened("/dev/null"), 0, "the thread that started them opens files");
	ok(capabilities() == had, "and has the capabilities that it had");
	unlink(socket_path);
	return done_testing();
}

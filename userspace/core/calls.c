// SPDX-License-Identifier: Apache-2.0
// A worker's system calls: the list, and what becomes of a call that is not in it.
#include "core/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

/* ---- the list ---- */

/* Those of a request first.  Nothing is asked of their arguments: the kernel knows beforehand that
 * they pass, and runs no filter for them (since Linux 5.11). */
static const int always[] = {
	/* clang-format off */
	SCMP_SYS(io_uring_enter), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg), /* of records that are no data */
	SCMP_SYS(splice), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt), SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(shutdown),
	SCMP_SYS(accept4), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(lseek), SCMP_SYS(pipe2),
	SCMP_SYS(writev), /* the C library's last words, before abort(3) */
	SCMP_SYS(poll), SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday), SCMP_SYS(munmap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(mremap), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(pause),
	SCMP_SYS(restart_syscall), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit), SCMP_SYS(exit_group),
#ifdef HAS_SANITIZER
	SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(prctl), SCMP_SYS(getuid),
	SCMP_SYS(readlink), SCMP_SYS(getrlimit), SCMP_SYS(prlimit64),
#endif
	/* clang-format on */
};

/* These go with one value of an argument, or with some of its bits only. */
struct argued {
	int call;
	unsigned argument;
	scmp_datum_t mask, value;
};

static const struct argued argued[] = {
	/* clang-format off */
	{ SCMP_SYS(ioctl),             1, UINT32_MAX, FIONREAD },
	{ SCMP_SYS(io_uring_register), 1, UINT32_MAX, IORING_UNREGISTER_RING_FDS },
	{ SCMP_SYS(bpf),               0, UINT32_MAX, BPF_MAP_LOOKUP_ELEM },
	{ SCMP_SYS(bpf),               0, UINT32_MAX, BPF_MAP_UPDATE_ELEM },
	{ SCMP_SYS(mmap),              2, PROT_EXEC,  0 },
	{ SCMP_SYS(mprotect),          2, PROT_EXEC,  0 },
	/* clang-format on */
};

/* Connections to targets; no datagrams, no raw packets, no netlink. */
static int allow_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
	const scmp_datum_t type = ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK) & UINT32_MAX;
	int ret = 0;

	for (unsigned i = 0; i < sizeof(families) / sizeof(*families) && ret == 0; i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, families[i]),
				       SCMP_A1(SCMP_CMP_MASKED_EQ, type, SOCK_STREAM));
	return ret;
}

/* abort(3), of an assertion: it signals its own thread, and nobody else. */
static int allow_abort(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
				SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, getpid()),
				SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, SIGABRT));
}

static int fill(scmp_filter_ctx filter)
{
	int ret = 0;

	for (unsigned i = 0; i < sizeof(always) / sizeof(*always) && ret == 0; i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, always[i], 0);
	for (unsigned i = 0; i < sizeof(argued) / sizeof(*argued) && ret == 0; i++) {
		const struct argued *a = &argued[i];

		ret = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, a->call, 1,
			SCMP_CMP(a->argument, SCMP_CMP_MASKED_EQ, a->mask, a->value));
	}
	if (ret == 0)
		ret = allow_sockets(filter);
	return ret == 0 ? allow_abort(filter) : ret;
}

/* ---- what is refused ---- */

/* Written by a signal handler, whose thread is whose call it was: there is nobody to hand them to.
 * A bit for a call: refused, and told. */
enum { CALLS_MAX = 512, WORD_BITS = 64 };

static _Atomic uint64_t refused_nr, refused[CALLS_MAX / WORD_BITS];

#ifdef __x86_64__
static const uint32_t otherwise = SCMP_ACT_TRAP;

/* The C library asks once whether it may give back what a heap has grown by, and takes no for an
 * answer: it is no attack, and no news. */
static bool is_expected(unsigned call, const greg_t *registers)
{
	const char *path = (const char *)registers[REG_RSI];

	return call == SYS_openat && path && strcmp(path, "/proc/sys/vm/overcommit_memory") == 0;
}

/* The call did not happen, and the kernel has put its number back where its result belongs. */
static void on_refused(int signal, siginfo_t *info, void *context)
{
	unsigned call = (unsigned)info->si_syscall;
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	bool is_quiet = is_expected(call, registers);

	registers[REG_RAX] = -EPERM;
	if (is_quiet)
		return;
	if (call < CALLS_MAX)
		atomic_fetch_or(&refused[call / WORD_BITS], 1ull << call % WORD_BITS);
	atomic_fetch_add(&refused_nr, 1); /* last: whoever sees it grow asks which */
}

int sl_sandbox_watch(void)
{
	struct sigaction action = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO };

	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}
#else
/* Refused, but nobody hears of it. */
static const uint32_t otherwise = SCMP_ACT_ERRNO(EPERM);

int sl_sandbox_watch(void)
{
	return 0;
}
#endif

uint64_t sl_sandbox_refused(void)
{
	return atomic_load(&refused_nr);
}

char *sl_sandbox_tell(void)
{
	static uint64_t told[CALLS_MAX / WORD_BITS];

	for (unsigned i = 0; i < CALLS_MAX / WORD_BITS; i++) {
		uint64_t fresh = atomic_load(&refused[i]) & ~told[i];

		if (!fresh)
			continue;
		told[i] |= fresh & -fresh;
		return seccomp_syscall_resolve_num_arch(
			SCMP_ARCH_NATIVE, (int)(i * WORD_BITS) + __builtin_ctzll(fresh));
	}
	return NULL;
}

/* ---- in force ---- */

/* A call of another architecture's table is no accident. */
int sl_calls_restrict(void)
{
	scmp_filter_ctx filter = seccomp_init(otherwise);
	int ret;

	if (!filter)
		return -ENOMEM;
	ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* What is ours runs in this thread: it need not be slowed down against Spectre v4. */
	if (ret == 0)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	if (ret == 0)
		ret = fill(filter);
	if (ret == 0)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	return ret;
}

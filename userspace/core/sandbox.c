// SPDX-License-Identifier: Apache-2.0
// The layers of a worker's sandbox.  Which system calls it may make: core/calls.c.
#include "core/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/calls.h"

const char *const sl_sandbox_names[SL_SANDBOX_LAYERS] = {
	[SL_SANDBOX_RING] = "io_uring",
	[SL_SANDBOX_CAPS] = "capabilities",
	[SL_SANDBOX_LANDLOCK] = "landlock",
	[SL_SANDBOX_SECCOMP] = "seccomp",
};

/* ---- the ring ---- */

enum { RESTRICTIONS_MAX = 32 };

/* Debian 12's liburing declares functions for these two, and does not export them. */
static int register_with(struct io_uring *ring, unsigned what, const void *arg, unsigned nr)
{
	long ret = syscall(SYS_io_uring_register, ring->ring_fd, what, arg, nr);

	return ret < 0 ? -errno : (int)ret;
}

/* Of what can be registered only that goes which sl_loop_fini() undoes: a ring that stays behind
 * would still write into buffers that are gone. */
static int restrict_ring(struct io_uring *ring, const uint8_t *ops, unsigned ops_nr)
{
	struct io_uring_restriction all[RESTRICTIONS_MAX] = {
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_UNREGISTER_RING_FDS },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
		  .sqe_flags = IOSQE_BUFFER_SELECT | IOSQE_IO_LINK },
	};
	unsigned nr = 2;

	if (ops_nr > RESTRICTIONS_MAX - nr)
		return -E2BIG;
	for (unsigned i = 0; i < ops_nr; i++, nr++) {
		all[nr].opcode = IORING_RESTRICTION_SQE_OP;
		all[nr].sqe_op = ops[i];
	}
	return register_with(ring, IORING_REGISTER_RESTRICTIONS, all, nr);
}

int sl_sandbox_ring(struct io_uring *ring, const uint8_t *ops, unsigned ops_nr)
{
	int ret = restrict_ring(ring, ops, ops_nr),
	    enabled = register_with(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	return ret < 0 ? ret : enabled;
}

/* ---- capabilities ---- */

/* Who stays root connects to unix sockets that are not root's own, as before.  Of files there is
 * none that it could open with it: see below. */
static uint32_t kept_capabilities(void)
{
	return geteuid() == 0 ? 1u << CAP_DAC_OVERRIDE : 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	uint32_t kept = kept_capabilities();

	if (syscall(SYS_capget, &head, caps) < 0)
		return -errno;
	/* Needs CAP_SETPCAP; who has it not gains nothing all the same, as nothing is started. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	kept &= caps[0].permitted;
	memset(caps, 0, sizeof(caps));
	caps[0].permitted = caps[0].effective = kept;
	return syscall(SYS_capset, &head, caps) < 0 ? -errno : 0;
}

/* ---- Landlock ---- */

int sl_sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? -errno : (int)abi;
}

/* Each version knows more that can be forbidden; what is unknown to it, it refuses to forbid. */
static uint64_t all_access(int abi)
{
	static const uint8_t rights[] = { 0, 13, 14, 15, 15, 16 };
	int known = (int)sizeof(rights) - 1;

	return (1ull << rights[abi < known ? abi : known]) - 1;
}

/* Not a single rule: what a worker reads and writes has been opened for it.  Connecting to a unix
 * socket is no access to a file, up to now. */
static int shut_files(void)
{
	struct landlock_ruleset_attr attr = { 0 };
	int abi = sl_sandbox_landlock_abi(), fd, ret;

	if (abi < 0)
		return abi;
	attr.handled_access_fs = all_access(abi);
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* ---- all of it ---- */

int sl_sandbox_take(enum sl_sandbox_layer layer)
{
	switch (layer) {
	case SL_SANDBOX_CAPS:
		return drop_capabilities();
	case SL_SANDBOX_LANDLOCK:
		return shut_files();
	case SL_SANDBOX_SECCOMP:
		return sl_calls_restrict();
	default:
		return -EINVAL;
	}
}

void sl_sandbox_enter(struct sl_sandbox *s)
{
	/* Landlock and seccomp ask for it of whoever is not root. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (int i = SL_SANDBOX_CAPS; i < SL_SANDBOX_LAYERS; i++)
		s->error[i] = sl_sandbox_take((enum sl_sandbox_layer)i);
}

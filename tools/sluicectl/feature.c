// SPDX-License-Identifier: Apache-2.0
// sluicectl feature: what this kernel and an interface can do, found out by doing it.
#include <bpf/libbpf.h>
#include <errno.h>
#include <liburing.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/sandbox.h"
#include "ctl.h"
#include "kern/cookies.h"
#include "kern/device.h"
#include "kern/gate.h"
#include "net/ktls.h"

enum state { STATE_OK, STATE_MISSING, STATE_UNKNOWN, STATES };

/* One line of the table. */
struct feature {
	const char *name;
	bool is_required; /* the gateway does not run without it */
	enum state state;
	char text[400];	    /* what was found */
	const char *effect; /* of its absence */
	const char *fix;
};

struct probe {
	struct ctl *ctl;
	json_t *list; /* NULL: text */
	bool lacks_required;
	int load; /* what loading the kernel half came to */
	struct sl_gate gate;
	struct sl_gate_program *program;
};

/* ---- the table ---- */

static json_t *feature_json(const struct feature *f)
{
	static const char *const states[STATES] = { "ok", "missing", "unknown" };
	bool is_ok = f->state == STATE_OK;

	return json_pack("{s:s, s:s, s:b, s:s%, s:s?, s:s?}", "name", f->name, "state",
			 states[f->state], "required", f->is_required, "text", f->text,
			 strlen(f->text), "effect", is_ok ? NULL : f->effect, "fix",
			 is_ok ? NULL : f->fix);
}

static void tell(struct probe *p, const struct feature *f)
{
	static const char *const marks[STATES] = { "ok", "--", "~" };

	if (f->state == STATE_MISSING && f->is_required)
		p->lacks_required = true;
	if (p->list) {
		json_array_append_new(p->list, feature_json(f));
		return;
	}
	printf(" %-3s %-12s %s\n", marks[f->state], f->name, f->text);
	if (f->state == STATE_OK)
		return;
	if (f->effect)
		printf("%18sEffect: %s\n", "", f->effect);
	if (f->fix)
		printf("%18sFix: %s\n", "", f->fix);
}

/* ---- the kernel half ---- */

static void probe_load(struct probe *p)
{
	struct feature f = { .name = "BPF",
			     .effect = "lists and limits hold in the gateway only, not before it",
			     .fix = "run as root, or grant CAP_BPF and CAP_NET_ADMIN" };
	struct sl_gate_options options = { .cell_sets = 1024 };
	struct sl_why why;

	p->load = sl_gate_load(&p->gate, &options, &p->program, &why);
	if (p->load == 0) {
		snprintf(f.text, sizeof(f.text), "the kernel takes the program; BTF is not needed");
	} else {
		f.state = STATE_MISSING;
		snprintf(f.text, sizeof(f.text), "%s", why.text);
	}
	tell(p, &f);
}

/* Without the capability the kernel does not say what it has. */
static void tell_probed(struct probe *p, struct feature *f, int has, const char *what)
{
	f->state = has > 0			  ? STATE_OK
		   : p->load == -EPERM || has < 0 ? STATE_UNKNOWN
						  : STATE_MISSING;
	if (f->state == STATE_UNKNOWN) {
		f->effect = NULL;
		f->fix = "run as root";
	}
	snprintf(f->text, sizeof(f->text), "%s%s", what,
		 f->state == STATE_UNKNOWN ? ": cannot be seen without CAP_BPF"
		 : has > 0		   ? ""
					   : ": the kernel has it not");
	tell(p, f);
}

static void probe_bpf(struct probe *p)
{
	struct feature loop = { .name = "bpf_loop",
				.effect = "the kernel half cannot be loaded",
				.fix = "Linux 5.17 or newer" };
	struct feature ring = { .name = "ring buffer",
				.effect = "the kernel half cannot be loaded",
				.fix = "Linux 5.8 or newer" };

	tell_probed(p, &loop, libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_loop, NULL),
		    "loops that are verified once");
	tell_probed(p, &ring, libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL),
		    "events of drops");
}

static void probe_cookies(struct probe *p)
{
	struct feature f = { .name = "SYN cookies",
			     .effect = "SYNs beyond the limit of all clients are dropped, not "
				       "answered" };
	struct sl_why why;
	int ret = sl_cookies_check(&why);

	f.state = ret == 0 ? STATE_OK : p->load == -EPERM ? STATE_UNKNOWN : STATE_MISSING;
	snprintf(f.text, sizeof(f.text), "%s",
		 ret < 0 ? why.text : "made by the kernel half, taken by the stack");
	tell(p, &f);
}

static void probe_bpffs(struct probe *p)
{
	struct feature f = { .name = "bpffs",
			     .effect = "nothing can be attached that outlives the process",
			     .fix = "mount -t bpf bpf " SL_BPFFS };
	struct statfs fs;
	bool is_there = statfs(SL_BPFFS, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;

	f.state = is_there ? STATE_OK : STATE_MISSING;
	snprintf(f.text, sizeof(f.text), "%s%s", SL_BPFFS, is_there ? "" : ": not mounted");
	tell(p, &f);
}

static void probe_mode(struct probe *p, const struct sl_device *device, enum sl_attach_mode mode)
{
	bool is_native = mode == SL_MODE_NATIVE;
	struct feature f = { .name = is_native ? "XDP native" : "XDP generic",
			     .effect = is_native ? "mode generic: a dropped packet costs more"
						 : "the kernel half cannot be on this interface" };
	struct sl_holder holder;
	struct sl_why why;
	int link;

	if (p->load < 0 || sl_device_holder(device->ifindex, &holder) < 0) {
		f.state = STATE_UNKNOWN;
		snprintf(f.text, sizeof(f.text), "%s: cannot be tried", device->name);
	} else if (holder.program) {
		f.state = STATE_UNKNOWN;
		snprintf(f.text, sizeof(f.text), "%s: not tried, program '%s' is on it",
			 device->name, holder.name);
	} else {
		link = sl_device_link(device, sl_gate_program_fd(p->program), mode, &why);
		f.state = link < 0 ? STATE_MISSING : STATE_OK;
		snprintf(f.text, sizeof(f.text), "%s, driver %s, mtu %u: attached and detached",
			 device->name, device->driver[0] ? device->driver : "unknown", device->mtu);
		if (link < 0)
			snprintf(f.text, sizeof(f.text), "%s", why.text);
		else
			close(link);
	}
	tell(p, &f);
}

/* ---- the gateway ---- */

static void probe_kernel(struct probe *p)
{
	struct feature f = { .name = "kernel",
			     .is_required = true,
			     .effect = "not tested, and parts are missing",
			     .fix = "Linux 6.1 or newer" };
	unsigned long major, minor = 0;
	struct utsname u;
	char *end;

	uname(&u);
	major = strtoul(u.release, &end, 10);
	if (*end == '.')
		minor = strtoul(end + 1, NULL, 10);
	f.state = major > 6 || (major == 6 && minor >= 1) ? STATE_OK : STATE_MISSING;
	snprintf(f.text, sizeof(f.text), "Linux %.64s", u.release);
	tell(p, &f);
}

/* What a worker's ring is made of (core/loop.c): one task submits, buffers are given in rings. */
static int try_ring(const char **ret_what)
{
	struct io_uring ring;
	struct io_uring_buf_reg reg = { .ring_entries = 16 };
	void *mem = NULL;
	int ret;

	*ret_what = "io_uring_setup";
	ret = io_uring_queue_init(8, &ring, IORING_SETUP_SINGLE_ISSUER);
	if (ret < 0)
		return ret;
	*ret_what = "rings of buffers";
	if (posix_memalign(&mem, 4096, 4096) != 0)
		ret = -ENOMEM;
	else {
		memset(mem, 0, 4096);
		reg.ring_addr = (uintptr_t)mem;
		ret = io_uring_register_buf_ring(&ring, &reg, 0);
	}
	io_uring_queue_exit(&ring);
	free(mem);
	return ret;
}

static void probe_io_uring(struct probe *p)
{
	struct feature f = { .name = "io_uring",
			     .is_required = true,
			     .effect = "sluiced does not start",
			     .fix = "sysctl kernel.io_uring_disabled=0; in a container, a seccomp "
				    "profile that allows io_uring" };
	const char *what;
	int ret = try_ring(&what);

	f.state = ret < 0 ? STATE_MISSING : STATE_OK;
	if (ret < 0)
		snprintf(f.text, sizeof(f.text), "%s: %s", what, strerror(-ret));
	else
		snprintf(f.text, sizeof(f.text), "rings of one task, rings of buffers");
	tell(p, &f);
}

static void probe_ktls(struct probe *p)
{
	struct feature f = { .name = "kTLS",
			     .effect = "TLS bodies are copied and sealed by sluiced, for more CPU",
			     .fix = "modprobe tls" };
	const struct sl_ktls found = sl_ktls_probe();

	f.state = found.error == 0 && found.ciphers ? STATE_OK : STATE_MISSING;
	sl_ktls_explain(&found, f.text);
	if (f.state == STATE_OK)
		snprintf(f.text, sizeof(f.text), "the kernel seals and opens TLS records:");
	for (int i = 0; i < SL_KTLS_CIPHERS; i++)
		if (found.ciphers & 1u << i)
			snprintf(f.text + strlen(f.text), sizeof(f.text) - strlen(f.text), " %s",
				 sl_ktls_names[i]);
	tell(p, &f);
}

/* What workers give up with (core/sandbox.h). */
static void probe_sandbox(struct probe *p)
{
	struct feature filter = { .name = "seccomp",
				  .effect =
					  "a worker that is taken over may make every system call",
				  .fix = "a kernel with CONFIG_SECCOMP_FILTER" };
	struct feature files = { .name = "Landlock",
				 .effect = "files are kept from workers by seccomp alone",
				 .fix = "landlock in the kernel's lsm=" };
	uint32_t action = SECCOMP_RET_TRAP;
	int abi = sl_sandbox_landlock_abi();

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		filter.state = STATE_MISSING;
	snprintf(filter.text, sizeof(filter.text), "%s",
		 filter.state == STATE_OK ? "workers make the system calls of a list"
					  : strerror(errno));
	tell(p, &filter);
	files.state = abi < 0 ? STATE_MISSING : STATE_OK;
	snprintf(files.text, sizeof(files.text), "workers open no file, version %d", abi);
	if (abi < 0)
		snprintf(files.text, sizeof(files.text), "%s", strerror(-abi));
	tell(p, &files);
}

static void probe_files(struct probe *p)
{
	struct feature f = { .name = "nofile",
			     .effect = "fewer connections than limits.connections may allow",
			     .fix = "ulimit -n 1048576, or LimitNOFILE= of the unit" };
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	f.state = limit.rlim_max >= 65536 ? STATE_OK : STATE_MISSING;
	snprintf(f.text, sizeof(f.text), "%llu open files", (unsigned long long)limit.rlim_max);
	tell(p, &f);
}

static enum ctl_exit read_device(struct ctl *ctl, char **arguments, struct sl_device *ret_device)
{
	struct sl_why why;

	if (strcmp(arguments[0], "dev") != 0)
		return ctl_fail(ctl, CTL_USAGE, "unknown keyword '%.64s'; did you mean 'dev'?",
				arguments[0]);
	if (!arguments[1])
		return ctl_fail(ctl, CTL_USAGE, "an interface is missing behind 'dev'");
	if (sl_device_find(arguments[1], ret_device, &why) < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", why.text);
	return CTL_OK;
}

static void probe_all(struct probe *p, const struct sl_device *device)
{
	probe_kernel(p);
	probe_io_uring(p);
	probe_files(p);
	probe_sandbox(p);
	probe_ktls(p);
	probe_load(p);
	probe_bpf(p);
	probe_cookies(p);
	probe_bpffs(p);
	if (device->ifindex) {
		probe_mode(p, device, SL_MODE_GENERIC);
		probe_mode(p, device, SL_MODE_NATIVE);
	}
	if (p->load < 0)
		return;
	sl_gate_program_free(p->program);
	sl_gate_close(&p->gate);
}

enum ctl_exit ctl_feature_probe(struct ctl *ctl, char **arguments)
{
	struct probe p = { .ctl = ctl };
	struct sl_device device = { .ifindex = 0 };
	enum ctl_exit code = arguments[0] ? read_device(ctl, arguments, &device) : CTL_OK;

	if (code != CTL_OK)
		return code;
	p.list = ctl->is_json ? json_array() : NULL;
	probe_all(&p, &device);
	if (ctl->is_json)
		code = ctl_print_json(ctl, json_pack("{s:o, s:b}", "features", p.list, "complete",
						     !p.lacks_required));
	return p.lacks_required && code == CTL_OK ? CTL_FAILED : code;
}

// SPDX-License-Identifier: Apache-2.0
// The program on interfaces, in a network namespace of its own: attached, replaced, refused, off.
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kern/attach.h"
#include "kern/device.h"
#include "tap.h"

static char pins[64];
static struct sl_why why;

static int attach(enum sl_attach_mode mode, uint32_t lines, struct sl_attached *ret)
{
	struct sl_attach_options o = { .mode = mode, .image_lines = lines };

	return sl_attach(pins, "lo", &o, ret, &why);
}

/* A namespace of our own, so that nobody's lo is touched; and a place for pins. */
static bool begin(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) {
		printf("1..0 # SKIP a network namespace: %s\n", strerror(errno));
		return false;
	}
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("bpf", SL_BPFFS, "bpf", 0, NULL) < 0) {
		printf("1..0 # SKIP a BPF file system: %s\n", strerror(errno));
		return false;
	}
	snprintf(pins, sizeof(pins), SL_BPFFS "/sluice-test-%d", (int)getpid());
	return true;
}

static void bring_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	request.ifr_flags = IFF_UP;
	ok(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "lo is up");
	close(fd);
}

/* How many packets the slot has judged: one UDP datagram is sent to make some. */
static uint64_t passed(uint32_t slot)
{
	struct sl_counter c = { 0 };
	struct sl_gate gate;

	if (sl_gate_open(&gate, pins, &why) < 0)
		return 0;
	sl_gate_count(&gate, slot, SL_PASS, &c);
	sl_gate_close(&gate);
	return c.packets;
}

static void send_one(void)
{
	struct sockaddr_storage any = { .ss_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memcpy((char *)&any + 2, "\0\11\177\0\0\1", 6); /* 127.0.0.1:9 */
	sendto(fd, "x", 1, 0, (struct sockaddr *)&any, 16);
	close(fd);
}

static void test_first(void)
{
	struct sl_attached a, list[SL_INTERFACES_MAX];
	uint64_t before;
	size_t nr = 0;

	is_int(sl_attached_list(pins, list, &nr, &why), -ENOENT, "nothing is pinned at first");
	is_int(sl_detach(pins, "lo", &why), -ENOENT, "and nothing is there to be detached");
	if (!ok(attach(SL_MODE_AUTO, 0, &a) == 0, "attached"))
		printf("# %s\n", why.text);
	is_int(a.mode, SL_MODE_GENERIC, "auto is generic where there is no hardware");
	ok(strstr(a.because, "virtual") != NULL, "and says why");
	ok(!a.is_upgrade && a.slot == 0 && a.program != 0, "in the first slot");
	is_int(sl_attached_list(pins, list, &nr, &why), 0, "it can be listed");
	ok(nr == 1 && strcmp(list[0].interface, "lo") == 0 && list[0].ifindex == a.ifindex,
	   "by its name");
	before = passed(0);
	send_one();
	ok(passed(0) > before, "packets are counted");
}

static uint32_t room(void)
{
	struct sl_gate gate;
	uint32_t lines;

	if (sl_gate_open(&gate, pins, &why) < 0)
		return 0;
	lines = gate.image_lines;
	sl_gate_close(&gate);
	return lines;
}

static void test_again(void)
{
	struct sl_attached first, a;
	uint64_t before;

	attach(SL_MODE_AUTO, 0, &first);
	before = passed(0);
	is_int(attach(SL_MODE_GENERIC, 0, &a), 0, "attached again");
	ok(a.is_upgrade && a.slot == 0 && a.program != first.program, "it is another program");
	ok(passed(0) >= before, "the counters are those of before");
	is_int(attach(SL_MODE_NATIVE, 0, &a), -EEXIST, "the mode stays");
	is_int(attach(SL_MODE_AUTO, SL_IMAGE_LINES_DEFAULT + 1, &a), 0,
	       "attached again with room for more");
	ok(a.is_upgrade && a.slot == 0, "in its place");
	is_int(room(), SL_IMAGE_LINES_DEFAULT + 1, "and lists have it");
}

static void test_refusals(void)
{
	struct sl_attach_options o = { .mode = SL_MODE_AUTO };
	char other[80];
	struct sl_attached a;

	is_int(sl_attach(pins, "none0", &o, &a, &why), -ENODEV, "no such interface");
	is_int(sl_attach(pins, "../lo", &o, &a, &why), -ENODEV, "no path, either");
	is_int(sl_attach("/tmp", "lo", &o, &a, &why), -EINVAL, "no BPF file system");
	ok(strstr(why.text, "mount -t bpf") != NULL, "and how to get one");
	snprintf(other, sizeof(other), "%s-other", pins);
	is_int(sl_attach(other, "lo", &o, &a, &why), -EBUSY, "with other pins it is taken");
	ok(strstr(why.text, "sl_gate") != NULL, "and it says by whom");
	ok(access(other, F_OK) < 0, "what that has made is removed, all of it");
}

/* Of a stranger's directory: 0 if nothing is left of the try. */
static int try_as_nobody(const char *directory)
{
	struct sl_attach_options o = { .mode = SL_MODE_AUTO };
	struct sl_attached a;

	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 2;
	if (sl_attach(directory, "lo", &o, &a, &why) == 0)
		return 3;
	return access(directory, F_OK) < 0 ? 0 : 4;
}

static void test_owner(void)
{
	struct sl_attach_options o = { .mode = SL_MODE_AUTO };
	struct sl_attached a;
	struct sl_gate gate;
	char other[80];
	int status = -1;
	pid_t pid;

	snprintf(other, sizeof(other), "%s-owner", pins);
	ok(mkdir(other, 0700) == 0 && chown(other, 65534, 65534) == 0, "a directory of another's");
	is_int(sl_attach(other, "lo", &o, &a, &why), -EINVAL, "is no place for pins");
	ok(strstr(why.text, "belongs to user 65534") != NULL, "and it says whose it is");
	is_int(sl_gate_open(&gate, other, &why), -EINVAL, "nor is what lies there believed");
	ok(chown(other, 0, 0) == 0 && chmod(other, 0777) == 0, "one that all may write to");
	is_int(sl_attach(other, "lo", &o, &a, &why), -EINVAL, "is none, either");
	ok(rmdir(other) == 0, "it has nothing in it");
	pid = fork();
	if (pid == 0)
		_exit(try_as_nobody(other));
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
	   "who may not attach leaves no directory (%d)", status);
}

/* Native XDP is the driver's business, and lo has none. */
static void test_native(void)
{
	struct sl_attached a;

	is_int(attach(SL_MODE_NATIVE, 0, &a), -EOPNOTSUPP, "native where the driver has it not");
	ok(strstr(why.text, "native") != NULL, "is what it says");
}

static void test_detach(void)
{
	struct sl_attached list[SL_INTERFACES_MAX], a;
	uint64_t before = passed(0);
	size_t nr = 0;

	is_int(sl_detach(pins, "lo", &why), 0, "detached");
	send_one();
	is_int((long)passed(0), (long)before, "no packet is judged any more");
	is_int(sl_attached_list(pins, list, &nr, &why), 0, "its slot is still listed");
	ok(nr == 1 && list[0].ifindex == 0, "as detached");
	test_native();
	is_int(attach(SL_MODE_AUTO, 0, &a), 0, "attached once more");
	ok(!a.is_upgrade && passed(0) >= before, "it counts on");
	is_int(sl_detach_all(pins, &why), 0, "all is detached");
	ok(access(pins, F_OK) < 0, "and no pin is left");
}

/* Lets all pass: as the program of another, of that name. */
static int hold(const char *name)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", insns, 2, NULL);
	int link = bpf_link_create(program, (int)if_nametoindex("lo"), BPF_XDP, &options);

	close(program);
	return link;
}

static void test_others(void)
{
	static const char *const others[][2] = { { "somebodys", "bpftool net show" },
						 { "xdp_dispatcher", "xdp-loader unload" } };
	struct sl_attached a;
	struct sl_holder h;

	for (size_t i = 0; i < 2; i++) {
		int link = hold(others[i][0]);

		ok(link >= 0, "%s holds the interface", others[i][0]);
		is_int(attach(SL_MODE_AUTO, 0, &a), -EBUSY, "so it is taken");
		ok(strstr(why.text, others[i][0]) && strstr(why.text, others[i][1]),
		   "it says by whom, and what to do");
		ok(sl_device_holder(if_nametoindex("lo"), &h) == 0 &&
			   strcmp(h.name, others[i][0]) == 0,
		   "who was there stays");
		is_int(sl_detach(pins, "lo", &why), -ENOENT, "detaching takes off nobody else's");
		ok(sl_device_holder(if_nametoindex("lo"), &h) == 0 && h.program,
		   "who was there still stays");
		close(link);
	}
	ok(access(pins, F_OK) < 0, "what attaching has made is removed");
}

static void test_lines(void)
{
	is_int(sl_image_lines_for(UINT64_MAX), SL_IMAGE_LINES_MAX, "room has a limit");
	ok(sl_image_lines_for(1000000) > 1700000, "a million prefixes, however spread");
}

int main(void)
{
	struct sl_gate_program *program;
	struct sl_gate_options options = { 0 };
	struct sl_gate gate;

	int ret = sl_gate_load(&gate, &options, &program, &why);

	if (ret == -EPERM) {
		printf("1..0 # SKIP %s\n", why.text);
		return 0;
	}
	if (!ok(ret == 0, "the program loads")) {
		printf("# %s\n", why.text);
		return done_testing();
	}
	sl_gate_program_free(program);
	sl_gate_close(&gate);
	if (!begin())
		return 0;
	bring_up();
	test_first();
	test_again();
	test_refusals();
	test_owner();
	test_detach();
	test_others();
	test_lines();
	return done_testing();
}

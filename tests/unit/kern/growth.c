// SPDX-License-Identifier: Apache-2.0
// A list that outgrows its room while packets come, by processes that are killed on the way; and
// lists that can be had by who has CAP_BPF and CAP_NET_ADMIN alone.
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/attach.h"
#include "kern/growth.h"
#include "tap.h"

#define LINES_LITTLE 70000u /* room for IPv4's nodes and little else */
#define KILLS 10

static char pins[64];
static struct sl_why why;

/* ---- lists ---- */

/* 127.0.0.2 and as many others, none of which is of 127.0.0.0/8. */
static struct sl_prefixes make_list(uint32_t nr)
{
	struct sl_rule rule = { .action = SL_ACTION_DROP, .list = "default" };
	struct sl_prefix p = { .lo = 0xffffull << 32 | 0x7f000002, .length = 128 };
	struct sl_prefixes list = { 0 };

	p.rule = (uint16_t)sl_prefixes_rule(&list, &rule);
	sl_prefixes_add(&list, &p);
	for (uint32_t i = 0; i < nr; i++) {
		p.lo = 0xffffull << 32 | (0x0a000000 + i * 7);
		sl_prefixes_add(&list, &p);
	}
	return list;
}

static int publish(uint32_t nr, uint32_t *ret_lines)
{
	struct sl_prefixes list = make_list(nr);
	int lock = sl_gate_lock(pins), ret = lock;
	struct sl_gate gate;

	if (lock >= 0)
		ret = sl_gate_open(&gate, pins, &why);
	if (ret >= 0) {
		ret = sl_gate_publish(&gate, &list, &why);
		*ret_lines = gate.image_lines;
		sl_gate_close(&gate);
	}
	if (lock >= 0)
		close(lock);
	sl_prefixes_fini(&list);
	return ret;
}

static size_t published(void)
{
	struct sl_prefixes list = { 0 };
	struct sl_gate gate;
	size_t nr;

	if (sl_gate_open(&gate, pins, &why) < 0)
		return 0;
	sl_gate_read(&gate, &list, &why);
	nr = list.nr;
	sl_prefixes_fini(&list);
	sl_gate_close(&gate);
	return nr;
}

static unsigned count_pins(const char *prefix)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;
	unsigned nr = 0;

	while (dir && (entry = readdir(dir)))
		nr += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (dir)
		closedir(dir);
	return nr;
}

static uint64_t counted(enum sl_verdict verdict)
{
	struct sl_counter c = { 0 };
	struct sl_gate gate;

	if (sl_gate_open(&gate, pins, &why) < 0)
		return 0;
	sl_gate_count(&gate, 0, verdict, &c);
	sl_gate_close(&gate);
	return c.packets;
}

/* ---- packets ---- */

static struct sockaddr_storage address(const char *bytes)
{
	struct sockaddr_storage a = { .ss_family = AF_INET };

	memcpy((char *)&a + 2, bytes, 6);
	return a;
}

#define RECEIVER "\x23\x28\177\0\0\1" /* 127.0.0.1:9000 */

struct flood {
	pthread_t thread;
	const char *from;
	atomic_bool is_over;
	uint64_t sent;
};

static void *send_packets(void *arg)
{
	struct sockaddr_storage to = address(RECEIVER);
	struct flood *f = arg;
	struct sockaddr_storage from = address(f->from);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	bind(fd, (struct sockaddr *)&from, 16);
	while (!f->is_over)
		f->sent += sendto(fd, f->from, 6, 0, (struct sockaddr *)&to, 16) == 6;
	close(fd);
	return NULL;
}

/* Counts what came, by the source that it names: the denied one, and the other one. */
struct receiver {
	pthread_t thread;
	int fd;
	atomic_bool is_over;
	uint64_t denied, others;
};

static void *receive_packets(void *arg)
{
	struct receiver *r = arg;
	char bytes[8];

	while (!r->is_over) {
		ssize_t n = recv(r->fd, bytes, sizeof(bytes), 0);

		if (n != 6)
			continue;
		if (bytes[5] == 2)
			r->denied++;
		else
			r->others++;
	}
	return NULL;
}

static struct flood floods[] = { { .from = "\0\0\177\0\0\2" }, { .from = "\0\0\177\0\0\3" } };
static struct receiver receiver;

static void begin_traffic(void)
{
	struct sockaddr_storage own = address(RECEIVER);
	struct timeval tick = { .tv_usec = 10000 };

	receiver = (struct receiver){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	bind(receiver.fd, (struct sockaddr *)&own, 16);
	setsockopt(receiver.fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	pthread_create(&receiver.thread, NULL, receive_packets, &receiver);
	for (int i = 0; i < 2; i++) {
		floods[i].is_over = false;
		floods[i].sent = 0;
		pthread_create(&floods[i].thread, NULL, send_packets, &floods[i]);
	}
}

static void end_traffic(const char *during)
{
	for (int i = 0; i < 2; i++) {
		floods[i].is_over = true;
		pthread_join(floods[i].thread, NULL);
	}
	usleep(50000);
	receiver.is_over = true;
	pthread_join(receiver.thread, NULL);
	close(receiver.fd);
	printf("# %s: %llu packets of who is denied\n", during, (unsigned long long)floods[0].sent);
	ok(floods[0].sent > 0 && receiver.denied == 0, "%s: no packet of who is denied passes",
	   during);
	ok(receiver.others > 0, "%s: others' do", during);
}

/* ---- growing ---- */

static void test_growth(void)
{
	uint64_t dropped = counted(SL_DROP_DENY), before;
	uint32_t lines = 0;

	is_int(publish(1000, &lines), 0, "a list that has room");
	is_int(lines, LINES_LITTLE, "is published in it");
	is_int(count_pins("list_"), 2, "it has a pin, and so has the one before");
	begin_traffic();
	usleep(20000);
	before = floods[0].sent;
	if (!ok(publish(60000, &lines) == 0, "one that has not gets it"))
		printf("# %s\n", why.text);
	ok(lines > LINES_LITTLE, "%u lines", lines);
	is_int(published(), 60001, "it is the list that holds");
	is_int(count_pins("list_"), 2, "two lists are pinned");
	is_int(count_pins("image_next"), 0, "and no array but the one");
	usleep(20000);
	ok(floods[0].sent > before, "packets came meanwhile");
	end_traffic("while it grows");
	ok(counted(SL_DROP_DENY) - dropped >= floods[0].sent, "each of them is counted");
	is_int(publish(0, &lines), 0, "a small one is published again");
	is_int(published(), 1, "in the large room");
}

static void test_others_follow(void)
{
	struct sl_prefixes list = { 0 };
	struct sl_gate early;
	uint32_t lines;

	sl_gate_open(&early, pins, &why);
	lines = early.image_lines;
	is_int(sl_gate_grow(&early, lines + 5000, &why), 0, "grown with the list that holds");
	is_int(early.image_lines, lines + 5000, "whoever does it knows");
	sl_gate_close(&early);
	sl_gate_open(&early, pins, &why);
	is_int(publish(150000, &lines), 0, "another lets it grow");
	is_int(sl_gate_read(&early, &list, &why), 0, "who had it open before");
	is_int((long)list.nr, 150001, "has the new list");
	is_int(early.image_lines, lines, "and knows of the room");
	sl_prefixes_fini(&list);
	sl_gate_close(&early);
}

/* ---- killed on the way ---- */

static void attach_little(void)
{
	struct sl_attach_options o = { .image_lines = LINES_LITTLE };
	struct sl_attached a;
	uint32_t lines;

	if (sl_attach(pins, "lo", &o, &a, &why) < 0 || publish(10, &lines) < 0)
		printf("# %s\n", why.text);
}

/* 0: it is not killed.  How long it took. */
static uint64_t grow_and_be_killed(uint64_t after_ns)
{
	uint64_t start_ns = sl_now_ns();
	pid_t pid = fork();
	uint32_t lines;

	if (pid == 0)
		_exit(publish(60000, &lines) < 0);
	if (after_ns) {
		usleep((useconds_t)(after_ns / 1000));
		kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	return sl_now_ns() - start_ns;
}

/* The first one comes to its end, which says when the others are to die: from early to late. */
static void test_killed(void)
{
	unsigned whole = 0, grown = 0;
	uint64_t took_ns = 0;

	for (unsigned i = 0; i < KILLS; i++) {
		uint32_t lines;
		size_t nr;

		sl_detach_all(pins, &why);
		attach_little();
		begin_traffic();
		if (i == 0)
			took_ns = grow_and_be_killed(0);
		else
			grow_and_be_killed(took_ns * i / (KILLS - 2));
		close(sl_gate_lock(pins));
		nr = published();
		grown += nr == 60001;
		whole += (nr == 11 || nr == 60001) && count_pins("image_next") == 0 &&
			 publish(30000, &lines) == 0 && published() == 30001 &&
			 count_pins("list_") == 2;
		end_traffic("killed");
	}
	is_int(whole, KILLS, "killed at any time, it leaves what the next one can go on with");
	ok(grown > 0, "%u of %u had come to their end", grown, KILLS);
}

/* Exactly between the pin of the new array and the first link. */
static void test_half(void)
{
	uint32_t lines = LINES_LITTLE + 1000, zero = 0, one = 1;
	struct sl_prefixes list = make_list(5);
	struct sl_gate gate, next;
	struct sl_gate_options o = { .image_lines = lines };
	struct sl_gate_program *program;
	char path[100];
	int fd;

	sl_gate_open(&gate, pins, &why);
	sl_gate_load(&next, &o, &program, &why);
	sl_gate_publish(&next, &list, &why);
	fd = sl_gate_image_fd(&next, 0);
	sl_list_pin(&gate, fd);
	bpf_map_update_elem(next.image, &one, &fd, 0);
	bpf_map_update_elem(next.image, &zero, &fd, 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/image_next", pins);
	ok(bpf_obj_pin(next.image, path) == 0, "one began to grow, and is gone");
	sl_gate_program_free(program);
	sl_gate_close(&next);
	close(sl_gate_lock(pins));
	is_int(count_pins("image_next"), 0, "the next one ends it");
	is_int((long)published(), 6, "with the list that was to be");
	sl_gate_refresh(&gate);
	is_int(gate.image_lines, lines, "who has it open follows");
	sl_gate_close(&gate);
	sl_prefixes_fini(&list);
	begin_traffic();
	usleep(20000);
	end_traffic("by the new array");
}

static void test_refused(void)
{
	struct sl_gate gate;
	int ret;

	sl_gate_open(&gate, pins, &why);
	ret = sl_gate_grow(&gate, UINT32_MAX, &why);
	ok(ret < 0 && strstr(why.text, "memory for a list") != NULL, "what cannot be had: %s",
	   why.text);
	sl_gate_close(&gate);
	is_int((long)published(), 6, "changes nothing");
}

/* ---- without CAP_SYS_ADMIN ---- */

#define BIT(cap) (1u << ((cap)&31))

static int keep_only(unsigned second_half)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0 } };

	caps[0].permitted = caps[0].effective = BIT(CAP_NET_ADMIN);
	caps[1].permitted = caps[1].effective = second_half;
	return (int)syscall(SYS_capset, &head, caps);
}

/* To load a program takes CAP_PERFMON too: without it the verifier takes much for a leak. */
static int change_with_few(void)
{
	uint32_t lines, old;

	if (keep_only(BIT(CAP_BPF) | BIT(CAP_PERFMON)) < 0 || publish(200000, &old) < 0 ||
	    published() != 200001)
		return 1;
	if (keep_only(BIT(CAP_BPF)) < 0 || publish(100, &lines) < 0 || published() != 101)
		return 2;
	return lines == old ? 0 : 3;
}

static void test_capabilities(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(change_with_few());
	waitpid(pid, &status, 0);
	is_int(WEXITSTATUS(status), 0, "no CAP_SYS_ADMIN is needed to read, to change and to grow");
	is_int((long)published(), 101, "as others see, too");
}

/* ---- a namespace of our own ---- */

static bool begin(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bpf", SL_BPFFS, "bpf", 0, NULL) < 0) {
		printf("1..0 # SKIP a network namespace and a BPF file system: %s\n",
		       strerror(errno));
		return false;
	}
	snprintf(pins, sizeof(pins), SL_BPFFS "/sluice-test-%d", (int)getpid());
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return true;
}

int main(void)
{
	struct sl_attach_options o = { .image_lines = LINES_LITTLE };
	struct sl_attached a;
	int ret;

	if (!begin())
		return 0;
	ret = sl_attach(pins, "lo", &o, &a, &why);
	if (ret == -EPERM) {
		printf("1..0 # SKIP %s\n", why.text);
		return 0;
	}
	if (ok(ret == 0, "attached")) {
		test_growth();
		test_others_follow();
		test_killed();
		test_half();
		test_refused();
		test_capabilities();
	} else {
		printf("# %s\n", why.text);
	}
	is_int(sl_detach_all(pins, &why), 0, "detached");
	ok(access(pins, F_OK) < 0, "nothing is left");
	return done_testing();
}

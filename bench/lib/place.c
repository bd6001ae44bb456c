// SPDX-License-Identifier: Apache-2.0
// Two network namespaces and what is between them.
#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- namespaces ---- */

static int new_space(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int bench_place_enter(int space)
{
	return setns(space, CLONE_NEWNET) < 0 ? -errno : 0;
}

int bench_place_open(struct place *ret_place)
{
	struct place p = { .far = new_space(), .near = -1 };

	if (p.far < 0)
		return p.far;
	p.near = new_space();
	if (p.near < 0) {
		close(p.far);
		return p.near;
	}
	*ret_place = p;
	return 0;
}

void bench_place_close(struct place *p)
{
	close(p->near);
	close(p->far);
}

/* ---- commands ---- */

static int feed(int fd, const char *input)
{
	size_t left = input ? strlen(input) : 0;

	while (left > 0) {
		ssize_t n = write(fd, input, left);

		if (n < 0)
			return -errno;
		input += n;
		left -= (size_t)n;
	}
	return 0;
}

int bench_command(const char *input, const char *const argv[])
{
	int ends[2], status = -1;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		dup2(ends[0], STDIN_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(ends[0]);
	if (child > 0)
		feed(ends[1], input); /* one that does not read all says so by its status */
	close(ends[1]);
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
		return -EIO;
	return 0;
}

static int ip_command(const char *text)
{
	return bench_command(text, (const char *[]){ "ip", "-batch", "-", NULL });
}

/* ---- pairs ---- */

static int far_end(const struct place *p, struct pair *pair)
{
	char text[256];
	int ret = bench_place_enter(p->far);

	if (ret < 0)
		return ret;
	snprintf(text, sizeof(text),
		 "link set lo up\naddr add 10.99.%u.2/24 dev %s\nlink set %s up\n", pair->number,
		 pair->far_name, pair->far_name);
	ret = ip_command(text);
	pair->far_index = (int)if_nametoindex(pair->far_name);
	return bench_place_enter(p->near) < 0 ? -EIO : ret;
}

/* With a route to everywhere: else packets of most sources would be lost before they count. */
int bench_pair_make(const struct place *p, unsigned number, struct pair *ret_pair)
{
	struct pair pair = { .number = number, .near_mac = { 2, 0, 0, 0, (uint8_t)number, 1 } };
	char text[512];
	int ret;

	/* A kernel thread's name has room for few more letters, and must not be another's. */
	snprintf(pair.near_name, sizeof(pair.near_name), "n%c%d", 'a' + (int)number,
		 (int)(getpid() % 10000));
	snprintf(pair.far_name, sizeof(pair.far_name), "f%u", number);
	snprintf(text, sizeof(text),
		 "link add %s address 02:00:00:00:%02x:01 type veth peer name %s netns "
		 "/proc/%d/fd/%d\n"
		 "addr add 10.99.%u.1/24 dev %s\nlink set lo up\nlink set %s up\n"
		 "route add default via 10.99.%u.2 metric %u\n",
		 pair.near_name, number, pair.far_name, (int)getpid(), p->far, number,
		 pair.near_name, pair.near_name, number, number + 1);
	ret = ip_command(text);
	if (ret == 0)
		ret = far_end(p, &pair);
	pair.near_index = (int)if_nametoindex(pair.near_name);
	if (ret == 0)
		*ret_pair = pair;
	return ret;
}

/* veth has receive queues of its own, which a thread can serve, only with GRO or native XDP. */
static int set_gro(const char *name)
{
	struct ethtool_value on = { .cmd = ETHTOOL_SGRO, .data = 1 };
	struct ifreq request = { .ifr_data = (void *)&on };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	memcpy(request.ifr_name, name, sizeof(request.ifr_name));
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* /sys shows the interfaces of the namespace that it was mounted in, so another one is mounted,
 * where nobody else sees it. */
static int set_threaded(const char *name)
{
	char path[64];
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/sys/class/net/%s/threaded", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		return -errno;
	return 0;
}

static int read_number(const char *path, const char *format, void *ret)
{
	FILE *f = fopen(path, "re");
	int nr = f ? fscanf(f, format, ret) : 0;

	if (f)
		fclose(f);
	return nr == 1 ? 0 : -ENOENT;
}

/* Calls back with each thread's number: the kernel names them "napi/INTERFACE-NUMBER". */
static void each_thread(const struct pair *pair, void (*call)(int thread, void *arg), void *arg)
{
	char want[32], name[32], path[64];
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	snprintf(want, sizeof(want), "napi/%s-", pair->near_name);
	while (dir && (entry = readdir(dir))) {
		int thread = (int)strtol(entry->d_name, NULL, 10);

		snprintf(path, sizeof(path), "/proc/%d/comm", thread);
		if (thread > 0 && read_number(path, "%31s", name) == 0 &&
		    strncmp(name, want, strlen(want)) == 0)
			call(thread, arg);
	}
	if (dir)
		closedir(dir);
}

static void pin_thread(int thread, void *arg)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(thread, sizeof(set), &set);
	*(unsigned *)arg += 1;
}

int bench_pair_thread(const struct pair *pair)
{
	int ret = set_gro(pair->near_name), status = -1;
	unsigned nr = 0;
	pid_t child;

	if (ret < 0)
		return ret;
	child = fork();
	if (child == 0)
		_exit(set_threaded(pair->near_name) < 0);
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
		return -EIO;
	each_thread(pair, pin_thread, &nr);
	bench_pin(0);
	return nr ? 0 : -ESRCH;
}

static void add_cpu(int thread, void *arg)
{
	unsigned long long ns;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", thread);
	if (read_number(path, "%llu", &ns) == 0)
		*(uint64_t *)arg += ns;
}

uint64_t bench_pair_cpu_ns(const struct pair *pair)
{
	uint64_t ns = 0;

	each_thread(pair, add_cpu, &ns);
	return ns;
}

uint32_t bench_pair_received(const struct pair *pair)
{
	struct ifaddrs *all = NULL;
	uint32_t nr = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET &&
		    strcmp(i->ifa_name, pair->near_name) == 0)
			nr = ((struct rtnl_link_stats *)i->ifa_data)->rx_packets;
	freeifaddrs(all);
	return nr;
}

#define DELIVERED_AT 9 /* InDelivers, counted from 1 after "Ip:" */

/* Of the two lines that begin with "Ip:", the first has names. */
uint64_t bench_place_delivered(void)
{
	FILE *f = fopen("/proc/self/net/snmp", "re");
	char line[1024], *at = NULL;
	uint64_t nr = 0;

	while (f && !at && fgets(line, sizeof(line), f))
		if (strncmp(line, "Ip: ", 4) == 0 && line[4] >= '0' && line[4] <= '9')
			at = line + 4;
	for (int i = 0; at && i < DELIVERED_AT; i++)
		nr = strtoull(at, &at, 10);
	if (f)
		fclose(f);
	return nr;
}

/* ---- processors ---- */

unsigned bench_last_cpu(void)
{
	long nr = sysconf(_SC_NPROCESSORS_ONLN);

	return nr > 1 ? (unsigned)nr - 1 : 0;
}

void bench_pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

// SPDX-License-Identifier: Apache-2.0
// c-ares, with its sockets polled beside our own wake-up.
#include "upstream/asker.h"

#include <ares.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"

enum {
	WAIT_MAX_MS = 3600 * 1000,
	TRIES = 3,
	TRY_PARTS = 7,	 /* each try waits twice as long as the one before: 1 + 2 + 4 */
	TTL_NONE_S = 30, /* of what has none: /etc/hosts */
};

struct sl_asker {
	ares_channel channel;
};

struct question {
	void (*done)(void *arg, struct sl_answer *answer);
	void *arg;
};

/* As getaddrinfo's AI_ADDRCONFIG: addresses that this host cannot reach anyway are left out. */
static bool has_ipv6(void)
{
	struct ifaddrs *all, *i;
	bool has = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (i = all; i && !has; i = i->ifa_next) {
		const struct sockaddr_in6 *in6 = (const void *)i->ifa_addr;

		has = in6 && in6->sin6_family == AF_INET6 && !(i->ifa_flags & IFF_LOOPBACK) &&
		      !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr);
	}
	freeifaddrs(all);
	return has;
}

static bool is_known(const struct sl_answer *answer, const struct sl_ip *ip)
{
	for (unsigned i = 0; i < answer->nr; i++)
		if (memcmp(&answer->ips[i], ip, sizeof(*ip)) == 0)
			return true;
	return false;
}

static void add_family(struct sl_answer *answer, const struct ares_addrinfo *info, int family)
{
	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		struct sl_addr addr = { .len = node->ai_addrlen };
		struct sl_ip ip;

		if (node->ai_family != family || answer->nr == SL_NAME_ADDRESSES_MAX ||
		    node->ai_addrlen > sizeof(addr.un))
			continue;
		memcpy(&addr.sa, node->ai_addr, node->ai_addrlen);
		ip = sl_addr_ip(&addr);
		if (is_known(answer, &ip))
			continue;
		answer->ips[answer->nr++] = ip;
		if (node->ai_ttl > 0 && (uint64_t)node->ai_ttl < answer->ttl_s)
			answer->ttl_s = (uint64_t)node->ai_ttl;
	}
}

static void read_info(struct sl_answer *answer, const struct ares_addrinfo *info)
{
	bool has_ttl = false;

	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
		has_ttl |= node->ai_ttl > 0;
	answer->ttl_s = has_ttl ? UINT32_MAX : TTL_NONE_S;
	add_family(answer, info, AF_INET);
	if (answer->nr == 0 || has_ipv6())
		add_family(answer, info, AF_INET6);
}

static int error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return -ENOENT;
	case ARES_EDESTRUCTION:
	case ARES_ECANCELLED:
		return -ECANCELED;
	case ARES_ENOMEM:
		return -ENOMEM;
	default:
		return -ETIMEDOUT;
	}
}

static void on_info(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question q = *(struct question *)arg;
	struct sl_answer answer = { .error = error_of(status) };

	free(arg);
	if (answer.error == 0)
		read_info(&answer, info);
	if (info)
		ares_freeaddrinfo(info);
	if (answer.error == 0 && answer.nr == 0)
		answer.error = -ENOENT;
	q.done(q.arg, &answer);
}

static int open_channel(ares_channel *ret, const char *servers, uint64_t try_ns)
{
	struct ares_options options = { .timeout = try_ns < SL_MS ? 1 : (int)(try_ns / SL_MS),
					.tries = TRIES };
	ares_channel channel;

	if (ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) !=
	    ARES_SUCCESS)
		return -ENOMEM;
	if (servers && ares_set_servers_ports_csv(channel, servers) != ARES_SUCCESS) {
		ares_destroy(channel);
		return -EINVAL;
	}
	*ret = channel;
	return 0;
}

static unsigned count_servers(ares_channel channel)
{
	struct ares_addr_port_node *all = NULL;
	unsigned nr = 0;

	if (ares_get_servers_ports(channel, &all) == ARES_SUCCESS)
		for (const struct ares_addr_port_node *i = all; i; i = i->next)
			nr++;
	ares_free_data(all);
	return nr;
}

/* Each server is tried TRIES times, one after the other: more of them have less time each. */
static int open_in_time(ares_channel *ret, const char *servers, uint64_t timeout_ns)
{
	unsigned nr;
	int error = open_channel(ret, servers, timeout_ns / TRY_PARTS);

	if (error < 0)
		return error;
	nr = count_servers(*ret);
	if (nr < 2)
		return 0;
	ares_destroy(*ret);
	return open_channel(ret, servers, timeout_ns / TRY_PARTS / nr);
}

struct sl_asker *sl_asker_new(const char *servers, uint64_t timeout_ns)
{
	struct sl_asker *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(a);
		return NULL;
	}
	if (open_in_time(&a->channel, servers, timeout_ns) < 0) {
		ares_library_cleanup();
		free(a);
		return NULL;
	}
	return a;
}

void sl_asker_free(struct sl_asker *a)
{
	if (!a)
		return;
	ares_destroy(a->channel);
	ares_library_cleanup();
	free(a);
}

void sl_asker_ask(struct sl_asker *a, const char *host,
		  void (*done)(void *arg, struct sl_answer *answer), void *arg)
{
	/* No sorting by reachability: that would open a socket for each address. */
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT };
	struct question *q = malloc(sizeof(*q));

	if (!q) {
		struct sl_answer answer = { .error = -ENOMEM };

		done(arg, &answer);
		return;
	}
	*q = (struct question){ done, arg };
	ares_getaddrinfo(a->channel, host, NULL, &hints, on_info, q);
}

static unsigned list_sockets(ares_channel channel, struct pollfd *ret)
{
	ares_socket_t fds[ARES_GETSOCK_MAXNUM];
	unsigned bits = (unsigned)ares_getsock(channel, fds, ARES_GETSOCK_MAXNUM), nr = 0;

	for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		/* ARES_GETSOCK_WRITABLE() shifts a one out of its int at the last socket. */
		bool reads = bits >> i & 1, writes = bits >> (i + ARES_GETSOCK_MAXNUM) & 1;
		short events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));

		if (events)
			ret[nr++] = (struct pollfd){ .fd = fds[i], .events = events };
	}
	return nr;
}

static int wait_ms(struct sl_asker *a, uint64_t until_ns)
{
	uint64_t now_ns = sl_now_ns();
	uint64_t ms = until_ns > now_ns ? (until_ns - now_ns + SL_MS - 1) / SL_MS : 0;
	struct timeval most, own, *next;

	if (ms > WAIT_MAX_MS)
		ms = WAIT_MAX_MS;
	if (!a)
		return (int)ms;
	most = (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };
	next = ares_timeout(a->channel, &most, &own);
	return (int)(next->tv_sec * 1000 + (next->tv_usec + 999) / 1000);
}

static ares_socket_t if_ready(const struct pollfd *p, short events)
{
	return p->revents & (events | POLLERR | POLLHUP) ? p->fd : ARES_SOCKET_BAD;
}

void sl_asker_wait(struct sl_asker *a, int wake_fd, uint64_t until_ns)
{
	struct pollfd fds[ARES_GETSOCK_MAXNUM + 1] = { { .fd = wake_fd, .events = POLLIN } };
	unsigned nr = 1 + (a ? list_sockets(a->channel, fds + 1) : 0);
	eventfd_t n;

	if (poll(fds, nr, wait_ms(a, until_ns)) < 0)
		return;
	if (fds[0].revents)
		eventfd_read(wake_fd, &n);
	for (unsigned i = 1; i < nr; i++)
		if (fds[i].revents)
			ares_process_fd(a->channel, if_ready(&fds[i], POLLIN),
					if_ready(&fds[i], POLLOUT));
	if (a)
		ares_process_fd(a->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* timeouts */
}

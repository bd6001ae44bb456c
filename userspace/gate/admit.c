// SPDX-License-Identifier: Apache-2.0
// Who is let in, at accept and behind proxies; and the way from failures to punishments.
#include "gate/admit.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "kern/punish.h"

/* ---- where a connection came from ---- */

static uint32_t ifindex_in(const struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c)) {
		struct in_pktinfo info4;
		struct in6_pktinfo info6;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&info4, CMSG_DATA(c), sizeof(info4));
			return (uint32_t)info4.ipi_ifindex;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(c), sizeof(info6));
			return info6.ipi6_ifindex;
		}
	}
	return 0;
}

/* The interface that the first packet of a TCP connection came in by, which the kernel keeps; 0 if
 * it does not say. */
static uint32_t interface_of(int fd, int family)
{
	static const int ipv6_2292_options = 6; /* IPV6_2292PKTOPTIONS, of linux/in6.h */
	bool is_v4 = family == AF_INET;
	int level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6, on = 1, off = 0;
	int wanted = is_v4 ? IP_PKTINFO : IPV6_RECVPKTINFO;
	_Alignas(struct cmsghdr) char mem[256];
	socklen_t len = sizeof(mem);
	struct msghdr m = { .msg_control = mem };
	int ret;

	if (setsockopt(fd, level, wanted, &on, sizeof(on)) < 0)
		return 0;
	ret = getsockopt(fd, level, is_v4 ? IP_PKTOPTIONS : ipv6_2292_options, mem, &len);
	setsockopt(fd, level, wanted, &off, sizeof(off));
	if (ret < 0)
		return 0;
	m.msg_controllen = len;
	return ifindex_in(&m);
}

/* ---- verdicts ---- */

static bool is_let_in(enum sl_guard_verdict verdict)
{
	return verdict < SL_GUARD_DROP;
}

static void count(struct sl_stats *s, enum sl_guard_verdict verdict, enum sl_guard_verdict shadow)
{
	if (shadow != SL_GUARD_PASS)
		sl_count(&s->shadow_denials, 1);
	switch (verdict) {
	case SL_GUARD_PASS:
	case SL_GUARD_MANAGE:
	case SL_GUARD_ALLOW:
		return;
	case SL_GUARD_DROP:
	case SL_GUARD_REJECT:
		sl_count(&s->denied_by_list, 1);
		return;
	case SL_GUARD_PUNISHED:
		sl_count(&s->denied_punished, 1);
		return;
	case SL_GUARD_LIMIT:
		sl_count(&s->denied_by_limit, 1);
		return;
	}
}

static enum sl_guard_verdict judge(struct sl_worker *w, const struct sl_guard_rules *r,
				   const struct sl_guest *guest)
{
	enum sl_guard_verdict shadow, verdict;

	verdict = sl_guard_judge(w->shared->guard, r, guest, w->loop.now_ns, &shadow);
	count(w->stats, verdict, shadow);
	return verdict;
}

static void refuse(struct sl_worker *w, int fd, const struct sl_ip *ip,
		   enum sl_guard_verdict verdict)
{
	static const struct linger reset = { 1, 0 };
	char mem[INET6_ADDRSTRLEN];
	struct sl_out o;

	if (verdict == SL_GUARD_REJECT)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (__builtin_expect(sl_log_is_on(SL_LOG_DEBUG), 0)) {
		sl_out_init(&o, mem, sizeof(mem));
		sl_ip_print(&o, ip);
		sl_log_debug("client.denied", "client=%.*s", SL_STR_ARG(sl_out_done(&o)));
	}
	sl_ring_close(&w->loop, fd);
}

/* Many clients come by one proxy: nothing that one of them does is held against it. */
static bool is_proxy(const struct sl_rules *rules, const struct sl_listener_conf *l,
		     const struct sl_ip *ip)
{
	const struct sl_forwarded *fw = &rules->forwarded;

	return sl_nets_have(l->proxy_from, l->proxy_from_nr, ip) ||
	       sl_nets_have(fw->trusted_proxies, fw->trusted_proxies_nr, ip);
}

/* What is punished is all that counts as one client, 64 bits of IPv6 say: a proxy that has its
 * place there would be cut off too, and all who come by it. */
static bool is_beside_proxy(const struct sl_guard_rules *r, const struct sl_net *nets, unsigned nr,
			    const struct sl_ip *ip)
{
	struct sl_address client = sl_guard_client(r, ip);

	for (unsigned i = 0; i < nr; i++) {
		struct sl_address proxy = sl_guard_client(r, &nets[i].ip);

		if (proxy.hi == client.hi && proxy.lo == client.lo)
			return true;
	}
	return false;
}

static bool is_spared(const struct sl_rules *rules, const struct sl_guard_rules *r,
		      const struct sl_listener_conf *l, const struct sl_ip *ip)
{
	const struct sl_forwarded *fw = &rules->forwarded;

	return is_proxy(rules, l, ip) ||
	       is_beside_proxy(r, fw->trusted_proxies, fw->trusted_proxies_nr, ip) ||
	       is_beside_proxy(r, l->proxy_from, l->proxy_from_nr, ip);
}

bool sl_admit_connection(struct sl_acceptor *a, int fd, struct sl_addr *ret_peer)
{
	struct sl_worker *w = a->worker;
	const struct sl_guard_rules *r = sl_guard_rules(w->shared->guard);
	enum sl_guard_verdict verdict;
	struct sl_guest guest;
	struct sl_ip ip;

	ret_peer->len = sizeof(ret_peer->un);
	if (!r || getpeername(fd, &ret_peer->sa, &ret_peer->len) < 0 ||
	    ret_peer->sa.sa_family == AF_UNIX) {
		ret_peer->len = 0;
		return true;
	}
	ip = sl_addr_ip(ret_peer);
	guest = (struct sl_guest){
		.ip = &ip,
		.port = sl_addr_port(&a->conf->address),
		.is_new = !is_proxy(w->view->rules, a->conf, &ip),
	};
	if (sl_guard_asks_interface(r))
		guest.ifindex = interface_of(fd, ret_peer->sa.sa_family);
	verdict = judge(w, r, &guest);
	if (is_let_in(verdict))
		return true;
	refuse(w, fd, &ip, verdict);
	return false;
}

bool sl_admit_proxied(struct sl_client *c)
{
	static const struct linger reset = { 1, 0 };
	struct sl_worker *w = c->worker;
	const struct sl_guard_rules *r = sl_guard_rules(w->shared->guard);
	struct sl_guest guest = {
		.ip = &c->ip,
		.port = sl_addr_port(&c->acceptor->conf->address),
		.is_new = true,
	};
	enum sl_guard_verdict verdict = r ? judge(w, r, &guest) : SL_GUARD_PASS;

	if (verdict == SL_GUARD_REJECT)
		setsockopt(c->conn.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return is_let_in(verdict);
}

/* ---- requests ---- */

static bool is_forwarded(const struct sl_exchange *x)
{
	return memcmp(&x->client_ip, &x->client->ip, sizeof(x->client_ip)) != 0;
}

/* Its connection may be older than its punishment, and may have come past the kernel half. */
static const char *admit_direct(struct sl_exchange *x, const struct sl_guard_rules *r)
{
	if (!sl_guard_is_punished(x->worker->shared->guard, r, &x->client_ip,
				  x->worker->loop.now_ns))
		return NULL;
	sl_count(&x->worker->stats->denied_punished, 1);
	x->must_close = true;
	return "client_punished";
}

const char *sl_admit_request(struct sl_exchange *x)
{
	struct sl_worker *w = x->worker;
	const struct sl_guard_rules *r = sl_guard_rules(w->shared->guard);
	const struct sl_guest guest = {
		.ip = &x->client_ip,
		.port = sl_addr_port(&x->client->acceptor->conf->address),
	};
	enum sl_guard_verdict verdict;

	if (!r)
		return NULL;
	if (!is_forwarded(x))
		return admit_direct(x, r);
	verdict = judge(w, r, &guest);
	if (is_let_in(verdict))
		return NULL;
	return verdict == SL_GUARD_PUNISHED ? "client_punished" : "client_denied";
}

static bool has_address(const struct sl_ip *ip)
{
	static const struct sl_ip none;

	return memcmp(ip, &none, sizeof(none)) != 0; /* else it is a unix socket */
}

static bool is_punishable(const struct sl_worker *w, const struct sl_rules *rules,
			  const struct sl_listener_conf *l, const struct sl_ip *ip)
{
	const struct sl_guard_rules *r = sl_guard_rules(w->shared->guard);

	return r && r->punish.after.nr && has_address(ip) && !is_spared(rules, r, l, ip);
}

/* True when the client is punished from now on. */
static bool punish(struct sl_worker *w, const struct sl_offence *o)
{
	switch (sl_guard_failed(w->shared->guard, o, w->loop.now_ns)) {
	case SL_PUNISH_NOT:
		return false;
	case SL_PUNISH_SHADOW:
		sl_count(&w->stats->punishments_shadow, 1);
		return false;
	case SL_PUNISH_NO_BUDGET:
		sl_count(&w->stats->punishments_spared, 1);
		if (sl_log_allow(&w->log_rate, w->loop.now_ns))
			sl_log_warn("punish.budget",
				    "reason=%s key=/kernel/punish/budget "
				    "effect=\"not punished\"",
				    o->reason);
		return false;
	case SL_PUNISH_DONE:
		sl_count(&w->stats->punishments, 1);
		return true;
	}
	return false;
}

void sl_admit_failed(struct sl_exchange *x)
{
	const struct sl_offence o = {
		.ip = &x->client_ip,
		.is_forwarded = x->client->proxy || is_forwarded(x),
		.reason = x->offence,
		.request_id = x->id,
	};

	if (!is_punishable(x->worker, x->rules, x->client->acceptor->conf, &x->client_ip) ||
	    !punish(x->worker, &o))
		return;
	x->is_punished = true;
	x->must_close = true;
}

bool sl_admit_refused(struct sl_client *c, const char *offence)
{
	const struct sl_offence o = {
		.ip = &c->ip,
		.is_forwarded = c->proxy,
		.reason = offence,
	};

	return is_punishable(c->worker, c->worker->view->rules, c->acceptor->conf, &c->ip) &&
	       punish(c->worker, &o);
}

// SPDX-License-Identifier: Apache-2.0
// Sockets that an older process with more workers had: nobody gets in there any more, and who
// already waits there is taken in.
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "control/listeners.h"
#include "control/upgrade.h"

#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif

/* The kernel numbers the sockets of an address in the order in which they began to listen, and that
 * is the order in which they are inherited: ours come first, what is too much comes last.  A number
 * that there is not makes it choose by itself. */
static int deal_to_first(int fd, unsigned nr)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, nr),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

/* An older process may have dealt to fewer than we are.  With as many it goes on as it was. */
static void deal_to_all(int fd)
{
	int unused = 0;

	setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof(unused));
}

/* Where it cannot be lent it is closed, as it would be without us. */
static void lend(struct sl_worker *w, const struct sl_listener_conf *conf, int fd)
{
	struct sl_acceptor *a = sl_acceptor_new(w, conf, fd);

	if (a)
		sl_acceptor_lend(a);
	else
		close(fd);
}

static unsigned lend_all(struct sl_daemon *d, const struct sl_listener_conf *conf,
			 struct sl_inherited *in)
{
	unsigned nr = 0;
	int fd;

	while ((fd = sl_inherited_take(in, &conf->address)) >= 0)
		lend(&d->workers[nr++ % d->workers_nr], conf, fd);
	return nr;
}

void sl_surplus_lend(struct sl_daemon *d, struct sl_inherited *in)
{
	bool is_all_inherited = in->taken_nr == d->workers_nr * d->rules->listeners_nr;

	for (unsigned i = 0; i < d->rules->listeners_nr; i++) {
		const struct sl_listener_conf *conf = &d->rules->listeners[i];
		int own = d->workers[0].acceptors[i]->fd;
		unsigned nr;

		/* Of one that is there once only, what is left are more names for the same. */
		if (conf->address.sa.sa_family == AF_UNIX || !sl_listener_is_shareable(own))
			continue;
		if (!is_all_inherited)
			deal_to_all(own);
		nr = lend_all(d, conf, in);
		if (nr && deal_to_first(own, d->workers_nr) < 0)
			sl_log_warn("listener.surplus",
				    "listener=%s sockets=%u effect=\"connections may be lost\"",
				    conf->name, nr);
	}
}

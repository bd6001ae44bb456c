// SPDX-License-Identifier: Apache-2.0
// The process that keeps the capabilities: what it is asked may come from a daemon that somebody
// has taken over, so it does these five things to its own pins and nothing else.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control/loader.h"
#include "control/loader_wire.h"
#include "kern/rules.h"
#include "kern/why.h"

enum { OWN_FD = 3 };

struct work {
	const char *pins;
	const struct sl_loader_request *request;
	int file; /* that came with it, or -1 */
	struct sl_gate gate;
	struct sl_loader_answer *answer;
	struct sl_loader_message *out;
};

/* ---- lists ---- */

/* A rule of the configuration's list, or none. */
static bool is_good_rule(const struct sl_rule *r)
{
	return r->action <= SL_ACTION_SHADOW && memchr(r->reason, '\0', sizeof(r->reason)) &&
	       memcmp(r->list, SL_CONFIG_LIST, sizeof(SL_CONFIG_LIST)) == 0;
}

static int read_rules(struct sl_prefixes *list, const struct sl_rule *rules, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		int at;

		if (!is_good_rule(&rules[i]))
			return -EBADMSG;
		at = sl_prefixes_rule(list, &rules[i]);
		if (at < 0)
			return at;
		if ((uint32_t)at != i) /* twice the same: whoever wrote it does not */
			return -EBADMSG;
	}
	return 0;
}

static int read_prefixes(struct sl_prefixes *list, const struct sl_prefix *from, uint64_t nr)
{
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		const struct sl_prefix *p = &from[i];
		const struct sl_prefix own = { .hi = p->hi & sl_mask64(p->length, 0),
					       .lo = p->lo & sl_mask64(p->length, 64),
					       .expires = p->expires,
					       .rule = p->rule,
					       .length = p->length };

		if (p->length > 128 || p->rule >= list->rules_nr)
			return -EBADMSG;
		ret = sl_prefixes_add(list, &own);
	}
	return ret;
}

static int read_list(struct sl_prefixes *list, const void *mem, size_t size)
{
	const struct sl_loader_list *head = mem;
	const struct sl_rule *rules = (const void *)(head + 1);
	int ret;

	if (size < sizeof(*head) || head->rules_nr > SL_RULES_MAX ||
	    head->prefixes_nr > SL_LOADER_PREFIXES_MAX)
		return -EBADMSG;
	if (size != sizeof(*head) + head->rules_nr * sizeof(*rules) +
			    head->prefixes_nr * sizeof(struct sl_prefix))
		return -EBADMSG;
	ret = read_rules(list, rules, head->rules_nr);
	return ret < 0 ? ret
		       : read_prefixes(list, (const void *)(rules + head->rules_nr),
				       head->prefixes_nr);
}

static int read_file(int fd, struct sl_prefixes *list)
{
	const int wanted = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE;
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS), ret;
	struct stat st;
	void *mem;

	if (seals < 0 || (seals & wanted) != wanted || fstat(fd, &st) < 0 || st.st_size <= 0)
		return -EBADMSG;
	mem = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	ret = read_list(list, mem, (size_t)st.st_size);
	munmap(mem, (size_t)st.st_size);
	return ret;
}

/* ---- what is asked ---- */

static int attach(struct work *w)
{
	const struct sl_loader_request *r = w->request;
	struct sl_attach_options options = { .mode = r->mode, .image_lines = r->image_lines };
	struct sl_attached attached;

	if (r->mode > SL_MODE_GENERIC || r->image_lines > SL_IMAGE_LINES_MAX)
		return sl_why_errno(&w->answer->why, -EBADMSG, "attaching");
	return sl_attach(w->pins, r->interface, &options, &attached, &w->answer->why);
}

static int detach(struct work *w)
{
	return sl_detach(w->pins, w->request->interface, &w->answer->why);
}

static int open_maps(struct work *w)
{
	int ret = sl_gate_open(&w->gate, w->pins, &w->answer->why);

	if (ret < 0)
		return ret;
	w->out->fds_nr = sl_gate_fds(&w->gate, w->out->fds);
	return 0;
}

static int publish(struct work *w)
{
	struct sl_prefixes config = { 0 };
	struct sl_why *why = &w->answer->why;
	int ret = read_file(w->file, &config);

	ret = ret < 0 ? sl_why_errno(why, ret, "the list") : sl_gate_open(&w->gate, w->pins, why);
	if (ret == 0)
		ret = sl_kernel_publish(&w->gate, &config, why);
	if (ret == 0)
		w->out->fds[w->out->fds_nr++] = w->gate.image;
	sl_prefixes_fini(&config);
	return ret;
}

static int open_image(struct work *w)
{
	int ret = sl_gate_open(&w->gate, w->pins, &w->answer->why), fd;

	if (ret < 0)
		return ret;
	fd = w->request->index < 2 ? sl_gate_image_fd(&w->gate, w->request->index) : -EBADMSG;
	if (fd < 0)
		return sl_why_errno(&w->answer->why, fd, "the list");
	/* In the gate's place of what is not asked for, which closes it. */
	close(w->gate.events);
	w->gate.events = fd;
	w->out->fds[w->out->fds_nr++] = fd;
	return 0;
}

static void work(const char *pins, struct sl_loader_request *r, const struct sl_loader_message *in)
{
	static int (*const verbs[SL_LOADER_VERBS])(struct work *) = {
		[SL_LOADER_ATTACH] = attach,	[SL_LOADER_DETACH] = detach,
		[SL_LOADER_OPEN] = open_maps,	[SL_LOADER_PUBLISH] = publish,
		[SL_LOADER_IMAGE] = open_image,
	};
	struct sl_loader_answer a = { .result = -EBADMSG };
	struct sl_loader_message out = { .data = &a, .size = sizeof(a) };
	struct work w = { .pins = pins,
			  .request = r,
			  .file = in->fds_nr > 1 ? in->fds[1] : -1,
			  .answer = &a,
			  .out = &out };

	if (r->verb >= SL_LOADER_VERBS || !memchr(r->interface, '\0', sizeof(r->interface)))
		return;
	sl_gate_init(&w.gate);
	a.result = verbs[r->verb](&w);
	a.image_lines = w.gate.image_lines;
	sl_loader_send(in->fds[0], &out);
	sl_gate_close(&w.gate);
}

/* ---- the process ---- */

/* It neither speaks nor listens but to the daemon, and ends with it: a signal to the group that
 * both are in, or to all of a service's processes, is the daemon's to obey. */
static int shut_off(int fd)
{
	sigset_t all;
	int null = open("/dev/null", O_RDWR);

	for (int to = STDIN_FILENO; null >= 0 && to <= STDERR_FILENO; to++)
		dup2(null, to);
	if (null < 0 || (fd != OWN_FD && dup2(fd, OWN_FD) < 0) ||
	    syscall(SYS_close_range, OWN_FD + 1, ~0u, 0) < 0 || chdir("/") < 0)
		return -errno;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "sluice-loader");
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}

static int keep_capabilities(void)
{
	static const unsigned kept[] = { CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF };
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3], caps[] = { { 0 }, { 0 } };

	if (syscall(SYS_capget, &head, has) < 0)
		return -errno;
	for (unsigned i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		caps[kept[i] / 32].permitted |= has[kept[i] / 32].permitted & 1u << kept[i] % 32;
	for (unsigned i = 0; i < 2; i++)
		caps[i].effective = caps[i].permitted;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	return syscall(SYS_capset, &head, caps) < 0 ? -errno : 0;
}

void sl_loader_serve(int fd, const char *pins)
{
	if (shut_off(fd) < 0 || keep_capabilities() < 0)
		_exit(1);
	for (;;) {
		struct sl_loader_request r;
		struct sl_loader_message in = { .data = &r, .size = sizeof(r) };
		int ret = sl_loader_receive(OWN_FD, &in);

		if (ret == 0 && in.fds_nr > 0)
			work(pins, &r, &in);
		for (unsigned i = 0; i < in.fds_nr; i++)
			close(in.fds[i]);
		if (ret == -ECONNRESET)
			_exit(0);
	}
}

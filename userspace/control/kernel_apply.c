// SPDX-License-Identifier: Apache-2.0
// Has the kernel half do what a configuration says: what can fail comes first, and what a refused
// configuration has begun is taken back.
#include "control/kernel_apply.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "kern/attach.h"
#include "kern/cookies.h"
#include "kern/why.h"

enum { RETRY_MS = 5000 }; /* of a list that could not be published */

/* ---- interfaces ---- */

static enum sl_attach_mode mode_of(const struct sl_kernel_conf *conf)
{
	return conf->mode == SL_KERNEL_NATIVE	 ? SL_MODE_NATIVE
	       : conf->mode == SL_KERNEL_GENERIC ? SL_MODE_GENERIC
						 : SL_MODE_AUTO;
}

static uint64_t entries_of(const struct sl_kernel_conf *conf)
{
	return (uint64_t)conf->management_nr + conf->allow_nr + conf->proxies_nr + conf->deny_nr;
}

static bool has_interface(const struct sl_kernel_conf *conf, struct sl_str name)
{
	for (unsigned i = 0; i < conf->interfaces_nr; i++)
		if (sl_str_eq(conf->interfaces[i], name))
			return true;
	return false;
}

/* Whether it has our program, as the maps say: not as the last configuration did, since an operator
 * may have taken it off, and an interface may have been made anew. */
static bool find_attached(const struct sl_kernel *k, const char *name, struct sl_interface *ret)
{
	uint32_t ifindex = if_nametoindex(name);

	for (uint32_t i = 0; ifindex && i < SL_INTERFACES_MAX; i++)
		if (bpf_map_lookup_elem(k->gate.interfaces, &i, ret) == 0 &&
		    ret->ifindex == ifindex && strncmp(ret->name, name, sizeof(ret->name)) == 0)
			return true;
	return false;
}

static bool goes_on(const struct sl_kernel *k, const struct sl_kernel_conf *conf, const char *name)
{
	enum sl_attach_mode wanted = mode_of(conf);
	struct sl_interface at;

	if (!find_attached(k, name, &at))
		return false;
	if (wanted != SL_MODE_AUTO && wanted != at.mode)
		sl_log_warn("reload",
			    "key=/kernel/mode interface=%s effect=\"it stays in mode %s\" "
			    "hint=\"sluicectl detach dev %s, then reload\"",
			    name, sl_attach_mode_name(at.mode), name);
	return true;
}

/* Attaches what is not attached, at a start all.  The first failure is told, the others are tried
 * all the same.  *ret_fresh has a bit for each that a reload has attached. */
static int attach_all(struct sl_kernel *k, const struct sl_kernel_conf *conf, bool is_start,
		      uint32_t *ret_fresh, struct sl_why *why)
{
	const struct sl_attach_options options = {
		.mode = mode_of(conf),
		.image_lines = k->own_image.nr > SL_IMAGE_LINES_DEFAULT
				       ? sl_image_lines_for(2 * entries_of(conf))
				       : 0,
	};
	int first = 0;

	for (unsigned i = 0; i < conf->interfaces_nr; i++) {
		const char *name = conf->interfaces[i].ptr;
		struct sl_why reason;
		int ret;

		if (!is_start && goes_on(k, conf, name))
			continue;
		ret = sl_loader_attach(&k->loader, k->pins, name, &options, &reason);
		if (ret == 0 && !is_start)
			*ret_fresh |= 1u << i;
		if (ret < 0 && first == 0) {
			first = ret;
			*why = reason;
		}
	}
	return first;
}

static void detach(struct sl_kernel *k, const char *name)
{
	struct sl_why why;
	int ret = sl_loader_detach(&k->loader, k->pins, name, &why);

	if (ret < 0 && ret != -ENOENT) /* the operator was first */
		sl_log_warn("kernel.detach", "interface=%s error=\"%s\"", name, why.text);
}

static void detach_fresh(struct sl_kernel *k, const struct sl_kernel_conf *conf, uint32_t fresh)
{
	for (unsigned i = 0; i < conf->interfaces_nr; i++)
		if (fresh & 1u << i)
			detach(k, conf->interfaces[i].ptr);
}

static void detach_gone(struct sl_kernel *k, const struct sl_kernel_conf *conf,
			const struct sl_kernel_conf *before)
{
	for (unsigned i = 0; before && k->is_open && i < before->interfaces_nr; i++)
		if (conf->mode == SL_KERNEL_OFF || !has_interface(conf, before->interfaces[i]))
			detach(k, before->interfaces[i].ptr);
}

/* ---- maps ---- */

static int map_cells(struct sl_kernel *k, struct sl_why *why)
{
	size_t size = (k->gate.switches->cells_mask + 1ull) * sizeof(*k->cells);
	void *mem;

	if (k->cells)
		return 0;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, k->gate.cells, 0);
	if (mem == MAP_FAILED)
		return sl_why_errno(why, -errno, "mapping the clients' credit");
	k->cells = mem;
	return 0;
}

/* Maps that are there without an interface of ours are the operator's, and have our list too. */
static int open_maps(struct sl_kernel *k, const struct sl_kernel_conf *conf, struct sl_why *why)
{
	struct sl_why reason;
	int ret = 0;

	if (k->gate.control < 0)
		ret = sl_loader_open(&k->loader, &k->gate, k->pins, &reason);
	k->is_open = k->gate.control >= 0;
	if (k->is_open && map_cells(k, &reason) < 0) {
		sl_gate_close(&k->gate);
		k->is_open = false;
		ret = -ENOMEM;
	}
	/* Nothing was asked of the kernel: whether it could be had is not our business. */
	if (ret == 0 ||
	    (!conf->interfaces_nr && (ret == -ENOENT || ret == -EPERM || ret == -EACCES)))
		return 0;
	*why = reason;
	return ret;
}

/* The maps that are open are where they were: a section that is gone still has them. */
static void use_pins(struct sl_kernel *k, const struct sl_kernel_conf *conf)
{
	if (!conf->pins || strcmp(k->pins, conf->pins) == 0)
		return;
	if (k->is_open)
		sl_log_warn("reload", "key=/kernel/pins effect=\"needs a restart\"");
	else
		snprintf(k->pins, sizeof(k->pins), "%s", conf->pins); /* 200 bytes at most */
}

/* ---- lists, limits ---- */

static int publish(struct sl_kernel *k, const struct sl_kernel_conf *conf, struct sl_why *why)
{
	struct sl_prefixes list = { 0 };
	int ret = sl_kernel_list(&list, conf);

	ret = ret < 0 ? sl_why_errno(why, ret, "the list")
		      : sl_loader_publish(&k->loader, &k->gate, &list, why);
	sl_prefixes_fini(&list);
	return ret;
}

static bool is_same_list(const struct sl_kernel *k, const struct sl_kernel_conf *conf,
			 const struct sl_kernel_conf *before)
{
	return k->is_listed && before && before->is_there && sl_kernel_is_same_list(conf, before);
}

static int publish_new(struct sl_kernel *k, const struct sl_kernel_conf *conf,
		       const struct sl_kernel_conf *before, struct sl_why *why)
{
	int ret = is_same_list(k, conf, before) ? 0 : publish(k, conf, why);

	/* Who is refused has left the list as it was. */
	if (ret == 0 || conf->mode != SL_KERNEL_REQUIRE)
		k->is_listed = ret == 0;
	return ret;
}

static void set_ports(const struct sl_kernel *k, const struct sl_rules *rules)
{
	uint64_t words[SL_PORT_WORDS] = { 0 };

	for (unsigned i = 0; i < rules->listeners_nr; i++) {
		uint16_t port = sl_addr_port(&rules->listeners[i].address);

		if (port)
			words[port >> 6] |= 1ull << (port & 63);
	}
	for (uint32_t i = 0; i < SL_PORT_WORDS; i++)
		bpf_map_update_elem(k->gate.ports, &i, &words[i], BPF_ANY);
}

/* Asked at each reload: the sysctl may have been set meanwhile. */
static void set_cookies(struct sl_kernel *k, const struct sl_kernel_conf *conf)
{
	struct sl_why why;
	bool can_cookie = sl_cookies_check(&why) == 0;

	sl_kernel_set_cookies(k->gate.switches, conf, can_cookie);
	if (!can_cookie && conf->syn_flood.limit.rate.nr && conf->syn_flood.answer == SL_SYN_COOKIE)
		sl_log_warn("kernel.no_cookies",
			    "error=\"%s\" effect=\"SYNs beyond syn_flood are dropped\"", why.text);
}

/* Nothing of it can fail.  Ports come before the word that no others count. */
static void set_switches(struct sl_kernel *k, const struct sl_rules *rules,
			 const struct sl_kernel_conf *before)
{
	const struct sl_kernel_conf *conf = &rules->kernel;

	if (conf->scope == SL_SCOPE_PORTS)
		set_ports(k, rules);
	sl_kernel_set_limits(k->gate.switches, conf, before);
	set_cookies(k, conf);
}

bool sl_kernel_catch_up(struct sl_kernel *k, const struct sl_kernel_conf *conf, uint64_t now_ns)
{
	struct sl_why why;

	if (k->is_listed || conf->mode == SL_KERNEL_OFF || now_ns < k->retry_ns)
		return false;
	k->retry_ns = now_ns + RETRY_MS * SL_MS;
	k->is_listed = publish(k, conf, &why) == 0;
	if (k->is_listed && k->is_list_lost)
		k->lost = (struct sl_why){ "" };
	return k->is_listed;
}

/* ---- all of it ---- */

/* What can fail: 0, or the first failure and why. */
static int try(struct sl_kernel *k, const struct sl_kernel_conf *conf,
	       const struct sl_kernel_conf *before, uint32_t *ret_fresh, struct sl_why *why)
{
	bool is_required = conf->mode == SL_KERNEL_REQUIRE;
	struct sl_why reason;
	int ret, next;

	if (conf->mode == SL_KERNEL_OFF)
		return 0;
	if (before)
		open_maps(k, conf, &reason); /* they say what is attached; there may be none */
	ret = attach_all(k, conf, !before, ret_fresh, why);
	if (ret < 0 && is_required)
		return ret;
	next = open_maps(k, conf, &reason);
	if (next == 0 && k->is_open)
		next = publish_new(k, conf, before, &reason);
	if (ret == 0 && next < 0)
		*why = reason;
	if (next == 0 || !is_required) /* else it is refused, and all is as it was */
		k->is_list_lost = ret == 0 && next < 0;
	return ret < 0 ? ret : next;
}

int sl_kernel_apply(struct sl_kernel *k, const struct sl_rules *rules,
		    const struct sl_rules *running, struct sl_why *why)
{
	const struct sl_kernel_conf *conf = &rules->kernel;
	const struct sl_kernel_conf *before = running ? &running->kernel : NULL;
	uint32_t fresh = 0;
	int ret;

	*why = (struct sl_why){ "" };
	use_pins(k, conf);
	ret = try(k, conf, before, &fresh, why);
	if (ret < 0 && conf->mode == SL_KERNEL_REQUIRE) {
		detach_fresh(k, conf, fresh);
		return ret;
	}
	if (k->is_open && conf->mode != SL_KERNEL_OFF)
		set_switches(k, rules, before);
	detach_gone(k, conf, before);
	k->lost = ret < 0 ? *why : (struct sl_why){ "" };
	k->retry_ns = sl_now_ns() + RETRY_MS * SL_MS;
	return ret;
}

// SPDX-License-Identifier: Apache-2.0
// What the daemon asks of the kernel half, and what its workers do where that is not to be had.
#include "control/kernel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/ask.h"
#include "kern/attach.h"
#include "kern/cookies.h"
#include "kern/image.h"
#include "kern/why.h"

/* ---- what workers go by ---- */

/* Behind the public part: what is to be given back. */
struct guard_rules {
	struct sl_guard_rules public;
	struct sl_control *own_control;
	struct sl_gcra_set *own_cells;
	bool is_image_mapped;
};

static void free_rules(struct sl_guard_rules *public)
{
	struct guard_rules *r = sl_container_of(public, struct guard_rules, public);

	if (!public)
		return;
	if (r->is_image_mapped)
		sl_gate_unmap_image(&public->image);
	free(r->own_control);
	free(r->own_cells);
	free(r);
}

/* Where there are no maps: a control and cells of our own, the same as new maps have. */
static int make_own(struct guard_rules *r, const struct sl_kernel_conf *conf)
{
	struct sl_control *c = calloc(1, sizeof(*c));

	r->own_control = c;
	if (conf->limits.connections.rate.nr)
		r->own_cells = calloc(SL_CELL_SETS_MAX, sizeof(*r->own_cells));
	if (!c || (conf->limits.connections.rate.nr && !r->own_cells))
		return -ENOMEM;
	if (getrandom(c->secret, sizeof(c->secret), 0) != sizeof(c->secret))
		return -EIO;
	*c = (struct sl_control){
		.version = SL_ABI_VERSION,
		.flags = SL_FLAG_ENFORCE,
		.cells_mask = SL_CELL_SETS_MAX - 1,
		.client4 = 0xffffffff,
		.client6 = ~0ull,
		.secret = { c->secret[0], c->secret[1] },
	};
	sl_kernel_set_limits(c, conf, NULL);
	r->public.control = c;
	r->public.cells = r->own_cells;
	return 0;
}

static uint32_t slot_of(const struct sl_kernel *k)
{
	uint32_t revert_at = k->gate.switches->revert_at;

	return revert_at && (uint32_t)(sl_now_ns() >> SL_TICK_SHIFT) >= revert_at;
}

static uint32_t image_id(const struct sl_kernel *k, uint32_t slot)
{
	uint32_t id = 0;

	return bpf_map_lookup_elem(k->gate.image, &slot, &id) == 0 ? id : 0;
}

/* Once: the next list that we may not read either is no news. */
static void warn_behind(struct sl_kernel *k, int error)
{
	if (k->is_behind)
		return;
	k->is_behind = true;
	sl_log_warn("kernel.behind",
		    "error=\"%s\" effect=\"what is not judged by the kernel is judged by the "
		    "configuration's lists alone\"",
		    strerror(-error));
}

static int map_pinned(struct sl_kernel *k, uint32_t slot, struct sl_image *ret_image)
{
	int fd = sl_loader_image_fd(&k->loader, &k->gate, slot), ret;

	if (fd < 0)
		return fd;
	ret = sl_gate_map_fd(fd, ret_image);
	close(fd);
	return ret;
}

/* The pinned list if it has our entries too, else our own. */
static void choose_image(struct sl_kernel *k, struct guard_rules *r)
{
	uint32_t slot;
	int ret;

	if (k->is_open && k->is_listed) {
		ret = sl_loader_refresh(&k->loader, &k->gate);
		slot = slot_of(k);
		k->image_id = image_id(k, slot);
		if (ret == 0)
			ret = map_pinned(k, slot, &r->public.image);
		r->is_image_mapped = ret == 0;
		if (ret < 0)
			warn_behind(k, ret);
		else
			k->is_behind = false;
	}
	if (!r->is_image_mapped)
		r->public.image = k->own_image;
}

/* Where the kernel judges, as the maps say, which needs no privilege: how many of ret[]. */
static unsigned list_covered(struct sl_gate *gate, uint32_t ret[SL_INTERFACES_MAX])
{
	unsigned nr = 0;

	for (uint32_t i = 0; i < SL_INTERFACES_MAX; i++) {
		struct sl_interface at;

		if (bpf_map_lookup_elem(gate->interfaces, &i, &at) == 0 && at.ifindex)
			ret[nr++] = at.ifindex;
	}
	return nr;
}

static struct sl_guard_rules *make_rules(struct sl_kernel *k, const struct sl_kernel_conf *conf)
{
	struct guard_rules *r = calloc(1, sizeof(*r));
	struct sl_guard_rules *public = r ? &r->public : NULL;

	if (!r)
		return NULL;
	public->punished_fd = -1;
	sl_kernel_set_punish(public, &conf->punish);
	if (!k->is_open) {
		if (make_own(r, conf) < 0) {
			free_rules(public);
			return NULL;
		}
	} else {
		public->control = k->gate.switches;
		public->cells = k->cells;
		public->punished_fd = k->gate.punished;
		public->covered_nr = list_covered(&k->gate, public->covered);
	}
	choose_image(k, r);
	return public;
}

static void nothing(struct sl_worker *w, void *arg)
{
}

/* Workers look at the rules within one turn: what was there before a turn of each, nobody has. */
static void use_rules(struct sl_daemon *d, struct sl_guard_rules *fresh)
{
	struct sl_guard_rules *old =
		atomic_exchange_explicit(&d->shared.guard->rules, fresh, memory_order_acq_rel);

	while (old && d->workers_nr && sl_daemon_ask(d, nothing, NULL) < 0)
		usleep(1000); /* no memory for a question: it must not be freed under them */
	free_rules(old);
}

/* ---- the kernel ---- */

static int publish(struct sl_kernel *k, const struct sl_kernel_conf *conf, struct sl_why *why)
{
	struct sl_prefixes list = { 0 };
	int ret = sl_kernel_list(&list, conf);

	ret = ret < 0 ? sl_why_errno(why, ret, "the list")
		      : sl_loader_publish(&k->loader, &k->gate, &list, why);
	sl_prefixes_fini(&list);
	return ret;
}

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

static enum sl_attach_mode mode_of(const struct sl_kernel_conf *conf)
{
	return conf->mode == SL_KERNEL_NATIVE	 ? SL_MODE_NATIVE
	       : conf->mode == SL_KERNEL_GENERIC ? SL_MODE_GENERIC
						 : SL_MODE_AUTO;
}

static uint64_t entries_of(const struct sl_kernel_conf *conf)
{
	return (uint64_t)conf->management_nr + conf->allow_nr + conf->deny_nr;
}

static bool has_interface(const struct sl_kernel_conf *conf, struct sl_str name)
{
	for (unsigned i = 0; i < conf->interfaces_nr; i++)
		if (sl_str_eq(conf->interfaces[i], name))
			return true;
	return false;
}

/* Attaches what is new.  The first failure is told, the others are tried all the same. */
static int attach_all(struct sl_kernel *k, const struct sl_kernel_conf *conf,
		      const struct sl_kernel_conf *before, struct sl_why *why)
{
	const struct sl_attach_options options = {
		.mode = mode_of(conf),
		.image_lines = k->own_image.nr > SL_IMAGE_LINES_DEFAULT
				       ? sl_image_lines_for(2 * entries_of(conf))
				       : 0,
	};
	int first = 0;

	for (unsigned i = 0; i < conf->interfaces_nr; i++) {
		struct sl_why reason;
		int ret;

		if (before && !k->lost.text[0] && has_interface(before, conf->interfaces[i]))
			continue;
		ret = sl_loader_attach(&k->loader, k->pins, conf->interfaces[i].ptr, &options,
				       &reason);
		if (ret < 0 && first == 0) {
			first = ret;
			*why = reason;
		}
	}
	return first;
}

static void detach_gone(struct sl_kernel *k, const struct sl_kernel_conf *conf,
			const struct sl_kernel_conf *before)
{
	struct sl_why why;

	for (unsigned i = 0; before && k->is_open && i < before->interfaces_nr; i++) {
		struct sl_str name = before->interfaces[i];

		if (conf->mode != SL_KERNEL_OFF && has_interface(conf, name))
			continue;
		if (sl_loader_detach(&k->loader, k->pins, name.ptr, &why) < 0)
			sl_log_warn("kernel.detach", "interface=%s error=\"%s\"", name.ptr,
				    why.text);
	}
}

/* Maps that are there without an interface of ours are the operator's, and have our list too. */
static int open_maps(struct sl_kernel *k, const struct sl_kernel_conf *conf,
		     const struct sl_kernel_conf *before, struct sl_why *why)
{
	struct sl_why reason;
	int attached = conf->interfaces_nr ? attach_all(k, conf, before, why) : 0, ret = 0;

	if (k->gate.control < 0)
		ret = sl_loader_open(&k->loader, &k->gate, k->pins, &reason);
	if (attached < 0 || ret == 0)
		return attached;
	/* Nothing was asked of the kernel: whether it could be had is not our business. */
	if (!conf->interfaces_nr && (ret == -ENOENT || ret == -EPERM || ret == -EACCES))
		return 0;
	*why = reason;
	return ret;
}

static bool is_same_list(const struct sl_kernel *k, const struct sl_kernel_conf *conf,
			 const struct sl_kernel_conf *before)
{
	return k->is_listed && before && before->is_there && sl_kernel_is_same_list(conf, before);
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

/* Has the kernel do what it can.  0, or a negative errno and why. */
static int apply(struct sl_kernel *k, const struct sl_rules *rules, const struct sl_rules *before)
{
	const struct sl_kernel_conf *conf = &rules->kernel;
	const struct sl_kernel_conf *old = before ? &before->kernel : NULL;
	struct sl_why why = { "" };
	int ret = 0;

	use_pins(k, conf);
	detach_gone(k, conf, old);
	if (conf->mode != SL_KERNEL_OFF)
		ret = open_maps(k, conf, old, &why);
	k->is_open = k->gate.control >= 0;
	if (k->is_open && map_cells(k, &why) < 0) {
		sl_gate_close(&k->gate);
		k->is_open = false;
		ret = -ENOMEM;
	}
	if (k->is_open && conf->mode != SL_KERNEL_OFF) {
		sl_kernel_set_limits(k->gate.switches, conf, old);
		set_cookies(k, conf);
		if (conf->scope == SL_SCOPE_PORTS)
			set_ports(k, rules);
		if (!is_same_list(k, conf, old)) {
			int published = publish(k, conf, &why);

			k->is_listed = published == 0;
			ret = ret < 0 ? ret : published;
		}
	}
	k->lost = ret < 0 ? why : (struct sl_why){ "" };
	return ret;
}

static int explain(const struct sl_kernel *k, const struct sl_kernel_conf *conf, int ret)
{
	if (ret == 0)
		return 0;
	if (conf->mode == SL_KERNEL_REQUIRE) {
		sl_log_error("kernel.lost", "reason=\"%s\" key=/kernel/mode", k->lost.text);
		return ret;
	}
	sl_log_warn("kernel.lost",
		    "reason=\"%s\" effect=\"lists and limits of connections are enforced when a "
		    "connection is accepted, those of packets and bytes are not\"",
		    k->lost.text);
	return 0;
}

/* ---- start, reload, end ---- */

static int go_over(struct sl_daemon *d, const struct sl_rules *fresh, const struct sl_rules *before)
{
	const struct sl_kernel_conf *conf = &fresh->kernel;
	struct sl_kernel *k = d->kernel;
	struct sl_image own = { 0 }, old = k->own_image;
	struct sl_guard_rules *rules = NULL;
	struct sl_why why;
	int ret = sl_kernel_compile(conf, &own, &why);

	if (ret < 0) {
		sl_log_error("kernel.list", "reason=\"%s\" key=/kernel", why.text);
		return ret;
	}
	k->own_image = own;
	if (conf->is_there || (before && before->kernel.is_there))
		ret = explain(k, conf, apply(k, fresh, before));
	if (ret == 0 && conf->is_there) {
		rules = make_rules(k, conf);
		ret = rules ? 0 : -ENOMEM;
	}
	if (ret < 0) {
		k->own_image = old;
		free(own.lines);
		return ret;
	}
	use_rules(d, rules);
	free(old.lines);
	return 0;
}

/* Who is nobody later can change neither lists nor interfaces without. */
static void keep_loader(struct sl_kernel *k, const struct sl_rules *rules)
{
	int ret;

	if (geteuid() != 0 || !rules->user || !rules->kernel.is_there ||
	    rules->kernel.mode == SL_KERNEL_OFF)
		return;
	ret = sl_loader_start(&k->loader, k->pins);
	if (ret < 0)
		sl_log_warn("kernel.loader",
			    "error=\"%s\" effect=\"lists change with a restart only\"",
			    strerror(-ret));
}

int sl_kernel_start(struct sl_daemon *d)
{
	int ret;

	d->shared.guard = sl_guard_new();
	d->kernel = calloc(1, sizeof(*d->kernel));
	if (!d->shared.guard || !d->kernel)
		return -ENOMEM;
	sl_gate_init(&d->kernel->gate);
	sl_loader_inherit(&d->kernel->loader);
	ret = go_over(d, d->rules, NULL);
	if (ret == 0)
		keep_loader(d->kernel, d->rules);
	return ret;
}

int sl_kernel_change(struct sl_daemon *d, const struct sl_rules *fresh)
{
	if (!fresh->kernel.is_there && !d->rules->kernel.is_there)
		return 0;
	return go_over(d, fresh, d->rules);
}

/* An array of images that we may not open is none that we could follow. */
static bool is_news(const struct sl_kernel *k)
{
	return sl_gate_is_stale(&k->gate) && !k->is_behind;
}

void sl_kernel_tick(struct sl_daemon *d)
{
	struct sl_kernel *k = d->kernel;
	uint32_t covered[SL_INTERFACES_MAX];
	struct sl_guard_rules *now = sl_guard_rules(d->shared.guard), *fresh;
	unsigned nr;

	if (now)
		sl_sweep_step(d->shared.guard, now, &k->sweep, sl_now_ns());
	if (!now || !k->is_open)
		return;
	nr = list_covered(&k->gate, covered);
	if ((!k->is_listed || (image_id(k, slot_of(k)) == k->image_id && !is_news(k))) &&
	    nr == now->covered_nr && memcmp(covered, now->covered, nr * sizeof(*covered)) == 0)
		return;
	fresh = make_rules(k, &d->rules->kernel);
	if (fresh)
		use_rules(d, fresh);
}

void sl_kernel_free(struct sl_daemon *d)
{
	struct sl_kernel *k = d->kernel;

	if (!k)
		return;
	free_rules(sl_guard_rules(d->shared.guard));
	sl_guard_free(d->shared.guard);
	if (k->cells)
		munmap(k->cells, (k->gate.switches->cells_mask + 1ull) * sizeof(*k->cells));
	sl_gate_close(&k->gate);
	sl_loader_close(&k->loader);
	free(k->own_image.lines);
	free(k);
}

json_t *sl_kernel_status(struct sl_daemon *d)
{
	const struct sl_kernel_conf *conf = &d->rules->kernel;
	const struct sl_guard_rules *r = sl_guard_rules(d->shared.guard);

	if (!conf->is_there || !r)
		return json_null();
	return json_pack("{s:s,s:i,s:s,s:s}", "enforced_by", r->covered_nr ? "kernel" : "userspace",
			 "interfaces", (int)r->covered_nr, "pins", d->kernel->pins, "lost",
			 d->kernel->lost.text);
}

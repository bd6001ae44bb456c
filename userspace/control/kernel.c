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
#include "control/kernel_apply.h"
#include "kern/image.h"
#include "kern/limit.h"
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

/* ---- start, reload, end ---- */

static int explain(const struct sl_kernel_conf *conf, int ret, const struct sl_why *why,
		   FILE *errors)
{
	if (ret == 0)
		return 0;
	if (conf->mode == SL_KERNEL_REQUIRE) {
		if (errors)
			fprintf(errors, "/kernel/mode: %s\n", why->text);
		sl_log_error("kernel.lost", "reason=\"%s\" key=/kernel/mode", why->text);
		return ret;
	}
	sl_log_warn("kernel.lost",
		    "reason=\"%s\" effect=\"lists and limits of connections are enforced when a "
		    "connection is accepted, those of packets and bytes are not\"",
		    why->text);
	return 0;
}

/* "sluicectl detach all" has unpinned the maps that we have: whoever attaches again makes new
 * ones. */
static bool is_retired(const struct sl_kernel *k)
{
	return k->is_open && k->gate.switches->version == 0;
}

/* Without maps, as where there never were any; not to be closed before workers let go of them. */
static void leave_maps(struct sl_daemon *d)
{
	struct sl_kernel *k = d->kernel, had = *k;
	struct sl_guard_rules *fresh = NULL;

	sl_gate_init(&k->gate);
	k->cells = NULL;
	k->is_open = k->is_listed = false;
	if (d->rules->kernel.is_there)
		fresh = make_rules(k, &d->rules->kernel);
	if (d->rules->kernel.is_there && !fresh) {
		*k = had; /* no memory: the next tick tries again */
		return;
	}
	use_rules(d, fresh);
	if (had.cells)
		munmap(had.cells, (had.gate.switches->cells_mask + 1ull) * sizeof(*had.cells));
	sl_gate_close(&had.gate);
	if (!fresh)
		return;
	sl_why_text(&k->lost, -ENOENT, "%s: all was detached", k->pins);
	sl_log_warn("kernel.lost",
		    "reason=\"%s\" effect=\"what it did is done when a connection is accepted\" "
		    "hint=\"a reload attaches again what kernel.interfaces names\"",
		    k->lost.text);
}

static int go_over(struct sl_daemon *d, const struct sl_rules *fresh, const struct sl_rules *before,
		   FILE *errors)
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
		ret = explain(conf, sl_kernel_apply(k, fresh, before, &why), &why, errors);
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
	ret = go_over(d, d->rules, NULL, NULL);
	if (ret == 0)
		keep_loader(d->kernel, d->rules);
	return ret;
}

int sl_kernel_change(struct sl_daemon *d, const struct sl_rules *fresh, FILE *errors)
{
	if (!fresh->kernel.is_there && !d->rules->kernel.is_there)
		return 0;
	if (is_retired(d->kernel))
		leave_maps(d);
	return go_over(d, fresh, d->rules, errors);
}

/* ---- a successor ---- */

static struct sl_interface interface_at(const struct sl_kernel *k, uint32_t slot)
{
	struct sl_interface at;

	if (bpf_map_lookup_elem(k->gate.interfaces, &slot, &at) < 0)
		at = (struct sl_interface){ .ifindex = 0 };
	return at;
}

void sl_kernel_lend(struct sl_daemon *d)
{
	struct sl_kernel *k = d->kernel;
	struct sl_kernel_lent *was = &k->lent;

	if (!k->is_open)
		return;
	memcpy(was->rates, k->gate.switches->rates, sizeof(was->rates));
	was->syns = k->gate.switches->syns;
	was->flags = k->gate.switches->flags;
	for (uint32_t i = 0; i < SL_INTERFACES_MAX; i++)
		was->interfaces[i] = interface_at(k, i);
}

static void put_back_limits(struct sl_kernel *k)
{
	const uint32_t flags = SL_FLAG_SHADOW | SL_FLAG_PORTS | SL_FLAG_COOKIES;
	struct sl_control *c = k->gate.switches;

	for (unsigned i = 0; i < SL_CREDITS; i++)
		if (memcmp(&c->rates[i], &k->lent.rates[i], sizeof(c->rates[i])) != 0)
			sl_rate_store(&c->rates[i], &k->lent.rates[i]);
	if (memcmp(&c->syns, &k->lent.syns, sizeof(c->syns)) != 0)
		sl_rate_store(&c->syns, &k->lent.syns);
	__atomic_fetch_or(&c->flags, k->lent.flags & flags, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&c->flags, k->lent.flags | ~flags, __ATOMIC_SEQ_CST);
}

static void detach_what_it_attached(struct sl_kernel *k)
{
	struct sl_why why;

	for (uint32_t i = 0; i < SL_INTERFACES_MAX; i++) {
		struct sl_interface at = interface_at(k, i);

		at.name[sizeof(at.name) - 1] = '\0';
		if (at.ifindex && at.ifindex != k->lent.interfaces[i].ifindex &&
		    sl_loader_detach(&k->loader, k->pins, at.name, &why) < 0)
			sl_log_warn("kernel.detach", "interface=%s error=\"%s\"", at.name,
				    why.text);
	}
}

void sl_kernel_take_back(struct sl_daemon *d)
{
	struct sl_kernel *k = d->kernel;

	if (!k->is_open || is_retired(k))
		return;
	put_back_limits(k);
	detach_what_it_attached(k);
	if (!d->rules->kernel.is_there)
		return;
	k->is_listed = false; /* the list may be its own */
	go_over(d, d->rules, d->rules, NULL);
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

	if (is_retired(k)) {
		leave_maps(d);
		return;
	}
	if (now)
		sl_sweep_step(d->shared.guard, now, &k->sweep, sl_now_ns());
	if (!now || !k->is_open)
		return;
	if (sl_kernel_catch_up(k, &d->rules->kernel, sl_now_ns()))
		sl_log_info("kernel.caught_up", "effect=\"the list is published\"");
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

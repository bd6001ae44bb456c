// SPDX-License-Identifier: Apache-2.0
// Puts the kernel program on interfaces, one pinned link each.
#include "kern/attach.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/device.h"
#include "kern/links.h"
#include "kern/why.h"

/* One interface on its way to a program. */
struct job {
	const char *pins;
	const struct sl_attach_options *options;
	struct sl_device device;
	struct sl_why *why;
	struct sl_gate gate;
	bool has_gate;
	int link;	       /* the pinned one, or -1 */
	struct sl_attached to; /* what becomes of it */
};

const char *sl_attach_mode_name(enum sl_attach_mode mode)
{
	static const char *const names[] = {
		[SL_MODE_AUTO] = "auto", [SL_MODE_NATIVE] = "native", [SL_MODE_GENERIC] = "generic"
	};

	return (unsigned)mode < sizeof(names) / sizeof(*names) ? names[mode] : "unknown";
}

/* IPv4's first nodes and IPv6's filter, once; then an entry, a node and leaves for each. */
uint32_t sl_image_lines_for(uint64_t prefixes)
{
	uint64_t fixed = SL_IMAGE_FIXED_LINES + SL_NODES_TOP + SL_V6_FILTER_LINES + 1024;

	if (prefixes > SL_IMAGE_LINES_MAX)
		return SL_IMAGE_LINES_MAX;
	fixed += prefixes * 7 / 4;
	return fixed < SL_IMAGE_LINES_MAX ? (uint32_t)fixed : SL_IMAGE_LINES_MAX;
}

/* ---- slots ---- */

static bool read_slot(const struct job *j, uint32_t slot, struct sl_interface *ret)
{
	return bpf_map_lookup_elem(j->gate.interfaces, &slot, ret) == 0;
}

/* The slot of this name, else a free one, else one of an interface that is detached. */
static int choose_slot(struct job *j)
{
	uint32_t free = SL_INTERFACES_MAX, detached = SL_INTERFACES_MAX;
	struct sl_interface i;

	for (uint32_t slot = SL_INTERFACES_MAX; j->has_gate && slot-- > 0;) {
		if (!read_slot(j, slot, &i))
			return sl_why_errno(j->why, -EIO, "reading the list of interfaces");
		if (strncmp(i.name, j->device.name, sizeof(i.name)) == 0) {
			j->to.slot = slot;
			return 0;
		}
		if (!i.name[0])
			free = slot;
		else if (!i.ifindex)
			detached = slot;
	}
	if (!j->has_gate)
		free = 0;
	j->to.slot = free < SL_INTERFACES_MAX ? free : detached;
	if (j->to.slot < SL_INTERFACES_MAX)
		return 0;
	return sl_why_text(j->why, -ENOSPC,
			   "%u interfaces are attached, and there is no room for more: "
			   "detach one first",
			   SL_INTERFACES_MAX);
}

/* What another interface has counted there is not this one's. */
static void clear_counters(struct job *j)
{
	struct sl_interface i;

	if (!read_slot(j, j->to.slot, &i) || !i.name[0] ||
	    strncmp(i.name, j->device.name, sizeof(i.name)) == 0)
		return;
	sl_gate_clear_counters(&j->gate, j->to.slot);
}

static int write_slot(struct job *j)
{
	struct sl_interface i = { .ifindex = j->device.ifindex, .mode = j->to.mode };

	memcpy(i.name, j->device.name, sizeof(i.name));
	if (bpf_map_update_elem(j->gate.interfaces, &j->to.slot, &i, BPF_ANY) < 0)
		return sl_why_errno(j->why, -errno, "noting the interface");
	return 0;
}

/* ---- what is there ---- */

static int open_gate(struct job *j)
{
	int ret = sl_gate_open(&j->gate, j->pins, j->why);

	if (ret == -EPROTO) {
		ret = sl_gate_migrate(j->pins, j->why);
		if (ret == 0)
			ret = sl_gate_open(&j->gate, j->pins, j->why);
	}
	if (ret == -ENOENT)
		return 0; /* the first time: loading makes them */
	if (ret < 0)
		return ret;
	j->has_gate = true;
	if (j->options->image_lines <= j->gate.image_lines)
		return 0;
	return sl_gate_grow(&j->gate, j->options->image_lines, j->why);
}

static const char *advice_about(const struct sl_holder *h)
{
	if (strcmp(h->name, "sl_gate") == 0)
		return "detach it with its --pins";
	if (strcmp(h->name, "xdp_dispatcher") == 0)
		return "libxdp has programs there: 'xdp-loader status' names them, 'xdp-loader "
		       "unload INTERFACE --all' takes them off";
	return "take it off first; 'bpftool net show' tells more";
}

static int refuse_holder(const struct job *j, const struct sl_holder *h)
{
	bool is_ours = strcmp(h->name, "sl_gate") == 0;

	return sl_why_text(j->why, -EBUSY, "%s: %s holds it, program '%s' (id %u, %s): %s",
			   j->device.name, is_ours ? "a sluice with other pins" : "another program",
			   h->name, h->program, sl_attach_mode_name(h->mode), advice_about(h));
}

/* A link of ours that works on this very interface: it stays, and so does its mode. */
static int keep_link(struct job *j, const struct sl_holder *holder)
{
	if (j->options->mode != SL_MODE_AUTO && j->options->mode != holder->mode)
		return sl_why_text(j->why, -EEXIST,
				   "%s: attached in mode %s, which an upgrade cannot change: "
				   "detach it first, or leave the mode out",
				   j->device.name, sl_attach_mode_name(holder->mode));
	j->to.mode = holder->mode;
	j->to.is_upgrade = true;
	snprintf(j->to.because, sizeof(j->to.because), "it was attached so");
	return 0;
}

/* Finds the pinned link, if it is alive, or who else is on the interface. */
static int find_link(struct job *j)
{
	struct sl_holder holder;
	struct sl_link link = { .fd = -1 };
	int ret = sl_device_holder(j->device.ifindex, &holder);

	if (ret < 0)
		return sl_why_errno(j->why, ret, j->device.name);
	ret = sl_link_open(j->pins, j->device.name, &link, j->why);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	if (ret == 0 && link.ifindex == j->device.ifindex && link.program == holder.program) {
		j->link = link.fd;
		return keep_link(j, &holder);
	}
	if (ret == 0) {
		close(link.fd);
		if (link.ifindex)
			return sl_why_text(j->why, -EBUSY,
					   "%s: the pinned link is of an interface of that name in "
					   "another network namespace: use other pins",
					   j->device.name);
		sl_link_unpin(j->pins, j->device.name); /* its interface was deleted */
	}
	return holder.program ? refuse_holder(j, &holder) : 0;
}

/* ---- attaching ---- */

static int update_link(struct job *j, int program)
{
	int ret = bpf_link_update(j->link, program, NULL) < 0 ? -errno : 0;

	if (ret < 0)
		sl_why_errno(j->why, ret, "replacing the program");
	return ret;
}

static int create_link(struct job *j, int program)
{
	int link = sl_device_link(&j->device, program, j->to.mode, j->why);
	int ret;

	if (link < 0)
		return link;
	ret = sl_link_pin(j->pins, j->device.name, link, j->why);
	close(link); /* the pin holds it now; without one, it is detached by this */
	return ret;
}

static int try_once(struct job *j, bool has_fragments)
{
	struct sl_gate_options o = { .pins = j->pins,
				     .image_lines = j->options->image_lines,
				     .slot = j->to.slot,
				     .has_fragments = has_fragments };
	struct sl_gate_program *program;
	int ret;

	if (j->has_gate) {
		o.image_lines = j->gate.image_lines;
		sl_gate_close(&j->gate);
		j->has_gate = false;
	}
	ret = sl_gate_load(&j->gate, &o, &program, j->why);
	if (ret < 0)
		return ret;
	j->has_gate = true;
	clear_counters(j);
	ret = j->link >= 0 ? update_link(j, sl_gate_program_fd(program))
			   : create_link(j, sl_gate_program_fd(program));
	sl_gate_program_free(program);
	j->to.has_fragments = has_fragments;
	return ret;
}

/* Whether it was the driver that did not like it, and the program could be tried otherwise. */
static bool is_drivers(int error)
{
	return error == -EOPNOTSUPP || error == -ERANGE || error == -EINVAL || error == -E2BIG ||
	       error == -ENOMEM || error == -ENOSPC;
}

/* Frames larger than a page come in several buffers, and need a program that can take them. */
static int try_mode(struct job *j, enum sl_attach_mode mode)
{
	int ret;

	j->to.mode = mode;
	ret = try_once(j, false);
	if (mode == SL_MODE_NATIVE && is_drivers(ret)) {
		struct sl_why first = *j->why;

		ret = try_once(j, true);
		if (ret < 0)
			*j->why = first;
	}
	return ret;
}

static int try_auto(struct job *j)
{
	int ret;

	if (j->device.is_virtual) {
		snprintf(j->to.because, sizeof(j->to.because),
			 "%s%s is virtual, and native XDP would slow down what passes",
			 j->device.driver[0] ? "driver " : "",
			 j->device.driver[0] ? j->device.driver : j->device.name);
		return try_mode(j, SL_MODE_GENERIC);
	}
	ret = try_mode(j, SL_MODE_NATIVE);
	if (!is_drivers(ret)) {
		snprintf(j->to.because, sizeof(j->to.because), "driver %s takes it",
			 j->device.driver);
		return ret;
	}
	snprintf(j->to.because, sizeof(j->to.because), "%.199s", j->why->text);
	return try_mode(j, SL_MODE_GENERIC);
}

static int attach_locked(struct job *j)
{
	int ret = open_gate(j);

	if (ret == 0)
		ret = choose_slot(j);
	if (ret == 0)
		ret = find_link(j);
	if (ret < 0)
		return ret;
	if (j->link >= 0)
		ret = try_mode(j, j->to.mode);
	else if (j->options->mode == SL_MODE_AUTO)
		ret = try_auto(j);
	else
		ret = try_mode(j, j->options->mode);
	return ret < 0 ? ret : write_slot(j);
}

int sl_attach(const char *pins, const char *interface, const struct sl_attach_options *options,
	      struct sl_attached *ret_attached, struct sl_why *why)
{
	struct job j = { .pins = pins, .options = options, .why = why, .link = -1 };
	int ret = sl_device_find(interface, &j.device, why), lock;
	struct sl_holder holder;
	bool is_made = false;

	if (ret == 0)
		ret = sl_links_make_dir(pins, &is_made, why);
	if (ret < 0)
		return ret;
	lock = sl_gate_lock(pins);
	if (lock < 0)
		return sl_why_errno(why, lock, pins);
	ret = attach_locked(&j);
	if (ret == 0 && sl_device_holder(j.device.ifindex, &holder) == 0)
		j.to.program = holder.program;
	if (j.has_gate)
		sl_gate_close(&j.gate);
	if (j.link >= 0)
		close(j.link);
	close(lock);
	if (ret < 0 && is_made)
		rmdir(pins); /* unless something is pinned there by now */
	if (ret < 0)
		return ret;
	memcpy(j.to.interface, j.device.name, sizeof(j.to.interface));
	memcpy(j.to.driver, j.device.driver, sizeof(j.to.driver));
	j.to.ifindex = j.device.ifindex;
	*ret_attached = j.to;
	return 0;
}

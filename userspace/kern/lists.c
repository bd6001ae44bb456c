// SPDX-License-Identifier: Apache-2.0
// The list in the kernel: read, replace.
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/attach.h"
#include "kern/gate.h"
#include "kern/growth.h"
#include "kern/image.h"
#include "kern/oldimage.h"
#include "kern/why.h"

enum { IMAGE_ACTIVE, IMAGE_BEFORE };

static int map_lines(int fd, uint32_t lines, struct sl_image *ret_image)
{
	void *mem =
		mmap(NULL, (size_t)lines * SL_LINE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	*ret_image = (struct sl_image){ mem, lines };
	return 0;
}

static int lines_of(int fd, uint32_t *ret_lines)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	*ret_lines = info.max_entries;
	return 0;
}

int sl_gate_map_fd(int fd, struct sl_image *ret_image)
{
	struct sl_image image = { 0 };
	uint32_t lines = 0;
	int ret = lines_of(fd, &lines);

	if (ret == 0)
		ret = map_lines(fd, lines, &image);
	if (ret < 0)
		return ret;
	ret = sl_image_check(&image);
	if (ret < 0) {
		sl_gate_unmap_image(&image);
		return ret;
	}
	*ret_image = image;
	return 0;
}

int sl_gate_map_image(struct sl_gate *gate, uint32_t index, struct sl_image *ret_image)
{
	int ret = sl_gate_refresh(gate), fd;

	if (ret < 0)
		return ret;
	fd = sl_gate_image_fd(gate, index);
	if (fd < 0)
		return fd;
	ret = sl_gate_map_fd(fd, ret_image);
	close(fd);
	return ret;
}

int sl_gate_image_lines(struct sl_gate *gate, uint32_t *ret_lines)
{
	int fd = sl_gate_image_fd(gate, IMAGE_ACTIVE), ret;

	if (fd < 0)
		return fd;
	ret = lines_of(fd, ret_lines);
	close(fd);
	return ret;
}

void sl_gate_unmap_image(struct sl_image *image)
{
	munmap(image->lines, (size_t)image->nr * SL_LINE_SIZE);
}

static uint32_t ticks_now(void)
{
	return (uint32_t)(sl_now_ns() >> SL_TICK_SHIFT);
}

enum sl_trial sl_gate_trial(const struct sl_gate *gate, uint64_t *ret_left_ns)
{
	uint32_t end = gate->switches->revert_at, now = ticks_now();

	*ret_left_ns = 0;
	if (!end)
		return SL_TRIAL_NONE;
	if (now >= end)
		return SL_TRIAL_OVER;
	*ret_left_ns = (uint64_t)(end - now) << SL_TICK_SHIFT;
	return SL_TRIAL_ON;
}

uint32_t sl_gate_holding(const struct sl_gate *gate)
{
	uint64_t left_ns;

	return sl_gate_trial(gate, &left_ns) == SL_TRIAL_OVER ? IMAGE_BEFORE : IMAGE_ACTIVE;
}

int sl_gate_read(struct sl_gate *gate, struct sl_prefixes *list, struct sl_why *why)
{
	struct sl_image image;
	int ret = sl_gate_map_image(gate, sl_gate_holding(gate), &image);

	if (ret < 0)
		return sl_why_errno(why, ret, "reading the list in the kernel");
	ret = sl_image_read(&image, list);
	sl_gate_unmap_image(&image);
	return ret < 0 ? sl_why_errno(why, ret, "reading the list in the kernel") : 0;
}

static int explain_compile(int ret, struct sl_prefixes *list, size_t culprit, struct sl_why *why)
{
	char text[64];
	struct sl_out o;

	if (ret == -ENOSPC)
		return sl_why_text(why, ret,
				   "%zu prefixes need more room than a list can have: %u MiB",
				   list->nr, SL_IMAGE_LINES_MAX / (1048576 / SL_LINE_SIZE));
	if (ret != -E2BIG && ret != -EINVAL)
		return sl_why_errno(why, ret, "compiling the list");
	sl_out_init(&o, text, sizeof(text));
	sl_prefix_print(&o, &list->prefixes[culprit]);
	if (ret == -EINVAL)
		return sl_why_text(why, ret,
				   "%.*s: a management prefix has no port, interface or timeout",
				   SL_STR_ARG(sl_out_done(&o)));
	return sl_why_text(why, ret,
			   "%.*s: more than %d entries with a port, an interface or a timeout "
			   "lie over each other here",
			   SL_STR_ARG(sl_out_done(&o)), SL_CHAIN_MAX);
}

/* A new image, compiled, and mapped until it is published. */
struct edition {
	int fd;
	struct sl_image image;
};

static void edition_fini(struct edition *e)
{
	if (e->image.lines)
		sl_gate_unmap_image(&e->image);
	if (e->fd >= 0)
		close(e->fd);
	*e = (struct edition){ .fd = -1 };
}

static int explain_memory(int ret, uint32_t lines, struct sl_why *why)
{
	return sl_why_text(why, ret, "memory for a list of %u MiB: %s",
			   lines / (1048576 / SL_LINE_SIZE), strerror(-ret));
}

static int compile_in(struct edition *e, uint32_t lines, struct sl_prefixes *list,
		      uint32_t generation, struct sl_why *why)
{
	size_t culprit = 0;
	uint64_t seed;
	int ret;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return sl_why_errno(why, -EIO, "getrandom");
	e->fd = sl_list_new(lines);
	if (e->fd < 0)
		return explain_memory(e->fd, lines, why);
	ret = map_lines(e->fd, lines, &e->image);
	if (ret < 0)
		return explain_memory(ret, lines, why);
	ret = sl_image_compile(&e->image, list, generation, seed, &culprit);
	return ret < 0 ? explain_compile(ret, list, culprit, why) : 0;
}

/* In as many lines as images have, if they are enough and programs can be given larger ones. */
static int compile(struct sl_gate *gate, struct edition *e, struct sl_prefixes *list,
		   uint32_t generation, uint32_t least_lines, struct sl_why *why)
{
	uint32_t lines = gate->image_lines > least_lines ? gate->image_lines : least_lines;
	int ret = compile_in(e, lines, list, generation, why);

	while (ret == -ENOSPC && gate->pins[0] && lines < SL_IMAGE_LINES_MAX) {
		uint32_t guess = sl_image_lines_for(list->nr);

		edition_fini(e);
		lines = guess > lines			 ? guess
			: lines < SL_IMAGE_LINES_MAX / 2 ? lines * 2
							 : SL_IMAGE_LINES_MAX;
		ret = compile_in(e, lines, list, generation, why);
	}
	return ret;
}

static int set_image(struct sl_gate *gate, uint32_t index, int fd)
{
	return bpf_map_update_elem(gate->image, &index, &fd, BPF_ANY) < 0 ? -errno : 0;
}

static uint32_t trial_end(uint64_t trial_ns)
{
	return ticks_now() + 1 + (uint32_t)(trial_ns >> SL_TICK_SHIFT);
}

/* The one before stays at hand, then the new one holds: one update, after which the kernel waits
 * until no packet is being judged by the old one. */
static int swap_in(struct sl_gate *gate, const struct edition *e, int before, uint64_t trial_ns)
{
	int ret = sl_list_pin(gate, e->fd);

	if (ret == 0)
		ret = set_image(gate, IMAGE_BEFORE, before >= 0 ? before : e->fd);
	if (ret < 0)
		return ret;
	/* First: between the two, nobody may hold for good what is on trial. */
	if (trial_ns)
		gate->switches->revert_at = trial_end(trial_ns);
	ret = set_image(gate, IMAGE_ACTIVE, e->fd);
	if (ret < 0)
		gate->switches->revert_at = 0;
	return ret;
}

/* An image has no places but its own lines': it is the same in a larger map. */
static int copy_image(const struct sl_image *from, uint32_t lines)
{
	const struct sl_image_head *head;
	int fd = sl_list_new(lines), ret;
	struct sl_image to = { 0 };

	if (fd < 0 || !from || !from->lines)
		return fd;
	head = (const void *)from->lines;
	ret = map_lines(fd, lines, &to);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	memcpy(to.lines, from->lines, (size_t)head->lines * SL_LINE_SIZE);
	sl_gate_unmap_image(&to);
	return fd;
}

/* Old programs go on with what they have, on trial or not, until each has its successor. */
static int grow_into(struct sl_gate *gate, const struct edition *e, const struct sl_image *before,
		     uint64_t trial_ns, struct sl_why *why)
{
	struct sl_growth growth = {
		.fds = { e->fd, -1 },
		.lines = e->image.nr,
		.revert_at = trial_ns ? trial_end(trial_ns) : 0,
	};
	int ret, active = sl_gate_image_fd(gate, IMAGE_ACTIVE);

	if (active < 0)
		return sl_why_errno(why, active, "the list that holds");
	growth.fds[1] = copy_image(before, growth.lines);
	ret = growth.fds[1] < 0 ? explain_memory(growth.fds[1], growth.lines, why) : 0;
	if (ret == 0) {
		ret = set_image(gate, IMAGE_BEFORE, active);
		if (ret < 0)
			sl_why_errno(why, ret, "the list that holds");
	}
	if (ret == 0)
		ret = sl_growth_begin(gate, &growth, why);
	if (growth.fds[1] >= 0)
		close(growth.fds[1]);
	close(active);
	return ret;
}

static int publish(struct sl_gate *gate, const struct edition *e, const struct sl_image *before,
		   uint64_t trial_ns, struct sl_why *why)
{
	int active, ret;

	if (e->image.nr != gate->image_lines)
		return grow_into(gate, e, before, trial_ns, why);
	active = sl_gate_image_fd(gate, IMAGE_ACTIVE);
	/* Whoever cannot have the list that holds must not put another in its place, to which
	 * nobody could go back. */
	ret = active < 0 && active != -ENOENT ? active : swap_in(gate, e, active, trial_ns);
	if (active >= 0)
		close(active);
	return ret < 0 ? sl_why_errno(why, ret, "publishing the new list") : 0;
}

/* What was before the list on trial holds again, for good. */
static int end_trial(struct sl_gate *gate)
{
	int before = sl_gate_image_fd(gate, IMAGE_BEFORE), ret;

	if (before < 0)
		return before;
	ret = set_image(gate, IMAGE_ACTIVE, before);
	close(before);
	if (ret == 0)
		gate->switches->revert_at = 0;
	return ret;
}

int sl_gate_confirm(struct sl_gate *gate)
{
	uint64_t left_ns;

	if (sl_gate_trial(gate, &left_ns) != SL_TRIAL_ON)
		return -ENOENT;
	gate->switches->revert_at = 0;
	return 0;
}

int sl_gate_revert(struct sl_gate *gate)
{
	return gate->switches->revert_at ? end_trial(gate) : -ENOENT;
}

static int end_old_trial(struct sl_gate *gate, struct sl_why *why)
{
	uint64_t left_ns;
	int ret;

	switch (sl_gate_trial(gate, &left_ns)) {
	case SL_TRIAL_NONE:
		return 0;
	case SL_TRIAL_ON:
		return sl_why_text(why, -EBUSY,
				   "a list is on trial for %llu s more: confirm or revert it first",
				   (unsigned long long)(left_ns / SL_SEC));
	case SL_TRIAL_OVER:
		break;
	}
	ret = end_trial(gate);
	return ret < 0 ? sl_why_errno(why, ret, "ending the trial") : 0;
}

/* They go on from those of the image before. */
static void forget_hits(struct sl_prefixes *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		list->prefixes[i].hits = 0;
		list->prefixes[i].last_hit = 0;
	}
}

static int put(struct sl_gate *gate, struct sl_prefixes *list, uint64_t trial_ns,
	       uint32_t least_lines, struct sl_why *why)
{
	const struct sl_image_head *head;
	struct sl_image before = { 0 };
	struct edition e = { .fd = -1 };
	bool has_before;
	int ret = sl_gate_refresh(gate);

	ret = ret < 0 ? sl_why_errno(why, ret, "the list that holds") : end_old_trial(gate, why);
	if (ret < 0)
		return ret;
	has_before = sl_gate_map_image(gate, IMAGE_ACTIVE, &before) == 0;
	head = has_before ? sl_image_line(&before, 0) : NULL;
	if (has_before)
		forget_hits(list);
	ret = compile(gate, &e, list, head ? head->generation + 1 : 1, least_lines, why);
	if (ret == 0)
		ret = publish(gate, &e, has_before ? &before : NULL, trial_ns, why);
	if (ret == 0 && has_before)
		sl_image_carry_hits(&e.image, &before);
	sl_lists_sweep(gate);
	edition_fini(&e);
	if (has_before)
		sl_gate_unmap_image(&before);
	return ret;
}

int sl_gate_try(struct sl_gate *gate, struct sl_prefixes *list, uint64_t trial_ns,
		struct sl_why *why)
{
	return put(gate, list, trial_ns, 0, why);
}

int sl_gate_publish(struct sl_gate *gate, struct sl_prefixes *list, struct sl_why *why)
{
	return put(gate, list, 0, 0, why);
}

int sl_gate_grow(struct sl_gate *gate, uint32_t lines, struct sl_why *why)
{
	struct sl_prefixes list = { 0 };
	int ret = sl_gate_read(gate, &list, why);

	if (ret == 0)
		ret = put(gate, &list, 0, lines, why);
	sl_prefixes_fini(&list);
	return ret;
}

static int read_old(struct sl_gate *gate, struct sl_prefixes *list)
{
	int fd = sl_gate_image_fd(gate, IMAGE_ACTIVE), ret;
	struct sl_image image = { 0 };

	if (fd < 0)
		return fd;
	ret = map_lines(fd, gate->image_lines, &image);
	close(fd);
	if (ret < 0)
		return ret;
	ret = sl_image_check(&image) == 0 ? sl_image_read(&image, list)
					  : sl_image_read_v1(&image, list);
	sl_gate_unmap_image(&image);
	return ret;
}

static int migrate(struct sl_gate *gate, struct sl_why *why)
{
	struct sl_prefixes list = { 0 };
	struct edition e = { .fd = -1 };
	int ret = end_old_trial(gate, why);

	if (ret == 0) {
		ret = read_old(gate, &list);
		if (ret < 0)
			sl_why_errno(why, ret, "reading the list of the version before");
	}
	if (ret == 0)
		ret = compile(gate, &e, &list, 1, 0, why);
	if (ret == 0)
		ret = sl_growth_begin(
			gate, &(struct sl_growth){ .fds = { e.fd, e.fd }, .lines = e.image.nr },
			why);
	sl_lists_sweep(gate);
	edition_fini(&e);
	sl_prefixes_fini(&list);
	return ret;
}

int sl_gate_migrate(const char *pins, struct sl_why *why)
{
	struct sl_gate gate;
	int ret = sl_gate_open(&gate, pins, why);
	uint32_t is;

	if (ret != -EPROTO) {
		if (ret == 0)
			sl_gate_close(&gate);
		return ret;
	}
	if (sl_gate_open_any(&gate, pins, &(struct sl_why){ "" }) < 0)
		return ret;
	is = gate.switches->version;
	if (is >= SL_ABI_OLDEST && is < SL_ABI_VERSION)
		ret = migrate(&gate, why);
	sl_gate_close(&gate);
	return ret;
}

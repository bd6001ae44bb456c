// SPDX-License-Identifier: Apache-2.0
// The list in the kernel: read, replace.
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/gate.h"
#include "kern/image.h"
#include "kern/why.h"

enum { IMAGE_ACTIVE, IMAGE_BEFORE };

static int image_fd(struct sl_gate *gate, uint32_t index)
{
	uint32_t id;
	int fd;

	if (bpf_map_lookup_elem(gate->image, &index, &id) < 0)
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

static int map_lines(int fd, uint32_t lines, struct sl_image *ret_image)
{
	void *mem =
		mmap(NULL, (size_t)lines * SL_LINE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	*ret_image = (struct sl_image){ mem, lines };
	return 0;
}

int sl_gate_map_image(struct sl_gate *gate, uint32_t index, struct sl_image *ret_image)
{
	struct sl_image image;
	int fd = image_fd(gate, index), ret;

	if (fd < 0)
		return fd;
	ret = map_lines(fd, gate->image_lines, &image);
	close(fd);
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

int sl_gate_image_lines(struct sl_gate *gate, uint32_t *ret_lines)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = image_fd(gate, IMAGE_ACTIVE), ret = 0;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		ret = -errno;
	close(fd);
	*ret_lines = info.max_entries;
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

int sl_gate_lock(const char *pins)
{
	int fd = open(pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX) < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

static int explain_compile(int ret, struct sl_prefixes *list, size_t culprit, struct sl_why *why)
{
	char text[64];
	struct sl_out o;

	if (ret == -ENOSPC)
		return sl_why_text(why, ret,
				   "%zu prefixes need more room than there is: attach again with "
				   "room for more (\"prefixes N\")",
				   list->nr);
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

static int compile_into(struct sl_gate *gate, int fd, struct sl_prefixes *list, uint32_t generation,
			struct sl_image *ret_image, struct sl_why *why)
{
	size_t culprit = 0;
	uint64_t seed;
	int ret;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return sl_why_errno(why, -EIO, "getrandom");
	ret = map_lines(fd, gate->image_lines, ret_image);
	if (ret < 0)
		return sl_why_errno(why, ret, "mapping the new list");
	ret = sl_image_compile(ret_image, list, generation, seed, &culprit);
	if (ret < 0) {
		sl_gate_unmap_image(ret_image);
		return explain_compile(ret, list, culprit, why);
	}
	return 0;
}

static int set_image(struct sl_gate *gate, uint32_t index, int fd)
{
	return bpf_map_update_elem(gate->image, &index, &fd, BPF_ANY) < 0 ? -errno : 0;
}

/* The one before stays at hand, then the new one holds: one update, after which the kernel waits
 * until no packet is being judged by the old one. */
static int swap_in(struct sl_gate *gate, int fd, uint64_t trial_ns)
{
	int before = image_fd(gate, IMAGE_ACTIVE), ret;

	/* By number the kernel gives maps to CAP_SYS_ADMIN only: whoever cannot have the list that
	 * holds must not put another in its place, to which nobody could go back. */
	if (before < 0 && before != -ENOENT)
		return before;
	ret = set_image(gate, IMAGE_BEFORE, before >= 0 ? before : fd);
	if (before >= 0)
		close(before);
	if (ret < 0)
		return ret;
	/* First: between the two, nobody may hold for good what is on trial. */
	if (trial_ns)
		gate->switches->revert_at = ticks_now() + 1 + (uint32_t)(trial_ns >> SL_TICK_SHIFT);
	ret = set_image(gate, IMAGE_ACTIVE, fd);
	if (ret < 0)
		gate->switches->revert_at = 0;
	return ret;
}

/* What was before the list on trial holds again, for good. */
static int end_trial(struct sl_gate *gate)
{
	int before = image_fd(gate, IMAGE_BEFORE), ret;

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

int sl_gate_try(struct sl_gate *gate, struct sl_prefixes *list, uint64_t trial_ns,
		struct sl_why *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	struct sl_image before = { 0 }, image = { 0 };
	const struct sl_image_head *head;
	bool has_before;
	int fd, ret = end_old_trial(gate, why);

	if (ret < 0)
		return ret;
	has_before = sl_gate_map_image(gate, IMAGE_ACTIVE, &before) == 0;
	head = has_before ? sl_image_line(&before, 0) : NULL;
	if (has_before)
		forget_hits(list);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_list", sizeof(uint32_t), SL_LINE_SIZE,
			    gate->image_lines, &options);
	ret = fd < 0 ? sl_why_errno(why, -errno, "memory for the new list") : 0;
	if (ret == 0)
		ret = compile_into(gate, fd, list, head ? head->generation + 1 : 1, &image, why);
	if (ret == 0) {
		ret = swap_in(gate, fd, trial_ns);
		if (ret < 0)
			sl_why_errno(why, ret, "publishing the new list");
		else if (has_before)
			sl_image_carry_hits(&image, &before);
		sl_gate_unmap_image(&image);
	}
	if (fd >= 0)
		close(fd);
	if (has_before)
		sl_gate_unmap_image(&before);
	return ret;
}

int sl_gate_publish(struct sl_gate *gate, struct sl_prefixes *list, struct sl_why *why)
{
	return sl_gate_try(gate, list, 0, why);
}

// SPDX-License-Identifier: Apache-2.0
// Images and their pins; and how a full array of images gives way to a larger one.
#include "kern/growth.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "kern/links.h"
#include "kern/why.h"

#define LIST_PREFIX "list_"
#define NEXT "image_next"

enum { PATH_MAX_HERE = SL_PINS_MAX + 32 };

uint32_t sl_map_number(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ? 0 : info.id;
}

/* ---- images ---- */

int sl_list_new(uint32_t lines)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_list", sizeof(uint32_t), SL_LINE_SIZE,
				lines, &options);

	return fd < 0 ? -errno : fd;
}

static int open_pin(const char *pins, const char *name)
{
	char path[PATH_MAX_HERE];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pins, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int sl_list_open(const char *pins, uint32_t id)
{
	char name[24];

	if (!pins[0])
		return -ENOENT;
	snprintf(name, sizeof(name), LIST_PREFIX "%u", id);
	return open_pin(pins, name);
}

int sl_list_pin(const struct sl_gate *gate, int fd)
{
	char path[PATH_MAX_HERE];

	if (!gate->pins[0])
		return 0;
	snprintf(path, sizeof(path), "%s/" LIST_PREFIX "%u", gate->pins, sl_map_number(fd));
	return bpf_obj_pin(fd, path) < 0 && errno != EEXIST ? -errno : 0;
}

/* Unlinks the lists' pins but for those with these numbers, which end with a 0. */
static int remove_lists(const char *pins, const uint32_t *kept)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		const uint32_t *k = kept;
		uint32_t id;

		if (strncmp(entry->d_name, LIST_PREFIX, strlen(LIST_PREFIX)) != 0)
			continue;
		id = (uint32_t)strtoul(entry->d_name + strlen(LIST_PREFIX), NULL, 10);
		while (*k && *k != id)
			k++;
		if (*k == 0 && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			ret = -errno;
	}
	closedir(dir);
	return ret;
}

void sl_lists_sweep(const struct sl_gate *gate)
{
	uint32_t kept[3] = { 0 }, nr = 0;

	for (uint32_t i = 0; gate->pins[0] && i < 2; i++)
		if (bpf_map_lookup_elem(gate->image, &i, &kept[nr]) == 0)
			nr++;
		else if (errno != ENOENT)
			return;
	if (nr)
		remove_lists(gate->pins, kept);
}

/* ---- the array ---- */

/* By number alone where a sluice that pinned no lists has published it. */
static int open_image(const struct sl_gate *gate, uint32_t id)
{
	int fd = sl_list_open(gate->pins, id);

	if (fd != -ENOENT)
		return fd;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

/* One that went while we looked has been followed by another, with a number of its own. */
int sl_gate_image_fd(const struct sl_gate *gate, uint32_t index)
{
	uint32_t id, gone = 0;

	for (;;) {
		int fd;

		if (bpf_map_lookup_elem(gate->image, &index, &id) < 0)
			return -errno;
		fd = open_image(gate, id);
		if (fd >= 0 || id == gone)
			return fd;
		gone = id;
	}
}

bool sl_gate_is_stale(const struct sl_gate *gate)
{
	uint32_t now = gate->switches ? gate->switches->image_map : 0;

	return now && now != gate->image_map && gate->pins[0];
}

void sl_gate_use_images(struct sl_gate *gate, int fd, uint32_t lines)
{
	close(gate->image);
	gate->image = fd;
	gate->image_map = sl_map_number(fd);
	gate->image_lines = lines;
}

int sl_gate_refresh(struct sl_gate *gate)
{
	struct sl_gate now = *gate;
	char path[SL_PINS_MAX + 32];
	uint32_t lines;
	int ret;

	if (!sl_gate_is_stale(gate))
		return 0;
	snprintf(path, sizeof(path), "%s/image", gate->pins);
	now.image = bpf_obj_get(path);
	if (now.image < 0)
		return -errno;
	ret = sl_gate_image_lines(&now, &lines);
	if (ret < 0) {
		close(now.image);
		return ret;
	}
	sl_gate_use_images(gate, now.image, lines);
	return 0;
}

/* ---- programs that judge by another array ---- */

struct place {
	struct sl_gate_program *program;
	int link; /* -1: there is none */
	uint32_t slot;
};

struct change {
	const char *pins;
	int image; /* the array that programs are to have */
	struct place places[SL_INTERFACES_MAX];
	unsigned nr;
	struct sl_why *why;
};

static int load(const struct change *c, struct place *p, bool has_fragments)
{
	const struct sl_gate_options options = {
		.pins = c->pins, .slot = p->slot, .has_fragments = has_fragments, .image = &c->image
	};
	struct sl_gate_program *program;
	struct sl_gate gate;
	int ret = sl_gate_load(&gate, &options, &program, c->why);

	if (ret < 0)
		return ret;
	sl_gate_close(&gate);
	sl_gate_program_free(p->program);
	p->program = program;
	return 0;
}

/* An interface that is gone has a link still, which takes no program and needs none. */
static int add_place(struct change *c, const char *interface, uint32_t slot)
{
	struct place *p = &c->places[c->nr];
	struct sl_link link = { .fd = -1 };
	int ret = sl_link_open(c->pins, interface, &link, c->why);

	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	if (!link.ifindex) {
		close(link.fd);
		return 0;
	}
	*p = (struct place){ .link = link.fd, .slot = slot };
	c->nr++;
	return load(c, p, false);
}

/* All, before the first takes over: what cannot be loaded changes nothing. */
static int load_all(struct change *c)
{
	int fd = open_pin(c->pins, "interfaces"), ret = 0;
	struct sl_interface at;

	if (fd < 0)
		return sl_why_errno(c->why, fd, c->pins);
	for (uint32_t i = 0; i < SL_INTERFACES_MAX && ret == 0; i++) {
		char name[SL_INTERFACE_NAME_MAX + 1] = "";

		if (bpf_map_lookup_elem(fd, &i, &at) < 0 || !at.name[0] || !at.ifindex)
			continue;
		memcpy(name, at.name, sizeof(at.name));
		ret = add_place(c, name, i);
	}
	close(fd);
	return ret;
}

/* One that takes frames of several buffers may be what the driver wants, as at first. */
static int update(struct change *c, struct place *p)
{
	int ret = bpf_link_update(p->link, sl_gate_program_fd(p->program), NULL) < 0 ? -errno : 0;

	if (ret < 0 && ret != -ENOLINK && load(c, p, true) == 0)
		ret = bpf_link_update(p->link, sl_gate_program_fd(p->program), NULL) < 0 ? -errno
											 : 0;
	if (ret == -ENOLINK) /* its interface went just now */
		ret = 0;
	return ret < 0 ? sl_why_errno(c->why, ret, "replacing a program") : 0;
}

/* From here on whoever opens the gate has the new array. */
static int put_pin(struct change *c)
{
	char from[PATH_MAX_HERE], to[PATH_MAX_HERE];
	struct sl_gate gate;
	int ret = sl_gate_open_any(&gate, c->pins, c->why);

	if (ret < 0)
		return ret;
	snprintf(from, sizeof(from), "%s/" NEXT, c->pins);
	snprintf(to, sizeof(to), "%s/image", c->pins);
	/* First: who looks between the two opens the old one, and looks again the next time. */
	gate.switches->image_map = sl_map_number(c->image);
	gate.switches->version = SL_ABI_VERSION; /* if it was another, this was what had changed */
	ret = rename(from, to) < 0 ? sl_why_errno(c->why, -errno, to) : 0;
	sl_gate_close(&gate);
	return ret;
}

static int take_over(struct change *c)
{
	int ret = 0;

	for (unsigned i = 0; i < c->nr && ret == 0; i++)
		ret = update(c, &c->places[i]);
	return ret < 0 ? ret : put_pin(c);
}

static void change_fini(struct change *c)
{
	for (unsigned i = 0; i < c->nr; i++) {
		sl_gate_program_free(c->places[i].program);
		close(c->places[i].link);
	}
}

int sl_growth_finish(const char *pins, struct sl_why *why)
{
	struct change c = { .pins = pins, .why = why };
	int ret;

	c.image = open_pin(pins, NEXT);
	if (c.image == -ENOENT)
		return 0;
	if (c.image < 0)
		return sl_why_errno(why, c.image, pins);
	ret = load_all(&c);
	if (ret == 0)
		ret = take_over(&c);
	change_fini(&c);
	close(c.image);
	return ret;
}

/* ---- the lock ---- */

int sl_pins_lock(const char *pins)
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

int sl_gate_lock(const char *pins)
{
	int fd = sl_pins_lock(pins), ret;
	struct sl_why why;

	if (fd < 0)
		return fd;
	ret = sl_growth_finish(pins, &why);
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

/* ---- a larger array ---- */

static int make_array(const struct sl_growth *g)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = (uint32_t)g->fds[0]);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "image", sizeof(uint32_t),
				sizeof(uint32_t), 2, &options);

	if (fd < 0)
		return -errno;
	for (uint32_t i = 0; i < 2; i++)
		if (bpf_map_update_elem(fd, &i, &g->fds[i], BPF_ANY) < 0) {
			int ret = -errno;

			close(fd);
			return ret;
		}
	return fd;
}

static int pin_all(const struct sl_gate *gate, const struct sl_growth *g, int array)
{
	char path[PATH_MAX_HERE];
	int ret = sl_list_pin(gate, g->fds[0]);

	if (ret == 0)
		ret = sl_list_pin(gate, g->fds[1]);
	snprintf(path, sizeof(path), "%s/" NEXT, gate->pins);
	if (ret == 0 && bpf_obj_pin(array, path) < 0)
		ret = -errno;
	return ret;
}

/* From here on whoever comes next ends it, so a list on trial has to be one by now. */
static int commit(struct sl_gate *gate, const struct sl_growth *g, int array, struct sl_why *why)
{
	int ret;

	gate->switches->revert_at = g->revert_at;
	ret = pin_all(gate, g, array);
	if (ret == 0)
		return 0;
	gate->switches->revert_at = 0;
	return sl_why_errno(why, ret, gate->pins);
}

int sl_growth_begin(struct sl_gate *gate, const struct sl_growth *growth, struct sl_why *why)
{
	struct change c = { .pins = gate->pins, .why = why, .image = make_array(growth) };
	int ret = 0;

	if (c.image < 0)
		return sl_why_errno(why, c.image, "an array for larger lists");
	ret = load_all(&c);
	if (ret == 0)
		ret = commit(gate, growth, c.image, why);
	if (ret == 0)
		ret = take_over(&c);
	change_fini(&c);
	if (ret < 0) {
		close(c.image);
		return ret;
	}
	sl_gate_use_images(gate, c.image, growth->lines);
	return 0;
}

int sl_growth_unpin(const char *pins, struct sl_why *why)
{
	static const uint32_t none[1];
	char path[PATH_MAX_HERE];
	int ret;

	snprintf(path, sizeof(path), "%s/" NEXT, pins);
	if (unlink(path) < 0 && errno != ENOENT)
		return sl_why_errno(why, -errno, path);
	ret = remove_lists(pins, none);
	return ret < 0 && ret != -ENOENT ? sl_why_errno(why, ret, pins) : 0;
}

// SPDX-License-Identifier: Apache-2.0
// Loads the kernel half, and keeps its maps.
#include "kern/gate.h"
#include "kern/cookies.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/growth.h"
#include "kern/links.h"
#include "kern/why.h"

extern const char sl_gate_object[], sl_gate_object_end[];

struct sl_gate_program {
	struct bpf_object *object;
	int example; /* a map of an image's size, while the object is loaded; or -1 */
};

/* Which descriptor of struct sl_gate is which map's. */
static const struct {
	const char *name;
	size_t at;
} maps[] = {
	{ "control", offsetof(struct sl_gate, control) },
	{ "image", offsetof(struct sl_gate, image) },
	{ "ports", offsetof(struct sl_gate, ports) },
	{ "punished", offsetof(struct sl_gate, punished) },
	{ "cells", offsetof(struct sl_gate, cells) },
	{ "counters", offsetof(struct sl_gate, counters) },
	{ "events", offsetof(struct sl_gate, events) },
	{ "interfaces", offsetof(struct sl_gate, interfaces) },
};
#define MAPS_NR (sizeof(maps) / sizeof(*maps))
_Static_assert(MAPS_NR == SL_GATE_MAPS, "each has a place in a message");

static int *map_fd(struct sl_gate *gate, size_t i)
{
	return (int *)((char *)gate + maps[i].at);
}

void sl_gate_init(struct sl_gate *gate)
{
	*gate = (struct sl_gate){ 0 };
	for (size_t i = 0; i < MAPS_NR; i++)
		*map_fd(gate, i) = -1;
}

void sl_gate_close(struct sl_gate *gate)
{
	if (gate->switches)
		munmap(gate->switches, (size_t)sysconf(_SC_PAGESIZE));
	for (size_t i = 0; i < MAPS_NR; i++)
		if (*map_fd(gate, i) >= 0)
			close(*map_fd(gate, i));
	sl_gate_init(gate);
}

static int map_switches(struct sl_gate *gate, struct sl_why *why)
{
	void *mem = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 gate->control, 0);

	if (mem == MAP_FAILED)
		return sl_why_errno(why, -errno, "mapping the kernel's switches");
	gate->switches = mem;
	return 0;
}

static int check_version(const struct sl_gate *gate, struct sl_why *why)
{
	uint32_t is = gate->switches->version;

	if (is == SL_ABI_VERSION)
		return 0;
	if (is >= SL_ABI_OLDEST && is < SL_ABI_VERSION)
		return sl_why_text(why, -EPROTO,
				   "the pinned maps are of layout %u, this program knows %u: to "
				   "attach an interface again takes them over as they are",
				   is, SL_ABI_VERSION);
	return sl_why_text(why, -EPROTO,
			   "the pinned maps are of layout %u, this program knows %u: save the "
			   "lists with the sluicectl that made them ('deny save FILE', 'allow save "
			   "FILE'), then 'sluicectl detach all', attach again, and load them",
			   is, SL_ABI_VERSION);
}

static void note_pins(struct sl_gate *gate, const char *pins)
{
	snprintf(gate->pins, sizeof(gate->pins), "%s", pins ? pins : "");
	gate->image_map = sl_map_number(gate->image);
}

int sl_gate_open_any(struct sl_gate *gate, const char *pins, struct sl_why *why)
{
	char path[SL_PINS_MAX + 32];
	int ret = sl_pins_check(pins, why);

	sl_gate_init(gate);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < MAPS_NR; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%s", pins, maps[i].name);
		fd = bpf_obj_get(path);
		if (fd < 0) {
			ret = sl_why_errno(why, -errno, path);
			sl_gate_close(gate);
			return ret;
		}
		*map_fd(gate, i) = fd;
	}
	note_pins(gate, pins);
	ret = map_switches(gate, why);
	if (ret == 0 && sl_gate_image_lines(gate, &gate->image_lines) < 0)
		ret = sl_why_text(why, -EPROTO, "%s: no list has been published there", pins);
	if (ret < 0)
		sl_gate_close(gate);
	return ret;
}

int sl_gate_open(struct sl_gate *gate, const char *pins, struct sl_why *why)
{
	int ret = sl_gate_open_any(gate, pins, why);

	if (ret == 0)
		ret = check_version(gate, why);
	if (ret < 0)
		sl_gate_close(gate);
	return ret;
}

unsigned sl_gate_fds(struct sl_gate *gate, int ret_fds[SL_GATE_MAPS])
{
	for (size_t i = 0; i < MAPS_NR; i++)
		ret_fds[i] = *map_fd(gate, i);
	return MAPS_NR;
}

int sl_gate_adopt(struct sl_gate *gate, const int fds[SL_GATE_MAPS], uint32_t image_lines,
		  const char *pins, struct sl_why *why)
{
	int ret;

	sl_gate_init(gate);
	for (size_t i = 0; i < MAPS_NR; i++)
		*map_fd(gate, i) = fds[i];
	note_pins(gate, pins);
	gate->image_lines = image_lines;
	ret = map_switches(gate, why);
	if (ret == 0)
		ret = check_version(gate, why);
	if (ret < 0)
		sl_gate_close(gate);
	return ret;
}

/* Whoever has it mapped sees that it is of no use any more.  The descriptor is the caller's. */
static void retire(int control)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	struct sl_control *c = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, control, 0);

	if (c == MAP_FAILED)
		return;
	__atomic_store_n(&c->version, 0, __ATOMIC_RELEASE);
	munmap(c, size);
}

static int unpin_maps(const char *pins, struct sl_why *why)
{
	char path[SL_PINS_MAX + 32];

	for (size_t i = 0; i < MAPS_NR; i++) {
		snprintf(path, sizeof(path), "%s/%s", pins, maps[i].name);
		if (unlink(path) < 0 && errno != ENOENT)
			return sl_why_errno(why, -errno, path);
	}
	return sl_growth_unpin(pins, why);
}

int sl_gate_unpin(const char *pins, struct sl_why *why)
{
	char path[SL_PINS_MAX + 32];
	int control, ret;

	snprintf(path, sizeof(path), "%s/control", pins);
	control = bpf_obj_get(path);
	ret = unpin_maps(pins, why);
	if (control < 0)
		return ret;
	if (ret == 0)
		retire(control);
	close(control);
	return ret;
}

/* libbpf's own words are for whoever debugs the loader; a refusal of the verifier is our bug. */
static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!getenv("SLUICE_DEBUG_BPF"))
		return 0;
	return vfprintf(stderr, format, args);
}

static int make_pins_dir(const char *path, struct sl_why *why)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return sl_why_errno(why, -errno, path);
}

/*
 * By the example of a map that is made as lists are: libbpf 1.1 cannot change the size of the one
 * that the program declares, and describes it by BTF, which for Linux 6.1 makes it another kind of
 * map than those without.  The descriptor stays ours.
 */
static int set_image_lines(struct sl_gate_program *program, uint32_t lines)
{
	int fd = sl_list_new(lines);

	if (fd < 0)
		return fd;
	program->example = fd;
	return bpf_map__set_inner_map_fd(bpf_object__find_map_by_name(program->object, "image"),
					 program->example);
}

/* Maps that are pinned keep the size that they have. */
static void set_cell_sets(struct bpf_map *cells, const struct sl_gate_options *o)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info), sets = o->cell_sets;
	char path[SL_PINS_MAX + 32];
	int fd = -1;

	if (o->pins) {
		snprintf(path, sizeof(path), "%s/cells", o->pins);
		fd = bpf_obj_get(path);
	}
	if (fd >= 0) {
		if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
			sets = info.max_entries;
		close(fd);
	}
	if (sets)
		bpf_map__set_max_entries(cells, sets);
}

/* Each map from its pin, or a new one that is pinned there; but for an array of images that is to
 * be another than the pinned one. */
static int set_pins(struct bpf_object *object, const struct sl_gate_options *o)
{
	char path[SL_PINS_MAX + 32];

	for (size_t i = 0; o->pins && i < MAPS_NR; i++) {
		snprintf(path, sizeof(path), "%s/%s", o->pins, maps[i].name);
		if (!o->image || strcmp(maps[i].name, "image") != 0)
			bpf_map__set_pin_path(bpf_object__find_map_by_name(object, maps[i].name),
					      path);
	}
	return o->image
		       ? bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "image"), *o->image)
		       : 0;
}

static int explain_load(int ret, const struct sl_gate_options *o, struct sl_why *why)
{
	if (ret == -EPERM || ret == -EACCES)
		return sl_why_text(why, ret,
				   "the kernel does not let this user load BPF programs: "
				   "run as root, or grant CAP_BPF and CAP_NET_ADMIN");
	if (ret == -ENOENT && o->pins)
		return sl_why_text(why, ret,
				   "%s: is a BPF file system mounted there?  "
				   "mount -t bpf bpf " SL_BPFFS,
				   o->pins);
	return sl_why_errno(why, ret, "loading the kernel program");
}

static int set_options(struct sl_gate_program *program, const struct sl_gate_options *o,
		       struct sl_why *why)
{
	struct bpf_object *object = program->object;
	struct bpf_map *cells = bpf_object__find_map_by_name(object, "cells");
	struct bpf_map *rodata = bpf_object__find_map_by_name(object, ".rodata");
	struct {
		uint32_t slot;
		uint8_t has_fragments, has_cookies;
	} constants = { o->slot, o->has_fragments, sl_cookies_are_made() };
	size_t size;
	int ret;

	if (!cells || !rodata || !bpf_map__initial_value(rodata, &size) ||
	    size > sizeof(constants) || bpf_map__set_initial_value(rodata, &constants, size) < 0)
		return sl_why_text(why, -EINVAL, "the built-in kernel program is damaged");
	if (o->has_fragments)
		bpf_program__set_flags(bpf_object__find_program_by_name(object, "sl_gate"),
				       BPF_F_XDP_HAS_FRAGS);
	ret = set_image_lines(program, o->image_lines ? o->image_lines : SL_IMAGE_LINES_DEFAULT);
	if (ret == -EPERM)
		return explain_load(ret, o, why);
	if (ret < 0)
		return sl_why_errno(why, ret, "memory for the list");
	set_cell_sets(cells, o);
	if (set_pins(object, o) < 0)
		return sl_why_text(why, -EINVAL, "the lists that are pinned are none of ours");
	return o->pins ? make_pins_dir(o->pins, why) : 0;
}

static int take_fds(struct sl_gate *gate, struct bpf_object *object,
		    const struct sl_gate_options *o, struct sl_why *why)
{
	for (size_t i = 0; i < MAPS_NR; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, maps[i].name);

		*map_fd(gate, i) = dup(bpf_map__fd(map));
		if (*map_fd(gate, i) < 0)
			return sl_why_errno(why, -errno, maps[i].name);
	}
	note_pins(gate, o->pins);
	sl_gate_image_lines(gate, &gate->image_lines); /* there is none in new maps */
	return map_switches(gate, why);
}

/* What maps that nobody has used need, before a packet meets them. */
static int begin(struct sl_gate *gate, const struct sl_gate_options *o, struct sl_why *why)
{
	struct sl_prefixes empty = { 0 };
	struct sl_control *c = gate->switches;
	int ret;

	if (c->version)
		return o->image ? 0 : check_version(gate, why);
	if (!gate->image_lines)
		gate->image_lines = o->image_lines ? o->image_lines : SL_IMAGE_LINES_DEFAULT;
	ret = sl_gate_publish(gate, &empty, why);
	if (ret < 0)
		return ret;
	if (getrandom(c->secret, sizeof(c->secret), 0) != sizeof(c->secret))
		return sl_why_errno(why, -EIO, "getrandom");
	c->cells_mask = (o->cell_sets ? o->cell_sets : SL_CELL_SETS_MAX) - 1;
	c->client4 = 0xffffffff;
	c->client6 = ~0ull;
	c->flags = SL_FLAG_ENFORCE | SL_FLAG_MALFORMED;
	c->version = SL_ABI_VERSION;
	return 0;
}

static void drop_example(struct sl_gate_program *program)
{
	if (program->example >= 0)
		close(program->example);
	program->example = -1;
}

int sl_gate_load(struct sl_gate *gate, const struct sl_gate_options *options,
		 struct sl_gate_program **ret_program, struct sl_why *why)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_options, .object_name = "sluice");
	struct sl_gate_program *program = calloc(1, sizeof(*program));
	int ret;

	sl_gate_init(gate);
	if (!program)
		return sl_why_errno(why, -ENOMEM, "loading the kernel program");
	program->example = -1;
	libbpf_set_print(quiet);
	program->object = bpf_object__open_mem(
		sl_gate_object, (size_t)(sl_gate_object_end - sl_gate_object), &open_options);
	ret = program->object ? set_options(program, options, why)
			      : sl_why_errno(why, -errno, "reading the kernel program");
	if (ret == 0) {
		ret = bpf_object__load(program->object);
		if (ret < 0)
			explain_load(ret, options, why);
	}
	drop_example(program);
	if (ret == 0)
		ret = take_fds(gate, program->object, options, why);
	if (ret == 0)
		ret = begin(gate, options, why);
	if (ret < 0) {
		sl_gate_close(gate);
		sl_gate_program_free(program);
		return ret;
	}
	*ret_program = program;
	return 0;
}

int sl_gate_program_fd(const struct sl_gate_program *program)
{
	return bpf_program__fd(bpf_object__find_program_by_name(program->object, "sl_gate"));
}

void sl_gate_program_free(struct sl_gate_program *program)
{
	if (!program)
		return;
	drop_example(program);
	bpf_object__close(program->object);
	free(program);
}

// SPDX-License-Identifier: Apache-2.0
// Pinned links, one an interface: open, pin, list, take off.
#include "kern/links.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kern/attach.h"
#include "kern/device.h"
#include "kern/why.h"

#define LINK_PREFIX "link_"

/* A BPF file system takes no dot in a name, and an interface's name no colon. */
static int link_path(const char *pins, const char *interface, char *path, size_t size)
{
	int at = snprintf(path, size, "%s/" LINK_PREFIX, pins);
	int len = snprintf(path, size, "%s/" LINK_PREFIX "%s", pins, interface);

	if (len < 0 || (size_t)len >= size || strchr(interface, '/'))
		return -EINVAL;
	for (char *c = path + at; *c; c++)
		if (*c == '.')
			*c = ':';
	return 0;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int sl_pins_check(const char *pins, struct sl_why *why)
{
	struct stat st;

	if (stat(pins, &st) < 0)
		return 0;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return sl_why_text(why, -EINVAL,
				   "%s belongs to user %u, who could change what is pinned there: "
				   "remove it, or take other pins",
				   pins, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return sl_why_text(why, -EINVAL,
				   "%s can be written to by others than its owner: chmod 700 it, "
				   "or take other pins",
				   pins);
	return 0;
}

int sl_links_make_dir(const char *pins, bool *ret_is_made, struct sl_why *why)
{
	bool is_made = mkdir(pins, 0700) == 0;
	int ret = is_made || errno == EEXIST ? 0 : -errno;

	*ret_is_made = is_made;
	if (ret == 0 && is_bpffs(pins))
		return sl_pins_check(pins, why);
	if (is_made && rmdir(pins) < 0)
		ret = -EINVAL;
	return sl_why_text(why, ret < 0 ? ret : -EINVAL,
			   "%s: no directory of a BPF file system%s%s; "
			   "is one mounted?  mount -t bpf bpf " SL_BPFFS,
			   pins, ret < 0 ? ": " : "", ret < 0 ? strerror(-ret) : "");
}

int sl_link_open(const char *pins, const char *interface, struct sl_link *ret_link,
		 struct sl_why *why)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	char path[300];
	int ret = link_path(pins, interface, path, sizeof(path)), fd;

	if (ret < 0)
		return sl_why_errno(why, ret, interface);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return sl_why_errno(why, -errno, path);
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0) {
		ret = sl_why_errno(why, -errno, path);
		close(fd);
		return ret;
	}
	*ret_link = (struct sl_link){ fd, info.xdp.ifindex, info.prog_id };
	return 0;
}

int sl_link_pin(const char *pins, const char *interface, int fd, struct sl_why *why)
{
	char path[300];
	int ret = link_path(pins, interface, path, sizeof(path));

	if (ret < 0)
		return sl_why_errno(why, ret, interface);
	if (bpf_obj_pin(fd, path) < 0)
		return sl_why_errno(why, -errno, path);
	return 0;
}

int sl_link_unpin(const char *pins, const char *interface)
{
	char path[300];
	int ret = link_path(pins, interface, path, sizeof(path));

	if (ret < 0)
		return ret;
	return unlink(path) < 0 ? -errno : 0;
}

/* Notes that an interface has no program any more; its counters keep their place. */
static void forget_ifindex(const char *pins, const char *interface)
{
	struct sl_interface i;
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/interfaces", pins);
	fd = bpf_obj_get(path);
	for (uint32_t slot = 0; fd >= 0 && slot < SL_INTERFACES_MAX; slot++) {
		if (bpf_map_lookup_elem(fd, &slot, &i) < 0 ||
		    strncmp(i.name, interface, sizeof(i.name)) != 0)
			continue;
		i.ifindex = 0;
		bpf_map_update_elem(fd, &slot, &i, BPF_ANY);
	}
	if (fd >= 0)
		close(fd);
}

/* Whoever else has the link open, the program is off the interface after this. */
static int detach_locked(const char *pins, const char *interface, struct sl_why *why)
{
	struct sl_link link = { .fd = -1 };
	int ret = sl_link_open(pins, interface, &link, why);

	if (ret == -ENOENT)
		return sl_why_text(why, ret, "%s: not attached", interface);
	if (ret < 0)
		return ret;
	if (link.ifindex && bpf_link_detach(link.fd) < 0)
		ret = sl_why_errno(why, -errno, interface);
	close(link.fd);
	if (ret == 0)
		ret = sl_link_unpin(pins, interface);
	if (ret == 0)
		forget_ifindex(pins, interface);
	return ret;
}

static int lock_pins(const char *pins, struct sl_why *why)
{
	int lock = sl_pins_lock(pins);

	if (lock == -ENOENT)
		return sl_why_text(why, lock, "%s: nothing is attached", pins);
	return lock < 0 ? sl_why_errno(why, lock, pins) : lock;
}

int sl_detach(const char *pins, const char *interface, struct sl_why *why)
{
	int lock = lock_pins(pins, why), ret;

	if (lock < 0)
		return lock;
	ret = detach_locked(pins, interface, why);
	close(lock);
	return ret;
}

static int detach_links(const char *pins, struct sl_why *why)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return sl_why_errno(why, -errno, pins);
	while (ret == 0 && (entry = readdir(dir))) {
		char *name = entry->d_name + strlen(LINK_PREFIX);

		if (strncmp(entry->d_name, SL_LIST_PREFIX, strlen(SL_LIST_PREFIX)) == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
		if (strncmp(entry->d_name, LINK_PREFIX, strlen(LINK_PREFIX)) != 0)
			continue;
		for (char *c = name; *c; c++)
			if (*c == ':')
				*c = '.';
		ret = detach_locked(pins, name, why);
	}
	closedir(dir);
	return ret;
}

int sl_detach_all(const char *pins, struct sl_why *why)
{
	int lock = lock_pins(pins, why), ret;
	char reader[256];

	if (lock < 0)
		return lock;
	ret = detach_links(pins, why);
	if (ret == 0)
		ret = sl_gate_unpin(pins, why);
	snprintf(reader, sizeof(reader), "%s/" SL_READER_DIR, pins);
	if (ret == 0)
		rmdir(reader); /* left by one that was killed; none, mostly */
	if (ret == 0 && rmdir(pins) < 0)
		ret = sl_why_errno(why, -errno, pins);
	close(lock);
	return ret;
}

/* ---- showing ---- */

static void describe(const char *pins, const struct sl_interface *i, struct sl_attached *a)
{
	struct sl_why ignored;
	struct sl_device device;
	struct sl_link link = { .fd = -1 };

	snprintf(a->interface, sizeof(a->interface), "%.15s", i->name);
	a->mode = (enum sl_attach_mode)i->mode;
	if (sl_link_open(pins, a->interface, &link, &ignored) < 0)
		return;
	close(link.fd);
	a->ifindex = link.ifindex;
	a->program = link.ifindex ? link.program : 0;
	if (sl_device_find(a->interface, &device, &ignored) == 0)
		memcpy(a->driver, device.driver, sizeof(a->driver));
}

int sl_attached_list(const char *pins, struct sl_attached ret_list[SL_INTERFACES_MAX],
		     size_t *ret_nr, struct sl_why *why)
{
	struct sl_gate gate;
	int ret = sl_gate_open(&gate, pins, why);
	struct sl_interface i;
	size_t nr = 0;

	if (ret < 0)
		return ret;
	for (uint32_t slot = 0; slot < SL_INTERFACES_MAX; slot++) {
		if (bpf_map_lookup_elem(gate.interfaces, &slot, &i) < 0 || !i.name[0])
			continue;
		ret_list[nr] = (struct sl_attached){ .slot = slot };
		describe(pins, &i, &ret_list[nr++]);
	}
	sl_gate_close(&gate);
	*ret_nr = nr;
	return 0;
}

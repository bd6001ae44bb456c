// SPDX-License-Identifier: Apache-2.0
// Tables in files: a page that tells what it is, then the slots.
#include "policy/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = 4096, COMMON_AT = 2048 };

/* The beginning of the file. */
struct head {
	char magic[8];
	struct sl_sipkey secret;
	uint32_t slots;
};

static size_t bytes_of(const struct sl_statefile_kind *kind)
{
	return HEAD_BYTES + (size_t)kind->slots * kind->slot_bytes;
}

static int make_head(int fd, const struct sl_statefile_kind *kind, struct head *head)
{
	memcpy(head->magic, kind->magic, sizeof(head->magic));
	head->slots = kind->slots;
	if (getrandom(&head->secret, sizeof(head->secret), 0) != sizeof(head->secret))
		return -EIO;
	if (fd < 0)
		return 0;
	return pwrite(fd, head, sizeof(*head), 0) == sizeof(*head) ? 0 : -errno;
}

/* A hole could not be filled later, when the disk is full: SIGBUS would come of it. */
static int make_file(int fd, const struct sl_statefile_kind *kind, struct head *head)
{
	int ret = -posix_fallocate(fd, 0, (off_t)bytes_of(kind));

	if (ret == 0)
		ret = make_head(fd, kind, head);
	if (ret < 0 && ftruncate(fd, 0) < 0)
		return -errno;
	return ret;
}

static int read_file(int fd, off_t size, const struct sl_statefile_kind *kind, struct head *head)
{
	if (size != (off_t)bytes_of(kind))
		return -EPROTO;
	if (pread(fd, head, sizeof(*head), 0) != sizeof(*head))
		return -EIO;
	return memcmp(head->magic, kind->magic, sizeof(head->magic)) == 0 &&
			       head->slots == kind->slots
		       ? 0
		       : -EPROTO;
}

/* Two that begin at once: one makes it, the other finds it made. */
static int begin_file(int fd, const struct sl_statefile_kind *kind, struct head *head)
{
	struct stat st;
	int ret;

	if (flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
		return -errno;
	ret = st.st_size ? read_file(fd, st.st_size, kind, head) : make_file(fd, kind, head);
	flock(fd, LOCK_UN);
	return ret;
}

static int open_file(const char *directory, const struct sl_statefile_kind *kind, struct head *head)
{
	char path[PATH_MAX];
	int fd, ret;

	if (snprintf(path, sizeof(path), "%s/%s", directory, kind->name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = begin_file(fd, kind, head);
	if (ret < 0)
		close(fd);
	return ret < 0 ? ret : fd;
}

int sl_statefile_open(struct sl_statefile *file, const char *directory,
		      const struct sl_statefile_kind *kind)
{
	int flags = directory ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	size_t bytes = bytes_of(kind);
	struct head head;
	void *map;
	int fd = -1, ret = 0;

	if (directory)
		ret = fd = open_file(directory, kind, &head);
	else
		ret = make_head(-1, kind, &head);
	if (ret < 0)
		return ret;
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (map == MAP_FAILED) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	*file = (struct sl_statefile){
		.secret = head.secret,
		.slots = (char *)map + HEAD_BYTES,
		.common = (char *)map + COMMON_AT,
		.map = map,
		.bytes = bytes,
		.fd = fd,
	};
	return 0;
}

void sl_statefile_close(struct sl_statefile *file)
{
	munmap(file->map, file->bytes);
	if (file->fd >= 0)
		close(file->fd);
}

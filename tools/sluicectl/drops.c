// SPDX-License-Identifier: Apache-2.0
// Reads the ring of drop events: one reader at a time, who may have more of them told meanwhile.
#include "drops.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/image.h"
#include "kern/links.h"

/* A flood fills the ring as fast as it is read: a look must end all the same. */
enum { LOOK_MAX = 16384 };

/* ---- one reader ---- */

static void reader_path(const struct ctl *ctl, char path[static 256])
{
	snprintf(path, 256, "%s/" SL_READER_DIR, ctl->pins);
}

/* Who has it locked, by /proc/locks: "1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE 0 EOF". */
static int holder_of(const struct stat *st)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[160], wanted[64];
	long found = 0;

	snprintf(wanted, sizeof(wanted), " %02x:%02x:%ju ", major(st->st_dev), minor(st->st_dev),
		 (uintmax_t)st->st_ino);
	while (locks && !found && fgets(line, sizeof(line), locks))
		if (strstr(line, wanted) && strstr(line, " WRITE "))
			found = strtol(strstr(line, " WRITE ") + strlen(" WRITE "), NULL, 10);
	if (locks)
		fclose(locks);
	return found > 0 ? (int)found : 0;
}

int drops_reader(const struct ctl *ctl)
{
	char path[256];
	struct stat st;

	reader_path(ctl, path);
	return stat(path, &st) == 0 ? holder_of(&st) : 0;
}

/* In the BPF file system there are no files, but a directory can be locked: the lock ends with its
 * holder, and whoever shares the pins sees it.  A descriptor, or a negative errno. */
static int lock_reader(const struct ctl *ctl)
{
	char path[256];
	struct stat st;

	reader_path(ctl, path);
	for (int tries = 0; tries < 10; tries++) {
		int fd, ret;

		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		ret = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
		/* Whoever was before us may just have taken it away. */
		if (ret == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
			return fd;
		close(fd);
		if (ret < 0)
			return ret;
	}
	return -EWOULDBLOCK;
}

static enum ctl_exit fail_locked(struct ctl *ctl, int error)
{
	int pid = drops_reader(ctl);

	if (error != -EWOULDBLOCK)
		return ctl_fail(ctl, error == -EACCES || error == -EPERM ? CTL_DENIED : CTL_FAILED,
				"%s/" SL_READER_DIR ": %s", ctl->pins, strerror(-error));
	if (!pid)
		return ctl_fail(ctl, CTL_FAILED, "another process watches: events have one reader");
	return ctl_fail(ctl, CTL_FAILED, "process %d watches: events have one reader", pid);
}

/* ---- looking ---- */

static int on_sample(void *context, void *data, size_t size)
{
	struct drops *d = context;

	if (size < sizeof(struct sl_event))
		return 0;
	d->seen += !d->is_old;
	if (!d->is_old && !d->on_drop(d->context, data))
		return -EAGAIN;
	return --d->budget ? 0 : -EAGAIN;
}

void drops_look(struct drops *d)
{
	d->budget = LOOK_MAX;
	ring_buffer__consume(d->ring);
}

/* Everything that an event is told of, 1 of `sample`. */
static uint64_t count_drops(struct sl_gate *gate)
{
	uint64_t nr = 0;

	for (uint32_t slot = 0; slot < SL_INTERFACES_MAX; slot++)
		for (int verdict = SL_DROP_DENY; verdict < SL_SHADOW_DENY; verdict++) {
			struct sl_counter c = { 0 };

			sl_gate_count(gate, slot, verdict, &c);
			nr += c.packets;
		}
	return nr;
}

bool drops_lost(struct drops *d, uint64_t *ret_lost)
{
	uint64_t dropped = count_drops(d->gate) - d->counted, wanted;
	const struct timespec moment = { .tv_nsec = 5000000 };

	/* What has been counted just now is told in a moment. */
	nanosleep(&moment, NULL);
	drops_look(d);
	*ret_lost = 0;
	if (d->gate->switches->sample != d->sample)
		return false;
	wanted = dropped / d->sample;
	if (wanted > d->seen)
		*ret_lost = wanted - d->seen;
	/* Chance picks the sample: off by up to four times the square root is no loss. */
	return d->sample == 1 || *ret_lost * *ret_lost > 16 * wanted;
}

/* ---- open and close ---- */

enum ctl_exit drops_open(struct ctl *ctl, struct sl_gate *gate, uint32_t sample, drops_fn *on_drop,
			 void *context, struct drops *ret_drops)
{
	struct drops *d = ret_drops;

	*d = (struct drops){ .ctl = ctl, .gate = gate, .on_drop = on_drop, .context = context };
	d->reader = lock_reader(ctl);
	if (d->reader < 0)
		return fail_locked(ctl, d->reader);
	d->ring = ring_buffer__new(gate->events, on_sample, d, NULL);
	if (!d->ring) {
		int error = errno;

		close(d->reader);
		return ctl_fail(ctl, CTL_FAILED, "mapping the events: %s", strerror(error));
	}
	d->sample_before = gate->switches->sample;
	d->sample = sample ? sample : d->sample_before ? d->sample_before : 1;
	/* In this order: what is counted from now on is told, or lost. */
	__atomic_store_n(&gate->switches->sample, d->sample, __ATOMIC_SEQ_CST);
	d->is_old = true;
	drops_look(d);
	d->is_old = false;
	d->counted = count_drops(gate);
	return CTL_OK;
}

void drops_close(struct drops *d)
{
	struct stat ours, there;
	uint32_t sample = d->sample;
	char path[256];

	__atomic_compare_exchange_n(&d->gate->switches->sample, &sample, d->sample_before, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	ring_buffer__free(d->ring);
	/* Not that of another, if all has been detached and attached anew meanwhile. */
	reader_path(d->ctl, path);
	if (fstat(d->reader, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino)
		rmdir(path);
	close(d->reader);
}

/* ---- in words ---- */

bool drops_find_entry(struct sl_image *image, uint32_t number, const struct sl_address *source,
		      struct drops_entry *ret_entry)
{
	const struct sl_image_head *head = sl_image_line(image, 0);
	struct sl_prefix whole = { .hi = source->hi, .lo = source->lo, .length = 128 };
	const struct sl_rule *rule;
	const struct sl_entry *e;

	if (number < SL_ENTRY_FIRST || number >= head->entries_end)
		return false;
	e = sl_image_entry(image, head, number);
	rule = e && e->family ? sl_image_line(image, head->rules + e->rule) : NULL;
	if (!rule || head->rules + e->rule >= head->lines)
		return false;
	ret_entry->prefix = sl_image_prefix(e);
	ret_entry->rule = *rule;
	ret_entry->rule.list[SL_RULE_NAME_MAX - 1] = '\0';
	ret_entry->rule.reason[SL_REASON_MAX - 1] = '\0';
	return sl_prefix_covers(&ret_entry->prefix, &whole);
}

const char *drops_protocol(uint8_t protocol, char *mem)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	default:
		sprintf(mem, "%u", protocol);
		return mem;
	}
}

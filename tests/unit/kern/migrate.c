// SPDX-License-Identifier: Apache-2.0
// Pinned maps of other versions: those of the first are taken over, of unknown ones they are told
// what to do about; and the list of an image of version 1, byte by byte.
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "kern/attach.h"
#include "kern/oldimage.h"
#include "tap.h"

static char pins[64];
static struct sl_why why;

/* ---- an image of version 1 ---- */

static void put(struct sl_line *line, size_t at, const void *bytes, size_t len)
{
	memcpy(line->bytes + at, bytes, len);
}

static void put32(struct sl_line *line, size_t at, uint32_t value)
{
	put(line, at, &value, sizeof(value));
}

/* Lines: the head, three of lengths, two rules, three of entries. */
static void write_v1(struct sl_line *l)
{
	static const uint32_t head[] = { 0x676d6973, 1, 7, 9, 4, 0, 0, 6, 0, 0, 0, 0, 0, 6 };
	const uint64_t hits = 41, hi = 0x20010db800000000, lo = 0;

	memset(l, 0, 9 * sizeof(*l));
	put(&l[0], 0, head, sizeof(head));
	put(&l[4], 0, "\3", 1); /* drop */
	put(&l[4], 8, "default", 7);
	put(&l[4], 40, "spam", 4);
	put(&l[5], 0, "\2\1\120\0", 4); /* allow port 80 */
	put(&l[5], 8, "config", 6);
	put32(&l[7], 0, 0x7f000002); /* entry 2: 127.0.0.2/32 by rule 0, with hits */
	put(&l[7], 14, "\40\4", 2);
	put(&l[7], 16, &hits, 8);
	put32(&l[7], 32, 0x0a000000); /* entry 3: 10.0.0.0/8 by rule 1 */
	put(&l[7], 32 + 12, "\1\0\10\4", 4);
	put(&l[8], 14, "\40\6", 2); /* entry 4: 2001:db8::/32 by rule 0 */
	put(&l[8], 32, &hi, 8);
	put(&l[8], 40, &lo, 8);
}

static bool has(const struct sl_prefixes *list, const char *prefix, enum sl_action action)
{
	struct sl_prefix wanted;
	bool had_host_bits;

	sl_prefix_parse(sl_str_of(prefix), &wanted, &had_host_bits);
	for (size_t i = 0; i < list->nr; i++)
		if (sl_prefix_cmp(&list->prefixes[i], &wanted) == 0)
			return list->rules[list->prefixes[i].rule].action == action;
	return false;
}

static void check_list(const struct sl_prefixes *list, const char *of)
{
	is_int((long)list->nr, 3, "%s: three prefixes", of);
	ok(has(list, "127.0.0.2", SL_ACTION_DROP), "%s: an address", of);
	ok(has(list, "10.0.0.0/8", SL_ACTION_ALLOW), "%s: a prefix of another rule", of);
	ok(has(list, "2001:db8::/32", SL_ACTION_DROP), "%s: one of IPv6", of);
}

static int read_v1(struct sl_line *lines, uint32_t nr)
{
	struct sl_image image = { lines, nr };
	struct sl_prefixes list = { 0 };
	int ret = sl_image_read_v1(&image, &list);

	if (ret == 0)
		check_list(&list, "read");
	sl_prefixes_fini(&list);
	return ret;
}

static void test_image(void)
{
	static struct sl_line lines[9];

	write_v1(lines);
	is_int(read_v1(lines, 9), 0, "an image of version 1 can be read");
	is_int(read_v1(lines, 8), -EBADMSG, "not if lines are missing");
	put32(&lines[0], 13 * 4, 7);
	is_int(read_v1(lines, 9), -EBADMSG, "nor if it says that there are more entries");
	write_v1(lines);
	put32(&lines[0], 4, 3);
	is_int(read_v1(lines, 9), -EBADMSG, "nor if it is of another version");
	write_v1(lines);
	put(&lines[7], 14, "\41", 1);
	is_int(read_v1(lines, 9), -EBADMSG, "nor if a prefix is longer than an address");
	write_v1(lines);
	put(&lines[7], 12, "\2", 1);
	is_int(read_v1(lines, 9), -EBADMSG, "nor if there is no such rule");
	write_v1(lines);
	put(&lines[8], 32 + 15, "\6", 1);
	put32(&lines[0], 13 * 4, 5);
	is_int(read_v1(lines, 9), -EBADMSG, "nor if the last address is cut off");
}

/* ---- pins ---- */

static int attach(void)
{
	struct sl_attach_options o = { .mode = SL_MODE_AUTO };
	struct sl_attached a;

	return sl_attach(pins, "lo", &o, &a, &why);
}

/* What a sluice with images of version 1 would have left there. */
static bool make_old(void)
{
	struct sl_image image;
	struct sl_gate gate;

	if (sl_gate_open(&gate, pins, &why) < 0 || sl_gate_map_image(&gate, 0, &image) < 0)
		return false;
	write_v1(image.lines);
	sl_gate_unmap_image(&image);
	gate.switches->version = SL_ABI_OLDEST;
	sl_gate_close(&gate);
	return true;
}

static void set_version(uint32_t version)
{
	struct sl_gate gate;

	if (sl_gate_open_any(&gate, pins, &why) < 0)
		return;
	gate.switches->version = version;
	sl_gate_close(&gate);
}

static void test_taken_over(void)
{
	struct sl_prefixes list = { 0 };
	struct sl_counter before = { 0 }, after = { 0 };
	struct sl_gate gate;

	sl_gate_open(&gate, pins, &why);
	gate.switches->packets = (struct sl_gcra_rate){ 1234, 5678 };
	sl_gate_count(&gate, 0, SL_PASS, &before);
	sl_gate_close(&gate);
	ok(make_old(), "a sluice of an earlier version was there");
	if (!ok(attach() == 0, "another one attaches"))
		printf("# %s\n", why.text);
	is_int(sl_gate_open(&gate, pins, &why), 0, "its maps are of this version");
	is_int(sl_gate_read(&gate, &list, &why), 0, "its list can be read");
	check_list(&list, "taken over");
	sl_gate_count(&gate, 0, SL_PASS, &after);
	ok(gate.switches->packets.burst == 5678 && after.packets >= before.packets,
	   "limits and counters stay");
	sl_prefixes_fini(&list);
	sl_gate_close(&gate);
}

static void test_unknown(void)
{
	struct sl_gate gate;

	set_version(SL_ABI_VERSION + 1);
	is_int(sl_gate_open(&gate, pins, &why), -EPROTO, "a later version is not known");
	ok(strstr(why.text, "deny save") && strstr(why.text, "detach all"), "and what to do: %s",
	   why.text);
	is_int(attach(), -EPROTO, "nor is it attached to");
	is_int(sl_detach_all(pins, &why), 0, "it can be detached all the same");
	ok(access(pins, F_OK) < 0, "nothing is left");
	is_int(attach(), 0, "then there is a new one");
}

int main(void)
{
	int ret;

	test_image();
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bpf", SL_BPFFS, "bpf", 0, NULL) < 0) {
		printf("# SKIP of pins: %s\n", strerror(errno));
		return done_testing();
	}
	snprintf(pins, sizeof(pins), SL_BPFFS "/sluice-test-%d", (int)getpid());
	ret = attach();
	if (ret == -EPERM) {
		printf("# SKIP of pins: %s\n", why.text);
		return done_testing();
	}
	if (ok(ret == 0, "attached")) {
		test_taken_over();
		test_unknown();
	}
	is_int(sl_detach_all(pins, &why), 0, "detached");
	return done_testing();
}

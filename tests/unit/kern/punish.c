// SPDX-License-Identifier: Apache-2.0
// Userspace's side of the kernel's rules: verdicts, failures, and how long a punishment lasts.
#include "kern/punish.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "kern/rules.h"
#include "tap.h"

static struct sl_control control = { .flags = SL_FLAG_ENFORCE,
				     .client4 = 0xffffffff,
				     .client6 = ~0ull };
static struct sl_guard_rules rules = { .control = &control, .punished_fd = -1 };
static struct sl_guard *guard;

static struct sl_ip ip(const char *text)
{
	struct sl_ip ret;

	if (sl_ip_parse(sl_str_of(text), &ret) < 0)
		exit(is_int(1, 0, "an address: %s", text));
	return ret;
}

static enum sl_guard_verdict judge(const char *text, uint64_t now_ns)
{
	struct sl_ip who = ip(text);
	enum sl_guard_verdict shadow;

	return sl_guard_judge(guard, &rules, &(struct sl_guest){ .ip = &who, .port = 80 }, now_ns,
			      &shadow);
}

static enum sl_punished fail(const char *text, uint64_t now_ns)
{
	struct sl_ip who = ip(text);
	const struct sl_offence o = { .ip = &who, .reason = "test", .request_id = SL_S("id") };

	return sl_guard_failed(guard, &o, now_ns);
}

static void test_durations(void)
{
	const struct sl_punish_conf conf = { .for_ns = 5, .max_ns = 30 };

	is_int(sl_punish_duration(&conf, 0), 5, "the first one lasts as long as \"for\" says");
	is_int(sl_punish_duration(&conf, 1), 10, "the second one twice as long");
	is_int(sl_punish_duration(&conf, 2), 20, "the third one four times");
	is_int(sl_punish_duration(&conf, 3), 30, "none longer than \"max\"");
	is_int(sl_punish_duration(&conf, UINT32_MAX), 30, "however many there were");
	is_int(sl_punish_repeats(3, 100, 30, 129), 3, "one nanosecond before, all are remembered");
	is_int(sl_punish_repeats(3, 100, 30, 130), 2, "after \"max\" one is forgotten");
	is_int(sl_punish_repeats(3, 100, 30, 190), 0, "after three times that, all");
	is_int(sl_punish_repeats(3, 100, 30, 1ull << 60), 0, "and no more than there were");
	is_int(sl_punish_repeats(3, 100, 30, 50), 3, "while it lasts none is");
}

static void test_list(void)
{
	struct sl_listed deny[] = {
		{ .action = SL_LISTED_DROP, .net = { ip("192.0.2.0"), 120 } },
		{ .action = SL_LISTED_REJECT, .port = 80, .net = { ip("2001:db8::"), 32 } }
	};
	struct sl_listed allow[] = { { .net = { ip("192.0.2.7"), 128 } } };
	const struct sl_kernel_conf conf = {
		.deny = deny, .deny_nr = 2, .allow = allow, .allow_nr = 1
	};
	struct sl_why why;

	is_int(sl_kernel_compile(&conf, &rules.image, &why), 0, "a list is compiled");
	is_int(judge("192.0.2.255", SL_SEC), SL_GUARD_DROP, "the last address of a denied net");
	is_int(judge("192.0.3.0", SL_SEC), SL_GUARD_PASS, "one after it");
	is_int(judge("192.0.2.7", SL_SEC), SL_GUARD_ALLOW, "an allowed one within");
	is_int(judge("2001:db8::1", SL_SEC), SL_GUARD_REJECT, "IPv6, for this port");
	control.flags &= ~(uint32_t)SL_FLAG_ENFORCE;
	is_int(judge("192.0.2.1", SL_SEC), SL_GUARD_PASS, "switched off, all pass");
	control.flags |= SL_FLAG_ENFORCE;
}

/* Three failures in a minute, for ten seconds; two clients a minute. */
static void test_failures(void)
{
	const struct sl_punish_conf conf = { .after = { 3, 60 * SL_SEC },
					     .for_ns = 10 * SL_SEC,
					     .max_ns = 100 * SL_SEC,
					     .budget = 2 };
	uint64_t t = 1000 * SL_SEC;

	sl_kernel_set_punish(&rules, &conf);
	is_int(fail("198.51.100.1", t), SL_PUNISH_NOT, "one failure is borne");
	is_int(fail("198.51.100.1", t), SL_PUNISH_NOT, "and a second one");
	is_int(judge("198.51.100.1", t), SL_GUARD_PASS, "it is let in");
	is_int(fail("198.51.100.1", t), SL_PUNISH_DONE, "the third one is one too many");
	is_int(judge("198.51.100.1", t), SL_GUARD_PUNISHED, "it is not let in");
	is_int(judge("198.51.100.2", t), SL_GUARD_PASS, "another one is");
	is_int(fail("198.51.100.1", t), SL_PUNISH_NOT, "who is punished is not punished again");
	is_int(judge("198.51.100.1", t + 10 * SL_SEC - 1), SL_GUARD_PUNISHED, "until the end");
	is_int(judge("198.51.100.1", t + 10 * SL_SEC), SL_GUARD_PASS, "which comes");
	is_int(fail("198.51.100.1", t + 11 * SL_SEC), SL_PUNISH_DONE, "a failure soon after");
	is_int(judge("198.51.100.1", t + 30 * SL_SEC), SL_GUARD_PUNISHED,
	       "counts for twice the time");
	for (int i = 0; i < 2; i++)
		fail("2001:db9::1", t + 12 * SL_SEC);
	is_int(fail("2001:db9::2", t + 12 * SL_SEC), SL_PUNISH_NO_BUDGET,
	       "neighbours in a /64 are one client; and there is no more budget");
	for (int i = 0; i < 5; i++)
		is_int(fail("192.0.2.7", t + 600 * SL_SEC), SL_PUNISH_NOT,
		       "who is allowed never is");
}

int main(void)
{
	sl_log_set_level(SL_LOG_ERROR);
	guard = sl_guard_new();
	guard->rules = &rules;
	test_durations();
	test_list();
	test_failures();
	sl_guard_free(guard);
	free(rules.image.lines);
	return done_testing();
}

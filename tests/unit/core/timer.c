// SPDX-License-Identifier: Apache-2.0
// The timer wheel: when timers fire, told by clock values alone.
#include "core/timer.h"

#include "base/clock.h"
#include "tap.h"

enum { MANY = 1500, STEPS = 3000 };

static const uint64_t tick_ns = 1ull << SL_WHEEL_TICK_SHIFT;
static const uint64_t start_ns = 1000 * SL_SEC + 12345;

struct one {
	struct sl_timer timer;
	struct sl_wheel *wheel;
	unsigned fired;
	uint64_t again_ns; /* set in its own fire; SL_NEVER: not */
};

static void on_fire(struct sl_timer *t)
{
	struct one *o = sl_container_of(t, struct one, timer);

	o->fired++;
	if (o->again_ns != SL_NEVER)
		sl_timer_set(o->wheel, t, o->again_ns);
}

/* The first moment at which a timer must have fired: the end of its deadline's tick. */
static uint64_t due(uint64_t deadline_ns)
{
	return (deadline_ns / tick_ns + 1) * tick_ns;
}

static void init(struct sl_wheel *w, struct one *o)
{
	sl_wheel_init(w, start_ns);
	*o = (struct one){ .wheel = w, .again_ns = SL_NEVER };
	sl_timer_init(&o->timer, on_fire);
}

static const struct {
	const char *name;
	uint64_t after_ns;
} deadlines[] = {
	{ "now", 0 },
	{ "in a nanosecond", 1 },
	{ "in 10 ms", 10 * SL_MS },
	{ "in a second", SL_SEC },
	{ "one tick before a revolution", ((SL_WHEEL_SLOTS - 1ull) << SL_WHEEL_TICK_SHIFT) },
	{ "in a revolution", ((uint64_t)SL_WHEEL_SLOTS << SL_WHEEL_TICK_SHIFT) },
	{ "one tick behind a revolution", ((SL_WHEEL_SLOTS + 1ull) << SL_WHEEL_TICK_SHIFT) },
	{ "in 70 s", 70 * SL_SEC },
	{ "in ten minutes", 600 * SL_SEC },
	{ "in a day", 86400 * SL_SEC },
};

/* As the loop does it: sleep until next_ns, and not longer. */
static void each_deadline(void)
{
	for (unsigned i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
		uint64_t deadline_ns = start_ns + deadlines[i].after_ns, now_ns = start_ns;
		unsigned wakes = 0;
		struct sl_wheel w;
		struct one o;

		init(&w, &o);
		sl_timer_set(&w, &o.timer, deadline_ns);
		while (!o.fired && wakes++ < 10000) {
			now_ns = w.next_ns;
			sl_wheel_run(&w, now_ns);
		}
		ok(o.fired == 1 && now_ns >= deadline_ns, "%s: not early", deadlines[i].name);
		is_int((int64_t)now_ns, (int64_t)due(deadline_ns),
		       "%s: at the end of the deadline's tick", deadlines[i].name);
		ok(wakes <= 2 + deadlines[i].after_ns / (60 * SL_SEC),
		   "%s: the loop wakes about once a revolution for it", deadlines[i].name);
		ok(w.next_ns == SL_NEVER, "%s: and then sleeps", deadlines[i].name);
	}
}

static void the_edge_of_a_tick(void)
{
	uint64_t deadline_ns = start_ns + SL_SEC;
	struct sl_wheel w;
	struct one o;

	init(&w, &o);
	sl_timer_set(&w, &o.timer, deadline_ns);
	sl_wheel_run(&w, deadline_ns - 1);
	sl_wheel_run(&w, due(deadline_ns) - 1);
	is_int(o.fired, 0, "one nanosecond before the end of the tick: not yet");
	sl_wheel_run(&w, due(deadline_ns));
	is_int(o.fired, 1, "at it: fired");
	sl_wheel_run(&w, due(deadline_ns) + 1000 * SL_SEC);
	is_int(o.fired, 1, "and never again");
	init(&w, &o);
	sl_timer_set(&w, &o.timer, start_ns - SL_SEC);
	sl_wheel_run(&w, due(start_ns));
	is_int(o.fired, 1, "a deadline that has passed fires at the end of the current tick");
}

static void pushed_back(void)
{
	struct sl_list *slot;
	struct sl_wheel w;
	struct one o;

	init(&w, &o);
	sl_timer_set(&w, &o.timer, start_ns + SL_SEC);
	slot = o.timer.node.next;
	for (unsigned i = 0; i < 1000; i++)
		sl_timer_set(&w, &o.timer, start_ns + SL_SEC + i * SL_MS);
	ok(o.timer.node.next == slot, "pushing back moves nothing");
	sl_timer_set(&w, &o.timer, start_ns + 5 * SL_SEC);
	sl_wheel_run(&w, due(start_ns + SL_SEC));
	is_int(o.fired, 0, "pushed back, it does not fire at the old time");
	sl_wheel_run(&w, due(start_ns + 5 * SL_SEC));
	is_int(o.fired, 1, "but at the new one");

	init(&w, &o);
	sl_timer_set(&w, &o.timer, start_ns + 5 * SL_SEC);
	sl_timer_set(&w, &o.timer, start_ns + SL_SEC);
	ok(w.next_ns <= due(start_ns + SL_SEC), "pulled forward, the loop wakes for it");
	sl_wheel_run(&w, due(start_ns + SL_SEC));
	is_int(o.fired, 1, "and it fires then");
}

static void stopped(void)
{
	struct sl_wheel w;
	struct one o;

	init(&w, &o);
	sl_timer_stop(&o.timer);
	ok(sl_list_is_alone(&o.timer.node), "stopping what was never set is harmless");
	sl_timer_set(&w, &o.timer, start_ns + SL_SEC);
	sl_timer_stop(&o.timer);
	ok(sl_list_is_alone(&o.timer.node), "a stopped timer is in no list: it may be freed");
	sl_timer_set(&w, &o.timer, start_ns + SL_SEC);
	sl_timer_set(&w, &o.timer, SL_NEVER);
	sl_wheel_run(&w, start_ns + 10 * SL_SEC);
	is_int(o.fired, 0, "neither stopped nor set to never does it fire");
	sl_timer_set(&w, &o.timer, SL_NEVER);
	ok(w.next_ns == SL_NEVER, "nor keeps it the loop awake");
	sl_timer_set(&w, &o.timer, start_ns + 12 * SL_SEC);
	sl_wheel_run(&w, due(start_ns + 12 * SL_SEC));
	is_int(o.fired, 1, "set again, it fires");
}

static void set_while_firing(void)
{
	uint64_t now_ns = due(start_ns + SL_SEC);
	struct sl_wheel w;
	struct one o;

	init(&w, &o);
	sl_timer_set(&w, &o.timer, start_ns + SL_SEC);
	o.again_ns = start_ns; /* in the past: a loop that runs forever, if it fired at once */
	sl_wheel_run(&w, now_ns);
	is_int(o.fired, 1, "set while it fires, for the past: once a run");
	o.again_ns = now_ns + SL_SEC;
	sl_wheel_run(&w, now_ns + tick_ns);
	is_int(o.fired, 2, "and in the next tick");
	o.again_ns = SL_NEVER;
	sl_wheel_run(&w, due(now_ns + SL_SEC));
	is_int(o.fired, 3, "set while it fires, for later: then");
}

static void long_pause(void)
{
	static struct one many[100];
	unsigned fired = 0;
	struct sl_wheel w;

	for (unsigned i = 0; i < 100; i++)
		init(&w, &many[i]);
	for (unsigned i = 0; i < 100; i++)
		sl_timer_set(&w, &many[i].timer, start_ns + i * 3 * SL_SEC);
	sl_wheel_run(&w, start_ns + 3600 * SL_SEC);
	for (unsigned i = 0; i < 100; i++)
		fired += many[i].fired;
	is_int(fired, 100, "after an hour without a turn everything is due, and fires once");
	ok(w.next_ns == SL_NEVER, "and nothing is left");
}

/* ---- against an oracle: an array and a loop over it ---- */

struct entry {
	struct one one;
	uint64_t deadline_ns, set_ns; /* SL_NEVER: not set */
};

static struct entry entries[MANY];
static uint64_t seed = 88172645463325252ull;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static uint64_t must_fire_at(const struct entry *e)
{
	return due(e->deadline_ns > e->set_ns ? e->deadline_ns : e->set_ns);
}

static void change_one(struct sl_wheel *w, uint64_t now_ns)
{
	static const uint64_t ranges[] = { 20 * SL_MS, SL_SEC, 60 * SL_SEC, 300 * SL_SEC };
	struct entry *e = &entries[draw(MANY)];

	if (draw(8) == 0) {
		sl_timer_stop(&e->one.timer);
		e->deadline_ns = SL_NEVER;
		return;
	}
	e->deadline_ns = now_ns + draw(ranges[draw(4)]);
	e->set_ns = now_ns;
	sl_timer_set(w, &e->one.timer, e->deadline_ns);
}

/* False: one fired early, late or not at all, or the loop would oversleep. */
static bool is_as_expected(const struct sl_wheel *w, uint64_t now_ns)
{
	for (unsigned i = 0; i < MANY; i++) {
		struct entry *e = &entries[i];
		bool is_set = e->deadline_ns != SL_NEVER;

		if (e->one.fired && (!is_set || e->deadline_ns > now_ns || e->one.fired > 1))
			return false;
		if (!e->one.fired && is_set &&
		    (now_ns >= must_fire_at(e) || w->next_ns > must_fire_at(e)))
			return false;
		if (e->one.fired)
			e->deadline_ns = SL_NEVER;
		e->one.fired = 0;
	}
	return true;
}

static void random_order(void)
{
	uint64_t now_ns = start_ns;
	struct sl_wheel w;
	unsigned i;

	sl_wheel_init(&w, now_ns);
	for (i = 0; i < MANY; i++) {
		entries[i] =
			(struct entry){ .one = { .again_ns = SL_NEVER }, .deadline_ns = SL_NEVER };
		sl_timer_init(&entries[i].one.timer, on_fire);
	}
	for (i = 0; i < STEPS; i++) {
		for (unsigned k = 0; k < 20; k++)
			change_one(&w, now_ns);
		now_ns += draw(100) == 0 ? draw(200 * SL_SEC) : draw(300 * SL_MS);
		sl_wheel_run(&w, now_ns);
		if (!is_as_expected(&w, now_ns))
			break;
	}
	is_int(i, STEPS, "%u timers set, moved and stopped at random: as a plain list would", MANY);
}

int main(void)
{
	each_deadline();
	the_edge_of_a_tick();
	pushed_back();
	stopped();
	set_while_firing();
	long_pause();
	random_order();
	return done_testing();
}

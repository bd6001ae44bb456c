// SPDX-License-Identifier: Apache-2.0
// Health checks: how many results change what is known, and what counts as a good answer.
#include "upstream/health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "loopback.h"
#include "tap.h"

static struct sl_target_conf target = { .name = "t", .text = "t", .weight = 1 };
static struct sl_upstream_conf conf = {
	.name = "u",
	.targets = &target,
	.targets_nr = 1,
	.health = { .healthy_after = 2, .unhealthy_after = 3 },
};

/* ---- what results come to ---- */

static void settle(void)
{
	/* Results in order, and what is known after each: h healthy, u unhealthy. */
	static const struct {
		const char *results, *known;
	} table[] = {
		{ "+++", "hhh" },	    { "--", "hh" },
		{ "---", "hhu" },	    { "--+--", "hhhhh" },
		{ "--+---", "hhhhhu" },	    { "---+", "hhuu" },
		{ "---++", "hhuuh" },	    { "---+-+", "hhuuuu" },
		{ "---+-++", "hhuuuuh" },   { "----++", "hhuuuh" },
		{ "---++---", "hhuuhhhu" },
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sl_target_shared shared = { 0 };
		char known[16] = "";
		uint32_t streak = 0;

		for (unsigned n = 0; table[i].results[n]; n++) {
			sl_health_settle(&conf, &target, &shared, &streak,
					 table[i].results[n] == '+', "x", 1000 + n);
			known[n] = shared.out & SL_OUT_UNHEALTHY ? 'u' : 'h';
		}
		ok(strcmp(known, table[i].known) == 0, "%s is known as %s", table[i].results,
		   table[i].known);
	}
}

static void settle_leaves(void)
{
	struct sl_target_shared shared = { .out = SL_OUT_DRAIN };
	uint32_t streak = 0;

	for (unsigned n = 0; n < 3; n++)
		sl_health_settle(&conf, &target, &shared, &streak, false, "x", 1000);
	ok(shared.out == (SL_OUT_DRAIN | SL_OUT_UNHEALTHY) && shared.slow_since_ns == 0,
	   "what the operator set stays");
	for (unsigned n = 0; n < 2; n++)
		sl_health_settle(&conf, &target, &shared, &streak, true, "", 2000 + n);
	ok(shared.out == SL_OUT_DRAIN && shared.slow_since_ns == 2001,
	   "when it comes back, since when is noted");
	ok(shared.checks == 5 && shared.checks_failed == 3, "checks are counted");
}

/* ---- what a good answer is ---- */

static struct sl_states *states;
static struct sl_pool pool;
static struct sl_slab slab;
static int door;

static void open_door(void)
{
	struct sl_addr *addr = &target.address;

	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memset(addr, 0, sizeof(*addr));
	addr->in.sin_family = AF_INET;
	addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr->len = sizeof(addr->in);
	if (bind(door, &addr->sa, addr->len) < 0 || listen(door, 16) < 0 ||
	    getsockname(door, &addr->sa, &addr->len) < 0)
		abort();
}

static void start(struct sl_loop *loop, struct sl_str path)
{
	open_door();
	conf.health = (struct sl_health_conf){
		.interval_ns = 20 * SL_MS,
		.timeout_ns = 2 * SL_SEC,
		.path = path,
		.status_first = 200,
		.status_last = 399,
		.healthy_after = 1,
		.unhealthy_after = 1,
	};
	if (sl_states_new(&states, &conf, 1, 1) < 0 ||
	    sl_pool_init(&pool, &(struct sl_pool_conf){ loop, &slab, &conf, 1, states, 0, NULL }) <
		    0)
		abort();
	sl_pool_start(&pool);
}

static void end(struct sl_loop *loop)
{
	uint64_t deadline_ns = loop->now_ns + 5 * SL_SEC;

	sl_pool_close_idle(&pool);
	sl_pool_close_idle(&pool);
	while (pool.peers_nr > 0 && loop->now_ns < deadline_ns)
		loopback_turns(loop, 1);
	is_int(pool.peers_nr, 0, "stopped, nothing of it is left");
	sl_pool_fini(&pool);
	sl_states_free(states);
	close(door);
}

/* The next check's connection. */
static int take(struct sl_loop *loop)
{
	uint64_t deadline_ns = loop->now_ns + 5 * SL_SEC;
	int fd = -1;

	while (fd < 0 && loop->now_ns < deadline_ns) {
		loopback_turns(loop, 1);
		fd = accept(door, NULL, NULL);
	}
	return fd;
}

static bool wait_checks(struct sl_loop *loop, uint64_t want)
{
	uint64_t deadline_ns = loop->now_ns + 5 * SL_SEC;

	while (states->targets[0]->shared.checks < want && loop->now_ns < deadline_ns)
		loopback_turns(loop, 1);
	return states->targets[0]->shared.checks >= want;
}

static const struct {
	const char *name, *answer;
	bool is_good;
} answers[] = {
	{ "200", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true },
	{ "399", "HTTP/1.1 399 x\r\n\r\n", true },
	{ "400", "HTTP/1.1 400 x\r\n\r\n", false },
	{ "503", "HTTP/1.1 503 x\r\n\r\n", false },
	{ "204 after an interim answer", "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n", true },
	{ "interim answers without end",
	  "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 103 x\r\n\r\nHTTP/1.1 103 x\r\n\r\n"
	  "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 x\r\n\r\n",
	  false },
	{ "garbage", "SSH-2.0-OpenSSH\r\n\r\n", false },
	{ "half an answer", "HTTP/1.1 200 OK\r\nContent-", false },
	{ "nothing", "", false },
};

static void http_answers(struct sl_loop *loop)
{
	uint64_t checks = 0;

	start(loop, SL_S("/healthz"));
	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		static const char want[] = "GET /healthz HTTP/1.1\r\nHost: t\r\n";
		char seen[256] = "";
		int fd = take(loop);
		size_t n = 0;

		for (unsigned k = 0; k < 100 && n < sizeof(want); k++) {
			loopback_turns(loop, 1);
			n += loopback_read(fd, seen + n, sizeof(seen) - 1 - n);
		}
		if (i == 0)
			ok(strncmp(seen, want, sizeof(want) - 1) == 0, "it asks as it was told");
		loopback_write(fd, answers[i].answer, strlen(answers[i].answer));
		close(fd);
		ok(wait_checks(loop, ++checks), "a check ends");
		is_int(!(states->targets[0]->shared.out & SL_OUT_UNHEALTHY), answers[i].is_good,
		       "%s is %s", answers[i].name, answers[i].is_good ? "good" : "bad");
	}
	end(loop);
}

/* A head in single bytes is good; one that never ends is not. */
static void http_pieces(struct sl_loop *loop)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
	static char field[1024];
	int fd;

	start(loop, SL_S("/"));
	fd = take(loop);
	for (unsigned i = 0; i < sizeof(answer) - 1; i++) {
		loopback_write(fd, answer + i, 1);
		loopback_turns(loop, 2);
	}
	ok(wait_checks(loop, 1) && states->targets[0]->shared.out == 0,
	   "an answer in pieces is good");
	close(fd);
	fd = take(loop);
	memset(field, 'x', sizeof(field));
	memcpy(field, "HTTP/1.1 200 OK\r\nA: ", 20);
	for (unsigned i = 0; i < 20; i++) {
		loopback_write(fd, field, sizeof(field));
		loopback_turns(loop, 2);
		memset(field, 'x', 20);
	}
	ok(wait_checks(loop, 2) && states->targets[0]->shared.out,
	   "one whose head does not end is bad");
	close(fd);
	end(loop);
}

static void tcp(struct sl_loop *loop)
{
	int fd;

	start(loop, (struct sl_str){ NULL, 0 });
	fd = take(loop);
	ok(wait_checks(loop, 1) && states->targets[0]->shared.out == 0,
	   "without a path a connection is enough");
	close(fd);
	close(door);
	ok(wait_checks(loop, states->targets[0]->shared.checks + 2) &&
		   states->targets[0]->shared.out,
	   "a refused one is bad");
	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	end(loop);
}

static void silence(struct sl_loop *loop)
{
	int fd;

	start(loop, SL_S("/"));
	conf.health.timeout_ns = 30 * SL_MS;
	fd = take(loop);
	ok(wait_checks(loop, 1) && states->targets[0]->shared.out, "no answer in time is bad");
	close(fd);
	conf.health.timeout_ns = 100 * SL_SEC;
	fd = take(loop);
	end(loop); /* with one under way */
	close(fd);
}

/* The answer is here, and the check has not read it, when it is told to stop. */
static void stopped(struct sl_loop *loop)
{
	static const char answer[] = "HTTP/1.1 503 x\r\n\r\n";
	uint64_t checks;
	int fd;

	start(loop, SL_S("/"));
	fd = take(loop);
	loopback_turns(loop, 4);
	loopback_write(fd, answer, sizeof(answer) - 1);
	sl_fiber_yield(loop);
	checks = states->targets[0]->shared.checks;
	sl_pool_stop_checks(&pool);
	loopback_turns(loop, 4);
	ok(checks == 0 && states->targets[0]->shared.checks == 0 &&
		   states->targets[0]->shared.out == 0,
	   "a check that ends after they were stopped says nothing");
	close(fd);
	end(loop);
}

static void disabled(struct sl_loop *loop)
{
	start(loop, (struct sl_str){ NULL, 0 });
	sl_upstream_set_admin(states, 0, 0, SL_TARGET_DISABLED);
	for (uint64_t until_ns = loop->now_ns + 300 * SL_MS; loop->now_ns < until_ns;)
		sl_fiber_sleep(loop, until_ns);
	is_int((int64_t)states->targets[0]->shared.checks, 0, "a disabled target is left alone");
	sl_upstream_set_admin(states, 0, 0, SL_TARGET_DRAIN);
	ok(wait_checks(loop, 1), "a drained one is not");
	end(loop);
}

static void facts(struct sl_loop *loop)
{
	http_answers(loop);
	http_pieces(loop);
	tcp(loop);
	silence(loop);
	stopped(loop);
	disabled(loop);
}

int main(void)
{
	sl_log_set_level(SL_LOG_ERROR);
	settle();
	settle_leaves();
	loopback_run(facts, 0);
	return done_testing();
}

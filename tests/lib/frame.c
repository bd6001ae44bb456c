// SPDX-License-Identifier: Apache-2.0
// Frames from text.
#include "frame.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct maker {
	uint8_t *frame;
	size_t len;
	size_t link;  /* where the next header's type goes */
	bool is_wide; /* that place is an ethertype, not a protocol number */
	size_t ip;    /* where the IP header is, for lengths */
	int family;
};

static void fail(const char *word)
{
	fprintf(stderr, "frame: \"%s\"\n", word);
	abort();
}

static uint8_t *grow(struct maker *m, size_t n)
{
	uint8_t *at = m->frame + m->len;

	if (m->len + n > FRAME_MAX)
		abort();
	memset(at, 0, n);
	m->len += n;
	return at;
}

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* The header before this one says what this one is. */
static void link_to(struct maker *m, unsigned ethertype, unsigned protocol)
{
	if (m->is_wide)
		put16(m->frame + m->link, ethertype);
	else
		m->frame[m->link] = (uint8_t)protocol;
}

/* The value of "name=N" among a word's parts, or -1. */
static long part(const char *word, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = word; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
		if (strncmp(p, name, len) == 0 && (p[len] == '=' || p[len] == ',' || !p[len]))
			return p[len] == '=' ? strtol(p + len + 1, NULL, 10) : 0;
	return -1;
}

static void address_of(const char *word, int family, void *ret_address)
{
	const char *start = strchr(word, '=');
	char text[64] = "";

	if (!start)
		fail(word);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(start + 1, ","), start + 1);
	if (inet_pton(family, text, ret_address) != 1)
		fail(word);
}

static void add_tag(struct maker *m, unsigned ethertype)
{
	size_t at = m->len;

	link_to(m, ethertype, 0);
	grow(m, 4);
	m->link = at + 2;
}

static void add_ip4(struct maker *m, const char *word)
{
	long options = part(word, "options"), offset = part(word, "at");
	size_t size = 20 + (options > 0 ? (size_t)options : 0);
	uint8_t *ip;

	link_to(m, 0x0800, 4);
	m->ip = m->len;
	m->family = 4;
	ip = grow(m, size);
	ip[0] = (uint8_t)(0x40 | size / 4);
	if (part(word, "ihl") >= 0)
		ip[0] = (uint8_t)(0x40 | part(word, "ihl"));
	if (part(word, "version") >= 0)
		ip[0] = (uint8_t)(part(word, "version") << 4 | (ip[0] & 15));
	put16(ip + 6, (offset > 0 ? (unsigned)offset : 0) | (part(word, "more") >= 0 ? 0x2000 : 0));
	ip[8] = 64;
	ip[9] = 253; /* for experiments, if nothing follows */
	if (part(word, "total") >= 0)
		put16(ip + 2, (unsigned)part(word, "total"));
	address_of(word, AF_INET, ip + 12);
	inet_pton(AF_INET, "192.0.2.254", ip + 16);
	m->link = m->ip + 9;
	m->is_wide = false;
}

static void add_ip6(struct maker *m, const char *word)
{
	uint8_t *ip;

	link_to(m, 0x86dd, 41);
	m->ip = m->len;
	m->family = 6;
	ip = grow(m, 40);
	ip[0] = (uint8_t)((part(word, "version") >= 0 ? part(word, "version") : 6) << 4);
	ip[6] = 59; /* no next header, if nothing follows */
	ip[7] = 64;
	address_of(word, AF_INET6, ip + 8);
	inet_pton(AF_INET6, "2001:db8:ffff::1", ip + 24);
	m->link = m->ip + 6;
	m->is_wide = false;
}

static void add_extension(struct maker *m, unsigned protocol, size_t size, unsigned length)
{
	size_t at = m->len;
	uint8_t *e;

	link_to(m, 0, protocol);
	e = grow(m, size);
	e[0] = 59;
	e[1] = (uint8_t)length;
	m->link = at;
}

static void add_fragment(struct maker *m, const char *word)
{
	size_t at = m->len;

	add_extension(m, 44, 8, 0);
	put16(m->frame + at + 2, (unsigned)part(word, "frag") << 3 | 1);
}

static void add_tcp(struct maker *m, const char *word)
{
	uint8_t *tcp;

	link_to(m, 0, 6);
	tcp = grow(m, 20);
	put16(tcp, 40000);
	put16(tcp + 2, (unsigned)part(word, "tcp"));
	tcp[12] = (uint8_t)((part(word, "doff") >= 0 ? part(word, "doff") : 5) << 4);
	tcp[13] = (uint8_t)((part(word, "F") >= 0 ? 1 : 0) | (part(word, "S") >= 0 ? 2 : 0) |
			    (part(word, "R") >= 0 ? 4 : 0) | (part(word, "A") >= 0 ? 16 : 0));
}

static void add_udp(struct maker *m, const char *word)
{
	uint8_t *udp;

	link_to(m, 0, 17);
	udp = grow(m, 8);
	put16(udp, 40000);
	put16(udp + 2, (unsigned)part(word, "udp"));
	put16(udp + 4, 8);
}

static void add_plain(struct maker *m, unsigned ethertype, unsigned protocol, size_t size)
{
	link_to(m, ethertype, protocol);
	grow(m, size);
}

static size_t units(const char *word, const char *name)
{
	return part(word, name) > 0 ? (size_t)part(word, name) : 0;
}

static bool add_extension_word(struct maker *m, const char *word)
{
	static const struct {
		const char *name;
		unsigned protocol;
	} plain[] = { { "hop", 0 }, { "dst", 60 }, { "route", 43 }, { "mobility", 135 } };

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		if (part(word, plain[i].name) < 0)
			continue;
		add_extension(m, plain[i].protocol, 8 + 8 * units(word, plain[i].name),
			      (unsigned)units(word, plain[i].name));
		return true;
	}
	if (part(word, "frag") >= 0)
		add_fragment(m, word);
	else if (part(word, "ah") >= 0)
		add_extension(m, 51, 8 + 4 * units(word, "ah"), (unsigned)units(word, "ah"));
	else
		return false;
	return true;
}

static void add_word(struct maker *m, const char *word)
{
	if (strcmp(word, "vlan") == 0)
		add_tag(m, 0x8100);
	else if (strcmp(word, "qinq") == 0)
		add_tag(m, 0x88a8);
	else if (strncmp(word, "ip4=", 4) == 0)
		add_ip4(m, word);
	else if (strncmp(word, "ip6=", 4) == 0)
		add_ip6(m, word);
	else if (strncmp(word, "tcp=", 4) == 0)
		add_tcp(m, word);
	else if (strncmp(word, "udp=", 4) == 0)
		add_udp(m, word);
	else if (strcmp(word, "icmp") == 0)
		add_plain(m, 0, 1, 8);
	else if (strcmp(word, "icmp6") == 0)
		add_plain(m, 0, 58, 8);
	else if (strcmp(word, "arp") == 0)
		add_plain(m, 0x0806, 0, 28);
	else if (strcmp(word, "lldp") == 0)
		add_plain(m, 0x88cc, 0, 46);
	else if (part(word, "data") >= 0)
		grow(m, units(word, "data"));
	else if (part(word, "cut") >= 0)
		m->len = (size_t)part(word, "cut");
	else if (!add_extension_word(m, word))
		fail(word);
}

/* Lengths that nobody chose are those of the whole packet, before it is cut. */
static void set_lengths(struct maker *m)
{
	uint8_t *ip = m->frame + m->ip;

	if (m->family == 4 && !ip[2] && !ip[3])
		put16(ip + 2, (unsigned)(m->len - m->ip));
	if (m->family == 6)
		put16(ip + 4, (unsigned)(m->len - m->ip - 40));
}

size_t frame_make(const char *text, uint8_t frame[FRAME_MAX])
{
	struct maker m = { .frame = frame, .link = 12, .is_wide = true };
	char copy[512], *rest = NULL;
	bool is_set = false;

	snprintf(copy, sizeof(copy), "%s", text);
	grow(&m, 14);
	frame[0] = 0x02;
	frame[6] = 0x02;
	frame[11] = 1;
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (part(word, "cut") >= 0) {
			set_lengths(&m);
			is_set = true;
		}
		add_word(&m, word);
	}
	if (!is_set)
		set_lengths(&m);
	return m.len;
}

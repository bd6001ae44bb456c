// SPDX-License-Identifier: Apache-2.0
// The paths of one host: a compressed radix tree, built once, then only read.
#include "route/tree.h"

#include <assert.h>
#include <errno.h>

#include "route/leaf.h"
#include "route/pattern.h"

struct sl_route_node {
	struct sl_str label;
	unsigned char *firsts; /* first byte of each kid's label: one memchr finds the way */
	struct sl_route_node **kids;
	unsigned kids_nr, kids_room;
	struct sl_route_node *param; /* only where the text so far ends in '/' */
	struct sl_leaf *exact, *prefix;
};

struct sl_route_node *sl_route_tree_new(struct sl_arena *arena)
{
	struct sl_route_node *node = sl_arena_alloc(arena, sizeof(*node));

	if (node)
		*node = (struct sl_route_node){ 0 };
	return node;
}

static struct sl_route_node *find_kid(const struct sl_route_node *node, char first)
{
	const unsigned char *at;

	if (!node->kids_nr)
		return NULL;
	at = memchr(node->firsts, first, node->kids_nr);
	return at ? node->kids[at - node->firsts] : NULL;
}

/* The arena cannot grow a block in place; doubling leaves less behind than is in use. */
static int grow_kids(struct sl_arena *arena, struct sl_route_node *node)
{
	unsigned room = node->kids_room ? 2 * node->kids_room : 2;
	struct sl_route_node **kids = sl_arena_alloc(arena, room * sizeof(*kids));
	unsigned char *firsts = sl_arena_alloc(arena, room);

	if (!kids || !firsts)
		return -ENOMEM;
	if (node->kids_nr) {
		memcpy(kids, node->kids, node->kids_nr * sizeof(*kids));
		memcpy(firsts, node->firsts, node->kids_nr);
	}
	node->kids = kids;
	node->firsts = firsts;
	node->kids_room = room;
	return 0;
}

static struct sl_route_node *add_kid(struct sl_arena *arena, struct sl_route_node *node,
				     struct sl_str label)
{
	struct sl_route_node *kid = sl_route_tree_new(arena);

	if (!kid || (node->kids_nr == node->kids_room && grow_kids(arena, node) < 0))
		return NULL;
	kid->label = label;
	node->firsts[node->kids_nr] = (unsigned char)label.ptr[0];
	node->kids[node->kids_nr++] = kid;
	return kid;
}

/* Cuts a node in two; it keeps its address and the first n bytes, its only kid gets the rest. */
static int split(struct sl_arena *arena, struct sl_route_node *node, size_t n)
{
	struct sl_route_node upper = { .label = { node->label.ptr, n } };
	struct sl_str rest = { node->label.ptr + n, node->label.len - n };
	struct sl_route_node *lower = add_kid(arena, &upper, rest);

	if (!lower)
		return -ENOMEM;
	*lower = *node;
	lower->label = rest;
	*node = upper;
	return 0;
}

static size_t common_len(struct sl_str a, struct sl_str b)
{
	size_t n = 0;

	while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n])
		n++;
	return n;
}

/* The node that stands for text below node, made where it is missing. */
static struct sl_route_node *grow_text(struct sl_arena *arena, struct sl_route_node *node,
				       struct sl_str text)
{
	while (text.len) {
		struct sl_route_node *kid = find_kid(node, text.ptr[0]);
		size_t n;

		if (!kid)
			return add_kid(arena, node, text);
		n = common_len(kid->label, text);
		if (n < kid->label.len && split(arena, kid, n) < 0)
			return NULL;
		node = kid;
		text.ptr += n;
		text.len -= n;
	}
	return node;
}

static struct sl_route_node *grow_param(struct sl_arena *arena, struct sl_route_node *node)
{
	if (!node->param)
		node->param = sl_route_tree_new(arena);
	return node->param;
}

int sl_route_tree_add(struct sl_arena *arena, struct sl_route_node *root,
		      const struct sl_route *route, const struct sl_conditions *conditions,
		      const struct sl_route **ret_other)
{
	bool is_prefix;
	struct sl_str base = sl_pattern_base(route->path, &is_prefix);
	struct sl_route_node *node = root;
	enum sl_pattern_piece kind;
	struct sl_str piece;
	struct sl_leaf **leaf;

	while (node && (kind = sl_pattern_next(&base, &piece)) != SL_PIECE_END)
		node = kind == SL_PIECE_TEXT ? grow_text(arena, node, piece)
					     : grow_param(arena, node);
	if (!node)
		return -ENOMEM;
	leaf = is_prefix ? &node->prefix : &node->exact;
	if (!*leaf)
		*leaf = sl_leaf_new(arena);
	return *leaf ? sl_leaf_add(arena, *leaf, route, conditions, ret_other) : -ENOMEM;
}

bool sl_route_tree_takes_all(const struct sl_route_node *root)
{
	return root->prefix && root->prefix->any;
}

struct place {
	const struct sl_route_node *node;
	size_t at; /* bytes of the path behind it */
};

struct search {
	const struct sl_route_request *req;
	struct sl_str path; /* the request's: it is read at every node */
	uint32_t allowed;
	const struct sl_route
		*prefix; /* the best so far: the longest, and the first of that length */
	size_t prefix_at;
	/* Parameters to be tried once the literal text has led nowhere.  Those that wait are of
	 * different segments of one path, and a pattern has at most so many segments. */
	struct place waiting[SL_PATTERN_SEGMENTS_MAX];
	unsigned waiting_nr;
};

static void try_prefix(struct search *s, struct place p)
{
	const struct sl_route *route;

	if (!p.node->prefix || (p.at < s->path.len && s->path.ptr[p.at] != '/'))
		return;
	route = sl_leaf_pick(p.node->prefix, s->req, &s->allowed);
	if (!route || (s->prefix && p.at <= s->prefix_at))
		return;
	s->prefix = route;
	s->prefix_at = p.at;
}

/* RFC 3986 lets a segment be empty; a parameter does not: "/items/" is not an item. */
static void put_off_param(struct search *s, struct place p)
{
	const char *from = s->path.ptr + p.at, *slash;
	size_t n = s->path.len - p.at;

	if (!p.node->param)
		return;
	slash = memchr(from, '/', n);
	n = slash ? (size_t)(slash - from) : n;
	if (!n)
		return;
	assert(s->waiting_nr < SL_PATTERN_SEGMENTS_MAX);
	s->waiting[s->waiting_nr++] = (struct place){ p.node->param, p.at + n };
}

/* From one place down the literal text, as far as it goes. */
static const struct sl_route *walk(struct search *s, struct place p)
{
	while (p.node) {
		const struct sl_route_node *kid;
		const struct sl_leaf *leaf;

		try_prefix(s, p);
		if (p.at == s->path.len) {
			leaf = p.node->exact;
			return leaf ? sl_leaf_pick(leaf, s->req, &s->allowed) : NULL;
		}
		put_off_param(s, p);
		kid = find_kid(p.node, s->path.ptr[p.at]);
		if (!kid || kid->label.len > s->path.len - p.at ||
		    memcmp(kid->label.ptr, s->path.ptr + p.at, kid->label.len) != 0)
			return NULL;
		p = (struct place){ kid, p.at + kid->label.len };
	}
	return NULL;
}

const struct sl_route *sl_route_tree_find(const struct sl_route_node *root,
					  const struct sl_route_request *req, uint32_t *ret_allowed)
{
	const struct sl_route *route;
	struct search s;

	/* Not by an initialiser: that would clear the waiting places too, a kilobyte a request. */
	s.req = req;
	s.path = req->path;
	s.allowed = 0;
	s.prefix = NULL;
	s.prefix_at = 0;
	s.waiting_nr = 0;
	route = walk(&s, (struct place){ root, 0 });
	while (!route && s.waiting_nr)
		route = walk(&s, s.waiting[--s.waiting_nr]);
	if (!route)
		route = s.prefix;
	if (!route)
		*ret_allowed = s.allowed;
	return route;
}

// SPDX-License-Identifier: Apache-2.0
// From a text to comparisons: what stands in brackets is a tree while it is read, and afterwards
// only where to go on.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "expr/code.h"
#include "expr/lex.h"

enum { NODES_MAX = 4 * SL_EXPR_TESTS_MAX, NOWHERE = -1 };

enum node_kind { NODE_TEST, NODE_NOT, NODE_AND, NODE_OR };

struct node {
	enum node_kind kind;
	int a, b;      /* of a test: a is its number */
	uint8_t first; /* test of it */
};

struct compiler {
	struct sl_lex lex;
	struct sl_arena *arena;
	struct sl_expr_claims *claims;
	struct sl_expr *expr;
	struct node nodes[NODES_MAX];
	int nodes_nr;
	unsigned depth;
	int error; /* the first */
	struct sl_expr_fault *fault;
};

static int parse_or(struct compiler *c);

/* Only the first fault is told: what is behind it may be its consequence. */
__attribute__((format(printf, 3, 4))) static void fail_at(struct compiler *c, size_t at,
							  const char *format, ...)
{
	va_list args;

	if (c->error)
		return;
	c->error = -EINVAL;
	c->fault->at = at;
	va_start(args, format);
	vsnprintf(c->fault->why, sizeof(c->fault->why), format, args);
	va_end(args);
}

/* A word that cannot be one goes before what would have been expected in its place. */
static void fail(struct compiler *c, const char *expected)
{
	if (c->lex.token == SL_TOKEN_BAD)
		fail_at(c, c->lex.at, "%s", c->lex.why);
	else if (c->lex.token == SL_TOKEN_END)
		fail_at(c, c->lex.at, "%s is expected, and it ends", expected);
	else
		fail_at(c, c->lex.at, "%s is expected", expected);
}

static void *alloc(struct compiler *c, size_t size)
{
	void *mem = sl_arena_alloc(c->arena, size);

	if (!mem && !c->error)
		c->error = -ENOMEM;
	return mem;
}

static bool take_if(struct compiler *c, const char *word)
{
	if (c->error || !sl_lex_is(&c->lex, word))
		return false;
	sl_lex_next(&c->lex);
	return true;
}

static void expect(struct compiler *c, const char *word)
{
	char quoted[8];

	snprintf(quoted, sizeof(quoted), "'%s'", word);
	if (!take_if(c, word))
		fail(c, quoted);
}

/* ---- operands ---- */

static struct sl_str take_word(struct compiler *c, enum sl_token token, const char *expected)
{
	struct sl_str word = c->lex.word;

	if (c->lex.token != token)
		fail(c, expected);
	else
		sl_lex_next(&c->lex);
	return word;
}

/* The same claim has the same number wherever it is named. */
static unsigned number_of(struct compiler *c, struct sl_str path)
{
	struct sl_expr_claims *claims = c->claims;

	for (unsigned i = 0; i < claims->nr; i++)
		if (sl_str_eq(claims->paths[i], path))
			return i;
	if (claims->nr == SL_EXPR_CLAIMS_MAX) {
		fail_at(c, c->lex.at, "expressions name more than %d different claims",
			SL_EXPR_CLAIMS_MAX);
		return 0;
	}
	claims->paths[claims->nr] = path;
	return claims->nr++;
}

/* .sub, .realm_access.roles, ["https://a.example/role"] */
static void parse_claim(struct compiler *c, struct sl_expr_operand *o)
{
	char *mem = alloc(c, c->lex.text.len + 1);
	size_t len = 0;

	o->kind = SL_EXPR_CLAIM;
	while (mem && !c->error && (sl_lex_is(&c->lex, ".") || sl_lex_is(&c->lex, "["))) {
		bool is_quoted = sl_lex_is(&c->lex, "[");
		struct sl_str name;

		sl_lex_next(&c->lex);
		name = take_word(c, is_quoted ? SL_TOKEN_LITERAL : SL_TOKEN_NAME,
				 "the name of a claim");
		if (is_quoted)
			expect(c, "]");
		if (c->error)
			return;
		if (len)
			mem[len++] = '\x1f';
		memcpy(mem + len, name.ptr, name.len);
		len += name.len;
	}
	if (!len)
		fail(c, "'.' and the name of a claim");
	if (!c->error)
		o->claim = number_of(c, (struct sl_str){ mem, len });
}

static void parse_field(struct compiler *c, struct sl_expr_operand *o)
{
	o->kind = SL_EXPR_FIELD;
	expect(c, "(");
	o->text = take_word(c, SL_TOKEN_LITERAL, "the name of a field, in quotes,");
	expect(c, ")");
}

static void parse_name(struct compiler *c, struct sl_expr_operand *o)
{
	static const struct {
		const char *name;
		enum sl_expr_kind kind;
	} names[] = {
		{ "method", SL_EXPR_METHOD }, { "host", SL_EXPR_HOST },
		{ "client", SL_EXPR_CLIENT }, { "consumer", SL_EXPR_CONSUMER },
		{ "groups", SL_EXPR_GROUPS }, { "scopes", SL_EXPR_SCOPES },
		{ "true", SL_EXPR_LITERAL },  { "false", SL_EXPR_LITERAL },
	};
	struct sl_str word = c->lex.word;

	o->text = word;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (take_if(c, names[i].name)) {
			o->kind = names[i].kind;
			return;
		}
	if (take_if(c, "claims")) {
		parse_claim(c, o);
	} else if (take_if(c, "header")) {
		parse_field(c, o);
	} else if (take_if(c, "path")) {
		o->kind = take_if(c, ".") ? SL_EXPR_PARAM : SL_EXPR_PATH;
		if (o->kind == SL_EXPR_PARAM)
			o->text = take_word(c, SL_TOKEN_NAME, "the name of a parameter");
	} else {
		fail_at(c, c->lex.at,
			"'%.*s' is unknown: method, path, path.NAME, host, client, consumer, "
			"groups, scopes, claims.NAME, header(\"NAME\")",
			(int)(word.len < 32 ? word.len : 32), word.ptr);
	}
}

static struct sl_expr_operand parse_operand(struct compiler *c)
{
	struct sl_expr_operand o = { SL_EXPR_LITERAL, 0, { NULL, 0 } };

	if (c->lex.token == SL_TOKEN_LITERAL)
		o.text = take_word(c, SL_TOKEN_LITERAL, "");
	else if (c->lex.token == SL_TOKEN_NAME)
		parse_name(c, &o);
	else
		fail(c, "a name, a string or a number");
	return o;
}

static bool is_list(const struct sl_expr_operand *o)
{
	return o->kind == SL_EXPR_GROUPS || o->kind == SL_EXPR_SCOPES;
}

/* ---- comparisons ---- */

static void parse_items(struct compiler *c, struct sl_expr_test *t)
{
	struct sl_str items[SL_EXPR_ITEMS_MAX], *mem;
	unsigned nr = 0;

	expect(c, "[");
	do {
		struct sl_str item = c->lex.word;

		if (nr == SL_EXPR_ITEMS_MAX)
			fail_at(c, c->lex.at, "the list has more than %d items", SL_EXPR_ITEMS_MAX);
		else if (!take_if(c, "true") && !take_if(c, "false"))
			item = take_word(c, SL_TOKEN_LITERAL, "a string or a number");
		if (c->error)
			return;
		items[nr++] = item;
	} while (take_if(c, ","));
	expect(c, "]");
	mem = alloc(c, nr * sizeof(*mem));
	if (!mem)
		return;
	memcpy(mem, items, nr * sizeof(*mem));
	t->items = mem;
	t->nr = nr;
}

/* The client's address is compared with addresses and prefixes that are written there. */
static void make_nets(struct compiler *c, struct sl_expr_test *t, size_t at)
{
	const struct sl_str *items = t->items ? t->items : &t->right.text;
	unsigned nr = t->items ? t->nr : 1;
	struct sl_net *nets = alloc(c, nr * sizeof(*nets));

	for (unsigned i = 0; nets && i < nr; i++)
		if (sl_net_parse(items[i], &nets[i]) < 0)
			fail_at(c, at,
				"'client' is compared with addresses such as "
				"\"192.0.2.1\" and \"2001:db8::/32\"");
	t->nets = nets;
	t->nr = nr;
}

static void check_test(struct compiler *c, struct sl_expr_test *t, size_t at)
{
	bool takes_one = t->how != SL_EXPR_HAS && t->how != SL_EXPR_EXISTS;

	if (takes_one && is_list(&t->left))
		fail_at(c, at, "'%s' is a list: ask it with 'has'",
			t->left.kind == SL_EXPR_GROUPS ? "groups" : "scopes");
	else if (t->how == SL_EXPR_HAS && !is_list(&t->left) && t->left.kind != SL_EXPR_CLAIM)
		fail_at(c, at, "'has' asks groups, scopes or a claim");
	else if (!t->items && is_list(&t->right))
		fail_at(c, at, "a list stands behind 'in', or before 'has'");
	else if (t->right.kind == SL_EXPR_CLIENT)
		fail_at(c, at, "'client' stands before what it is compared with");
	else if (t->left.kind == SL_EXPR_LITERAL && t->right.kind == SL_EXPR_LITERAL)
		fail_at(c, at, "this is always the same");
	if (c->error || t->left.kind != SL_EXPR_CLIENT || t->how == SL_EXPR_EXISTS)
		return;
	if (t->how > SL_EXPR_NOT_IN || (!t->items && t->right.kind != SL_EXPR_LITERAL))
		fail_at(c, at, "'client' goes with '==', '!=' and 'in', and addresses");
	else
		make_nets(c, t, at);
}

static void swap(struct sl_expr_test *t)
{
	struct sl_expr_operand left = t->left;

	t->left = t->right;
	t->right = left;
}

/* "x in groups" is "groups has x". */
static void parse_in(struct compiler *c, struct sl_expr_test *t, bool is_not)
{
	size_t at = c->lex.at;

	t->how = is_not ? SL_EXPR_NOT_IN : SL_EXPR_IN;
	if (sl_lex_is(&c->lex, "[")) {
		parse_items(c, t);
		return;
	}
	t->right = parse_operand(c);
	if (is_not)
		fail_at(c, at, "a list in brackets is expected: else write '!(... in ...)'");
	t->how = SL_EXPR_HAS;
	swap(t);
}

static const struct {
	const char *word;
	enum sl_expr_operator how;
} operators[] = {
	{ "==", SL_EXPR_EQ },
	{ "!=", SL_EXPR_NE },
	{ "has", SL_EXPR_HAS },
	{ "starts_with", SL_EXPR_STARTS_WITH },
	{ "ends_with", SL_EXPR_ENDS_WITH },
};

static void parse_comparison(struct compiler *c, struct sl_expr_test *t)
{
	t->left = parse_operand(c);
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (take_if(c, operators[i].word)) {
			t->how = operators[i].how;
			t->right = parse_operand(c);
			return;
		}
	if (take_if(c, "in"))
		parse_in(c, t, false);
	else if (take_if(c, "not") && take_if(c, "in"))
		parse_in(c, t, true);
	else
		fail(c, "'==', '!=', 'in', 'not in', 'has', 'starts_with' or 'ends_with'");
}

static int add_node(struct compiler *c, enum node_kind kind, int a, int b)
{
	struct node *n = &c->nodes[c->nodes_nr];

	if (c->error)
		return NOWHERE;
	if (c->nodes_nr == NODES_MAX) {
		fail_at(c, c->lex.at, "there are too many '!'");
		return NOWHERE;
	}
	*n = (struct node){ kind, a, b, kind == NODE_TEST ? (uint8_t)a : c->nodes[a].first };
	return c->nodes_nr++;
}

static int parse_test(struct compiler *c)
{
	struct sl_expr_test t = { .how = SL_EXPR_EXISTS };
	size_t at = c->lex.at;

	if (c->expr->nr == SL_EXPR_TESTS_MAX)
		fail_at(c, at, "there are more than %d comparisons", SL_EXPR_TESTS_MAX);
	if (take_if(c, "exists")) {
		expect(c, "(");
		t.left = parse_operand(c);
		t.right.kind = SL_EXPR_LITERAL;
		expect(c, ")");
	} else {
		parse_comparison(c, &t);
	}
	if (!c->error)
		check_test(c, &t, at);
	if (c->error)
		return NOWHERE;
	c->expr->tests[c->expr->nr] = t;
	return add_node(c, NODE_TEST, (int)c->expr->nr++, 0);
}

/* ---- what holds them together ---- */

static int parse_not(struct compiler *c)
{
	bool is_negated = false;
	int node;

	while (take_if(c, "!"))
		is_negated = !is_negated;
	if (take_if(c, "(")) {
		if (++c->depth > SL_EXPR_DEPTH_MAX)
			fail_at(c, c->lex.at, "more than %d brackets inside each other",
				SL_EXPR_DEPTH_MAX);
		node = c->error ? NOWHERE : parse_or(c);
		c->depth--;
		expect(c, ")");
	} else {
		node = parse_test(c);
	}
	return is_negated ? add_node(c, NODE_NOT, node, 0) : node;
}

static int parse_and(struct compiler *c)
{
	int node = parse_not(c);

	while (take_if(c, "&&")) {
		int right = parse_not(c);

		node = add_node(c, NODE_AND, node, right);
	}
	return node;
}

static int parse_or(struct compiler *c)
{
	int node = parse_and(c);

	while (take_if(c, "||")) {
		int right = parse_and(c);

		node = add_node(c, NODE_OR, node, right);
	}
	return node;
}

/* Where a comparison leads to, and whether it is turned around on the way to the end. */
struct ways {
	uint8_t on_true, on_false;
	bool is_negated;
};

/* What is missing holds neither as it is nor turned around: as if each '!' stood before comparisons
 * alone, and those that nobody can answer were false. */
static void end(struct sl_expr_test *t, struct ways w)
{
	t->on_true = w.on_true;
	t->on_false = w.on_false;
	t->on_missing = w.is_negated ? w.on_true : w.on_false;
}

/* The left side of a chain may be deep, and is gone down without a call. */
static void join(struct compiler *c, int at, struct ways w)
{
	for (;;) {
		const struct node *n = &c->nodes[at];
		uint8_t other = w.on_false;

		switch (n->kind) {
		case NODE_TEST:
			end(&c->expr->tests[n->a], w);
			return;
		case NODE_NOT:
			w = (struct ways){ other, w.on_true, !w.is_negated };
			break;
		case NODE_AND:
			join(c, n->b, w);
			w.on_true = c->nodes[n->b].first;
			break;
		case NODE_OR:
			join(c, n->b, w);
			w.on_false = c->nodes[n->b].first;
			break;
		}
		at = n->a;
	}
}

int sl_expr_compile(struct sl_arena *arena, struct sl_str text, struct sl_expr_claims *claims,
		    const struct sl_expr **ret_expr, struct sl_expr_fault *ret_fault)
{
	struct compiler c = { .arena = arena, .claims = claims, .fault = ret_fault };
	int root;

	*ret_fault = (struct sl_expr_fault){ 0 };
	if (text.len > SL_EXPR_BYTES_MAX)
		fail_at(&c, SL_EXPR_BYTES_MAX, "it is longer than %d bytes", SL_EXPR_BYTES_MAX);
	c.expr = alloc(&c, sizeof(*c.expr) + SL_EXPR_TESTS_MAX * sizeof(*c.expr->tests));
	if (c.error)
		return c.error;
	c.expr->nr = 0;
	sl_lex_begin(&c.lex, text);
	root = parse_or(&c);
	if (!c.error && c.lex.token != SL_TOKEN_END)
		fail(&c, "'&&', '||' or the end");
	if (c.error)
		return c.error;
	join(&c, root, (struct ways){ SL_EXPR_TRUE, SL_EXPR_FALSE, false });
	*ret_expr = c.expr;
	return 0;
}

static unsigned needs_of(const struct sl_expr_operand *o)
{
	switch (o->kind) {
	case SL_EXPR_SCOPES:
	case SL_EXPR_CLAIM:
		return SL_EXPR_OF_WHO | SL_EXPR_OF_TOKEN;
	case SL_EXPR_CONSUMER:
	case SL_EXPR_GROUPS:
		return SL_EXPR_OF_WHO;
	default:
		return 0;
	}
}

unsigned sl_expr_needs(const struct sl_expr *e)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < e->nr; i++)
		mask |= needs_of(&e->tests[i].left) | needs_of(&e->tests[i].right);
	return mask;
}

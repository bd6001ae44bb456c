// SPDX-License-Identifier: Apache-2.0
// Compares what a request has.  Of what is missing nobody knows, and that lets nobody in.
#include "expr/claims.h"
#include "expr/code.h"

enum answer { NO, YES, MISSING };

enum value_kind { VALUE_MISSING, VALUE_TEXT, VALUE_ENCODED, VALUE_HOST, VALUE_LIST };

struct value {
	enum value_kind kind;
	struct sl_str text; /* VALUE_LIST: packed items */
};

/* ---- bytes ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next byte as it is meant: "%40" and "@" are the same to whoever reads a path. */
static int next_byte(struct value *v)
{
	const char *p = v->text.ptr;
	size_t n = 1;
	int byte;

	if (v->text.len == 0)
		return -1;
	byte = (unsigned char)*p;
	if (v->kind == VALUE_ENCODED && byte == '%' && v->text.len >= 3 && hex(p[1]) >= 0 &&
	    hex(p[2]) >= 0) {
		byte = hex(p[1]) << 4 | hex(p[2]);
		n = 3;
	}
	v->text = (struct sl_str){ p + n, v->text.len - n };
	return v->kind == VALUE_HOST ? sl_lower((char)byte) & 255 : byte;
}

static size_t length_of(struct value v)
{
	size_t n = 0;

	while (next_byte(&v) >= 0)
		n++;
	return n;
}

/* Whether b is all of a, or with is_prefix how it begins. */
static bool begins_with(struct value a, struct value b, bool is_prefix)
{
	bool is_host = a.kind == VALUE_HOST || b.kind == VALUE_HOST;

	for (;;) {
		int want = next_byte(&b), have;

		if (want < 0 && is_prefix)
			return true;
		have = next_byte(&a);
		if (is_host && want >= 0 && have >= 0) {
			want = sl_lower((char)want) & 255;
			have = sl_lower((char)have) & 255;
		}
		if (have != want)
			return false;
		if (want < 0)
			return true;
	}
}

static bool ends_with(struct value a, struct value b)
{
	size_t have = length_of(a), want = length_of(b);

	if (want > have)
		return false;
	while (have-- > want)
		next_byte(&a);
	return begins_with(a, b, false);
}

/* ---- what a name stands for ---- */

static struct value text_value(enum value_kind kind, struct sl_str text)
{
	return (struct value){ text.ptr ? kind : VALUE_MISSING, text };
}

static struct value claim_value(struct sl_str packed, unsigned index)
{
	static const enum value_kind kinds[] = {
		[SL_CLAIM_MISSING] = VALUE_MISSING,
		[SL_CLAIM_TEXT] = VALUE_TEXT,
		[SL_CLAIM_LIST] = VALUE_LIST,
	};
	struct sl_claim claim = sl_claim_find(packed, index);

	return (struct value){ kinds[claim.kind], claim.bytes };
}

static struct value value_of(const struct sl_expr_operand *o, const struct sl_expr_request *r)
{
	switch (o->kind) {
	case SL_EXPR_LITERAL:
		return (struct value){ VALUE_TEXT, o->text };
	case SL_EXPR_METHOD:
		return text_value(VALUE_TEXT, r->method);
	case SL_EXPR_PATH:
		return text_value(VALUE_ENCODED, r->path);
	case SL_EXPR_HOST:
		return text_value(VALUE_HOST, r->host);
	case SL_EXPR_CONSUMER:
		return text_value(VALUE_TEXT, r->consumer);
	case SL_EXPR_PARAM:
		return text_value(VALUE_ENCODED, r->find_param(r->arg, o->text));
	case SL_EXPR_FIELD:
		return text_value(VALUE_TEXT, r->find_field(r->arg, o->text));
	case SL_EXPR_CLAIM:
		return claim_value(r->claims, o->claim);
	case SL_EXPR_GROUPS:
	case SL_EXPR_SCOPES:
	case SL_EXPR_CLIENT:
		break; /* never compared by themselves */
	}
	return (struct value){ VALUE_MISSING, { NULL, 0 } };
}

/* ---- lists ---- */

static bool words_have(struct sl_str words, struct value v)
{
	for (size_t i = 0; i < words.len;) {
		const char *end = memchr(words.ptr + i, ' ', words.len - i);
		size_t len = end ? (size_t)(end - words.ptr) - i : words.len - i;
		const struct value word = { VALUE_TEXT, { words.ptr + i, len } };

		if (len && begins_with(word, v, false))
			return true;
		i += len + 1;
	}
	return false;
}

static bool items_have(const struct sl_str *items, unsigned nr, struct value v)
{
	for (unsigned i = 0; i < nr; i++)
		if (begins_with((struct value){ VALUE_TEXT, items[i] }, v, false))
			return true;
	return false;
}

/* One that is no list is one of one: many claims may be either. */
static enum answer claim_has(struct value claim, struct value v)
{
	struct sl_str item;

	if (claim.kind == VALUE_MISSING)
		return MISSING;
	if (claim.kind != VALUE_LIST)
		return begins_with(claim, v, false) ? YES : NO;
	while (sl_claim_next(&claim.text, &item))
		if (begins_with((struct value){ VALUE_TEXT, item }, v, false))
			return YES;
	return NO;
}

static enum answer has(const struct sl_expr_test *t, const struct sl_expr_request *r)
{
	struct value v = value_of(&t->right, r);

	if (v.kind == VALUE_MISSING || v.kind == VALUE_LIST)
		return MISSING;
	if (t->left.kind == SL_EXPR_GROUPS)
		return items_have(r->groups, r->groups_nr, v) || words_have(r->token_groups, v)
			       ? YES
			       : NO;
	if (t->left.kind == SL_EXPR_SCOPES)
		return words_have(r->scopes, v) ? YES : NO;
	return claim_has(value_of(&t->left, r), v);
}

/* ---- comparisons ---- */

static bool exists(const struct sl_expr_operand *o, const struct sl_expr_request *r)
{
	if (o->kind == SL_EXPR_GROUPS)
		return r->groups_nr > 0 || r->token_groups.len > 0;
	if (o->kind == SL_EXPR_SCOPES)
		return r->scopes.len > 0;
	return o->kind == SL_EXPR_CLIENT || value_of(o, r).kind != VALUE_MISSING;
}

static bool ask_client(const struct sl_expr_test *t, const struct sl_expr_request *r)
{
	bool is_there = sl_nets_have(t->nets, t->nr, r->client);

	return t->how == SL_EXPR_NE || t->how == SL_EXPR_NOT_IN ? !is_there : is_there;
}

static bool compare(enum sl_expr_operator how, struct value left, struct value right)
{
	switch (how) {
	case SL_EXPR_EQ:
		return begins_with(left, right, false);
	case SL_EXPR_NE:
		return !begins_with(left, right, false);
	/* Everything begins and ends with an empty text: a claim that is one would let all in. */
	case SL_EXPR_STARTS_WITH:
		return right.text.len && begins_with(left, right, true);
	case SL_EXPR_ENDS_WITH:
		return right.text.len && ends_with(left, right);
	default:
		return false;
	}
}

static enum answer ask_value(const struct sl_expr_test *t, const struct sl_expr_request *r)
{
	struct value left = value_of(&t->left, r), right;

	if (left.kind == VALUE_MISSING || left.kind == VALUE_LIST)
		return MISSING;
	if (t->items)
		return items_have(t->items, t->nr, left) == (t->how == SL_EXPR_IN) ? YES : NO;
	right = value_of(&t->right, r);
	if (right.kind == VALUE_MISSING || right.kind == VALUE_LIST)
		return MISSING;
	return compare(t->how, left, right) ? YES : NO;
}

static enum answer ask(const struct sl_expr_test *t, const struct sl_expr_request *r)
{
	if (t->how == SL_EXPR_EXISTS)
		return exists(&t->left, r) ? YES : NO;
	if (t->how == SL_EXPR_HAS)
		return has(t, r);
	if (t->nets)
		return ask_client(t, r) ? YES : NO;
	return ask_value(t, r);
}

bool sl_expr_holds(const struct sl_expr *e, const struct sl_expr_request *r)
{
	unsigned at = 0;

	while (at < e->nr) {
		const struct sl_expr_test *t = &e->tests[at];
		const uint8_t ways[] = {
			[NO] = t->on_false, [YES] = t->on_true, [MISSING] = t->on_missing
		};

		at = ways[ask(t, r)];
	}
	return at == SL_EXPR_TRUE;
}

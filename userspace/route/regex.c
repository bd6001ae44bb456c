// SPDX-License-Identifier: Apache-2.0
// Regular expressions over PCRE2: compiled once, matched with memory and steps set aside for it.
#include "route/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	NEST_MAX = 32, /* brackets within brackets, of an expression */
	JIT_FIRST_BYTES = 32 << 10,
	HEAP_KIB_MAX = 256, /* the interpreter's backtracking, and machine code's stack */
	SLOT_BYTES = (HEAP_KIB_MAX + 16) << 10,
	SLOTS_NR = 4,	   /* match data, and its frames: an old and a new vector while they grow */
	FIRST_STEPS = 200, /* most matches take fewer */
	BYTES_OF_A_STEP = 16, /* that are looked at in the time of a step */
};

struct sl_regex {
	pcre2_code *code;
	const char *names; /* PCRE2's table: two bytes of number, then the name, NUL-ended */
	uint32_t names_nr, name_bytes;
	struct sl_regex *next; /* in a list */
};

struct sl_regex_scratch {
	pcre2_general_context *general;
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack; /* NULL: there is no machine code */
	bool gave_up;
	size_t budget; /* left for the request */
	bool is_taken[SLOTS_NR];
	char text[SL_REGEX_TEXT_MAX];
	_Alignas(16) char slots[SLOTS_NR][SLOT_BYTES]; /* touched only as far as it is needed */
};

/* ---- compiling ---- */

static int compile(struct sl_regex *regex, struct sl_str text, struct sl_regex_error *error)
{
	/* Bytes, not characters: what is matched is ASCII, or of unknown coding.  Unnamed brackets
	 * do not capture: only names can be used. */
	static const uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL |
					PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
					PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	int code;

	if (!context)
		return -ENOMEM;
	pcre2_set_parens_nest_limit(context, NEST_MAX);
	regex->code =
		pcre2_compile((PCRE2_SPTR)text.ptr, text.len, options, &code, &error->at, context);
	pcre2_compile_context_free(context);
	if (regex->code)
		return 0;
	if (code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	pcre2_get_error_message(code, (PCRE2_UCHAR *)error->text, sizeof(error->text));
	return -EINVAL;
}

static bool has_name_twice(const struct sl_regex *regex)
{
	/* The table is sorted by name. */
	for (unsigned i = 1; i < regex->names_nr; i++)
		if (sl_str_eq(sl_regex_group_name(regex, i - 1), sl_regex_group_name(regex, i)))
			return true;
	return false;
}

static const char *check_groups(struct sl_regex *regex)
{
	uint32_t captures = 0;

	_Static_assert(SL_REGEX_GROUPS_MAX == 8, "the message names this limit");
	pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &captures);
	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &regex->names_nr);
	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &regex->name_bytes);
	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &regex->names);
	if (captures > SL_REGEX_GROUPS_MAX || regex->names_nr > SL_REGEX_GROUPS_MAX)
		return "at most 8 groups have names";
	if (has_name_twice(regex))
		return "a group's name is used twice";
	return NULL;
}

static int build(struct sl_regex *regex, struct sl_str text, struct sl_regex_error *error)
{
	const char *why;
	int ret = compile(regex, text, error);

	if (ret < 0)
		return ret;
	why = check_groups(regex);
	if (why) {
		error->at = 0;
		snprintf(error->text, sizeof(error->text), "%s", why);
		return -EINVAL;
	}
	return 0;
}

int sl_regex_new(struct sl_regex **ret_regex, struct sl_str text, struct sl_regex_error *ret_error)
{
	struct sl_regex *regex;
	int ret;

	*ret_error = (struct sl_regex_error){ .at = 0 };
	if (text.len > SL_REGEX_BYTES_MAX) {
		_Static_assert(SL_REGEX_BYTES_MAX == 1024, "the message names this limit");
		strcpy(ret_error->text, "an expression has at most 1024 bytes");
		return -EINVAL;
	}
	regex = calloc(1, sizeof(*regex));
	if (!regex)
		return -ENOMEM;
	ret = build(regex, text, ret_error);
	if (ret < 0) {
		sl_regex_free(regex);
		return ret;
	}
	*ret_regex = regex;
	return 0;
}

void sl_regex_free(struct sl_regex *regex)
{
	if (!regex)
		return;
	pcre2_code_free(regex->code);
	free(regex);
}

void sl_regex_make_fast(struct sl_regex *regex)
{
	/* Refused where memory may not be both written and executed (MemoryDenyWriteExecute): then
	 * the expression is interpreted as before. */
	pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
}

int sl_regexes_add(struct sl_regexes *list, struct sl_str text, const struct sl_regex **ret_regex)
{
	struct sl_regex_error error;
	struct sl_regex *regex;
	int ret = sl_regex_new(&regex, text, &error);

	if (ret < 0)
		return ret;
	sl_regex_make_fast(regex);
	regex->next = list->first;
	list->first = regex;
	*ret_regex = regex;
	return 0;
}

void sl_regexes_fini(struct sl_regexes *list)
{
	while (list->first) {
		struct sl_regex *regex = list->first;

		list->first = regex->next;
		sl_regex_free(regex);
	}
}

/* ---- matching ---- */

/* PCRE2 asks for memory while it matches; it gets what was set aside, or nothing. */
static void *take_slot(size_t size, void *scratch)
{
	struct sl_regex_scratch *s = scratch;

	for (unsigned i = 0; size <= SLOT_BYTES && i < SLOTS_NR; i++) {
		if (s->is_taken[i])
			continue;
		s->is_taken[i] = true;
		return s->slots[i];
	}
	return NULL;
}

static void give_slot(void *slot, void *scratch)
{
	struct sl_regex_scratch *s = scratch;

	if (slot)
		s->is_taken[((char *)slot - s->slots[0]) / SLOT_BYTES] = false;
}

static bool has_jit(void)
{
	uint32_t jit = 0;

	pcre2_config(PCRE2_CONFIG_JIT, &jit);
	return jit;
}

/* Contexts come from the heap, match data and what it grows to from the slots. */
static bool scratch_init(struct sl_regex_scratch *s)
{
	s->general = pcre2_general_context_create(take_slot, give_slot, s);
	if (!s->general)
		return false;
	s->context = pcre2_match_context_create(NULL);
	s->data = pcre2_match_data_create(1 + SL_REGEX_GROUPS_MAX, s->general);
	if (!s->context || !s->data)
		return false;
	pcre2_set_depth_limit(s->context, SL_REGEX_STEPS_MAX);
	pcre2_set_heap_limit(s->context, HEAP_KIB_MAX);
	if (!has_jit())
		return true;
	/* Without one of its own, machine code would take 32 KiB of the caller's stack, which may
	 * be a fiber's. */
	s->stack = pcre2_jit_stack_create(JIT_FIRST_BYTES, HEAP_KIB_MAX << 10, NULL);
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	return s->stack;
}

struct sl_regex_scratch *sl_regex_scratch_new(void)
{
	struct sl_regex_scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (!scratch_init(s)) {
		sl_regex_scratch_free(s);
		return NULL;
	}
	sl_regex_begin(s);
	return s;
}

void sl_regex_scratch_free(struct sl_regex_scratch *s)
{
	if (!s)
		return;
	pcre2_jit_stack_free(s->stack);
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	pcre2_general_context_free(s->general);
	free(s);
}

void sl_regex_begin(struct sl_regex_scratch *s)
{
	s->gave_up = false;
	s->budget = SL_REGEX_BUDGET;
}

bool sl_regex_gave_up(const struct sl_regex_scratch *s)
{
	return s->gave_up;
}

void sl_regex_give_up(struct sl_regex_scratch *s)
{
	s->gave_up = true;
}

char *sl_regex_text(struct sl_regex_scratch *s)
{
	return s->text;
}

/* PCRE2 does not tell how many steps it took, so a try costs all that it may take. */
static int try_match(const struct sl_regex *regex, struct sl_str text, uint32_t steps,
		     struct sl_regex_scratch *s)
{
	PCRE2_SPTR subject = (PCRE2_SPTR)(text.len ? text.ptr : "");
	size_t cost = steps + text.len / BYTES_OF_A_STEP;

	if (cost > s->budget)
		return PCRE2_ERROR_MATCHLIMIT;
	s->budget -= cost;
	pcre2_set_match_limit(s->context, steps);
	return pcre2_match(regex->code, subject, text.len, 0, 0, s->data, s->context);
}

bool sl_regex_match(const struct sl_regex *regex, struct sl_str text, struct sl_regex_scratch *s)
{
	int ret;

	if (s->gave_up)
		return false;
	if (text.len > SL_REGEX_TEXT_MAX) {
		s->gave_up = true;
		return false;
	}
	/* Few steps at first: so a request can ask thousands of expressions that take few, or some
	 * dozens of those that take many. */
	ret = try_match(regex, text, FIRST_STEPS, s);
	if (ret == PCRE2_ERROR_MATCHLIMIT)
		ret = try_match(regex, text, SL_REGEX_STEPS_MAX, s);
	/* A limit was met: nobody knows what the answer would have been. */
	s->gave_up = ret < 0 && ret != PCRE2_ERROR_NOMATCH;
	return ret >= 0;
}

unsigned sl_regex_groups_nr(const struct sl_regex *regex)
{
	return regex->names_nr;
}

static const char *name_entry(const struct sl_regex *regex, unsigned i)
{
	return regex->names + (size_t)i * regex->name_bytes;
}

struct sl_str sl_regex_group_name(const struct sl_regex *regex, unsigned i)
{
	return sl_str_of(name_entry(regex, i) + 2);
}

struct sl_str sl_regex_group(const struct sl_regex *regex, unsigned i, struct sl_str text,
			     const struct sl_regex_scratch *s)
{
	const char *entry = name_entry(regex, i);
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(s->data);
	size_t number = (size_t)(unsigned char)entry[0] << 8 | (unsigned char)entry[1];
	PCRE2_SIZE from = ends[2 * number], to = ends[2 * number + 1];

	assert(number <= SL_REGEX_GROUPS_MAX);
	/* \K within a lookahead could turn them round. */
	if (from == PCRE2_UNSET || to < from || to > text.len)
		return (struct sl_str){ text.ptr, 0 };
	return (struct sl_str){ text.ptr + from, to - from };
}

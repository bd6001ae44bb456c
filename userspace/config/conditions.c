// SPDX-License-Identifier: Apache-2.0
// Policy require: its conditions are compiled.
#include <errno.h>

#include "config/check.h"
#include "expr/expr.h"
#include "policy/require.h"

static void tell(struct sl_reader *r, struct sl_str text, const struct sl_expr_fault *f)
{
	size_t left = text.len > f->at ? text.len - f->at : 0;

	sl_report_fault(&r->report, "character %zu, '%.*s': %s", f->at + 1,
			(int)(left < 24 ? left : 24), text.ptr + f->at, f->why);
}

static void compile(struct sl_reader *r, struct sl_require *self, unsigned i)
{
	struct sl_expr_fault fault;
	unsigned needs;
	int ret = sl_expr_compile(&r->rules->arena, self->when[i], &r->rules->claims,
				  &self->conditions[i], &fault);

	if (ret == -ENOMEM)
		r->out_of_memory = true;
	else if (ret < 0)
		tell(r, self->when[i], &fault);
	if (ret < 0)
		return;
	needs = sl_expr_needs(self->conditions[i]);
	self->asks_who |= (needs & SL_EXPR_OF_WHO) != 0;
	self->asks_token |= (needs & SL_EXPR_OF_TOKEN) != 0;
}

void sl_check_require(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_require *self = to;
	bool is_array = json_is_array(json_object_get(value, "when"));

	if (json_object_size(value) == 0)
		sl_report_fault(&r->report, "needs 'groups', 'consumers', 'scopes' or 'when'");
	self->asks_who = self->groups_nr || self->consumers_nr || self->scopes_nr;
	self->asks_token = self->scopes_nr > 0;
	self->conditions = sl_reader_alloc(r, self->when_nr + 1, sizeof(*self->conditions));
	sl_report_enter_member(&r->report, "when");
	for (unsigned i = 0; self->conditions && i < self->when_nr; i++) {
		if (is_array)
			sl_report_enter_element(&r->report, i);
		if (self->when[i].ptr) /* else it is at fault already */
			compile(r, self, i);
		if (is_array)
			sl_report_leave(&r->report);
	}
	sl_report_leave(&r->report);
}

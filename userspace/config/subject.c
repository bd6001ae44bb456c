// SPDX-License-Identifier: Apache-2.0
// Whom limits and quotas count for: what their keys have in common.
#include "policy/subject.h"
#include "config/check.h"
#include "expr/expr.h"

/* Claims that anybody names are picked out of each token, for conditions and limits alike. */
static void want_claim(struct sl_reader *r, struct sl_subject_conf *self)
{
	struct sl_expr_claims *claims = &r->rules->claims;

	for (unsigned i = 0; i < claims->nr; i++)
		if (sl_str_eq(claims->paths[i], self->claim)) {
			self->claim_index = i;
			return;
		}
	if (claims->nr == SL_EXPR_CLAIMS_MAX) {
		sl_reader_fault_member(r, "claim",
				       "is one more than the %d different claims that policies "
				       "may name",
				       SL_EXPR_CLAIMS_MAX);
		return;
	}
	self->claim_index = claims->nr;
	claims->paths[claims->nr++] = self->claim;
}

void sl_check_subject(struct sl_reader *r, struct sl_subject_conf *self)
{
	if (!self->per && !self->header.len && !self->claim.len)
		sl_reader_fault_member(r, "per",
				       "needs at least a word, or 'header' or 'claim' beside it");
	if (self->claim.len)
		want_claim(r, self);
}

const char *sl_check_claim(struct sl_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ')
			return "must be without control characters";
	return text.len && text.len <= 256 ? NULL : "is not 1 to 256 bytes long";
}

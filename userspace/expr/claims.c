// SPDX-License-Identifier: Apache-2.0
// Packed values of claims.
#include "expr/claims.h"

static size_t read_length(const char *p)
{
	return (size_t)((unsigned char)p[0] | (unsigned char)p[1] << 8);
}

static void write_length(char *p, size_t len)
{
	p[0] = (char)(len & 255);
	p[1] = (char)(len >> 8);
}

struct sl_claim sl_claim_find(struct sl_str packed, unsigned index)
{
	struct sl_claim none = { SL_CLAIM_MISSING, { NULL, 0 } };

	while (packed.len >= SL_CLAIM_HEAD) {
		size_t len = read_length(packed.ptr + 1), all = SL_CLAIM_HEAD + len;

		if (all > packed.len)
			return none;
		if (index-- == 0)
			return (struct sl_claim){ (enum sl_claim_kind)packed.ptr[0],
						  { packed.ptr + SL_CLAIM_HEAD, len } };
		packed = (struct sl_str){ packed.ptr + all, packed.len - all };
	}
	return none;
}

bool sl_claim_next(struct sl_str *list, struct sl_str *ret_item)
{
	size_t len;

	if (list->len < SL_CLAIM_ITEM_HEAD)
		return false;
	len = read_length(list->ptr);
	if (len > list->len - SL_CLAIM_ITEM_HEAD)
		return false;
	*ret_item = (struct sl_str){ list->ptr + SL_CLAIM_ITEM_HEAD, len };
	list->ptr += SL_CLAIM_ITEM_HEAD + len;
	list->len -= SL_CLAIM_ITEM_HEAD + len;
	return true;
}

size_t sl_claim_begin(struct sl_out *o, enum sl_claim_kind kind)
{
	size_t begin = sl_out_len(o);

	sl_out_char(o, (char)kind);
	sl_out_mem(o, "\0\0", 2);
	return begin;
}

void sl_claim_put_item(struct sl_out *o, struct sl_str item)
{
	char head[SL_CLAIM_ITEM_HEAD];

	write_length(head, item.len);
	sl_out_mem(o, head, sizeof(head));
	sl_out_str(o, item);
}

void sl_claim_end(struct sl_out *o, size_t begin)
{
	if (!o->overflow)
		write_length(o->start + begin + 1, sl_out_len(o) - begin - SL_CLAIM_HEAD);
}

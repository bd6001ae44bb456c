// SPDX-License-Identifier: Apache-2.0
// The intrusive list: order, taking out, and nodes that are in no list.
#include "base/list.h"

#include "tap.h"

struct item {
	char name;
	struct sl_list node;
};

/* The names in the list, forwards; the same backwards must be their mirror image. */
static void is_list(const struct sl_list *l, const char *want, const char *says)
{
	char got[16], back[16];
	size_t n = 0, m = 0;

	for (struct sl_list *p = l->next; p != l && n < sizeof(got); p = p->next)
		got[n++] = sl_container_of(p, struct item, node)->name;
	for (struct sl_list *p = l->prev; p != l && m < sizeof(back); p = p->prev)
		back[m++] = sl_container_of(p, struct item, node)->name;
	is_str((struct sl_str){ got, n }, want, "%s", says);
	for (size_t i = 0; i < n && n == m; i++)
		if (got[i] != back[n - 1 - i])
			m = n + 1;
	is_int((int64_t)m, (int64_t)n, "... and backwards");
}

int main(void)
{
	struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
	struct sl_list l;

	sl_list_init(&l);
	sl_list_init(&a.node);
	ok(sl_list_is_empty(&l), "a new list is empty");
	ok(sl_list_is_alone(&a.node), "a new node is alone");
	ok(!sl_list_pop_front(&l), "there is nothing to pop");
	sl_list_push_back(&l, &b.node);
	sl_list_push_front(&l, &a.node);
	sl_list_push_back(&l, &c.node);
	is_list(&l, "abc", "front and back");
	ok(!sl_list_is_empty(&l), "the list is not empty");
	ok(!sl_list_is_alone(&b.node), "a node in it is not alone");
	sl_list_del(&b.node);
	is_list(&l, "ac", "taken out of the middle");
	ok(sl_list_is_alone(&b.node), "what was taken out is alone");
	sl_list_del(&b.node);
	is_list(&l, "ac", "taking it out again changes nothing");
	sl_list_add_after(&a.node, &b.node);
	is_list(&l, "abc", "put after another");
	ok(sl_list_pop_front(&l) == &a.node, "the first one is popped");
	ok(sl_list_is_alone(&a.node), "... and is alone");
	sl_list_del(&c.node);
	is_list(&l, "b", "the last one taken out");
	sl_list_del(&b.node);
	is_list(&l, "", "and the only one");
	ok(sl_list_is_empty(&l), "the list is empty again");
	return done_testing();
}

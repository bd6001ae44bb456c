/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list; a node that is in no list points at itself. */
#ifndef SL_BASE_LIST_H
#define SL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct sl_list {
	struct sl_list *next, *prev;
};

#define sl_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void sl_list_init(struct sl_list *l)
{
	l->next = l->prev = l;
}

static inline bool sl_list_is_empty(const struct sl_list *l)
{
	return l->next == l;
}

/* Also asks a node "are you in no list?". */
#define sl_list_is_alone sl_list_is_empty

static inline void sl_list_add_after(struct sl_list *pos, struct sl_list *node)
{
	node->prev = pos;
	node->next = pos->next;
	pos->next->prev = node;
	pos->next = node;
}

static inline void sl_list_push_front(struct sl_list *l, struct sl_list *node)
{
	sl_list_add_after(l, node);
}

static inline void sl_list_push_back(struct sl_list *l, struct sl_list *node)
{
	sl_list_add_after(l->prev, node);
}

/* Takes node out of whatever list it is in; harmless when it is in none. */
static inline void sl_list_del(struct sl_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	sl_list_init(node);
}

static inline struct sl_list *sl_list_pop_front(struct sl_list *l)
{
	struct sl_list *node = l->next;

	if (node == l)
		return NULL;
	sl_list_del(node);
	return node;
}

/* All nodes of from, in their order, become the only ones of to; from is empty then. */
static inline void sl_list_take(struct sl_list *to, struct sl_list *from)
{
	if (sl_list_is_empty(from)) {
		sl_list_init(to);
		return;
	}
	*to = *from;
	to->next->prev = to->prev->next = to;
	sl_list_init(from);
}

#endif

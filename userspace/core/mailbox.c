// SPDX-License-Identifier: Apache-2.0
// A stack that many push to and one empties; the loop's eventfd tells that there is something.
#include "core/mailbox.h"

void sl_mail_post(struct sl_loop *loop, struct sl_mail *m)
{
	m->next = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&loop->inbox, &m->next, m,
						      memory_order_release, memory_order_relaxed))
		;
	sl_loop_kick(loop);
}

/* The last that came lies on top: turned over, they are opened in order. */
static struct sl_mail *turn_over(struct sl_mail *m)
{
	struct sl_mail *first = NULL;

	while (m) {
		struct sl_mail *next = m->next;

		m->next = first;
		first = m;
		m = next;
	}
	return first;
}

void sl_mail_open_all(struct sl_loop *loop)
{
	struct sl_mail *m =
		turn_over(atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire));

	while (m) {
		struct sl_mail *next = m->next; /* it may be gone once it is opened */

		m->open(m);
		m = next;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A route's changes to the header fields that pass by. */
#ifndef SL_GATE_EDIT_H
#define SL_GATE_EDIT_H

#include <stdbool.h>

#include "base/out.h"
#include "gate/exchange.h"

static inline bool sl_edit_is_empty(const struct sl_header_edit *e)
{
	return !(e->set_nr | e->add_nr | e->remove_nr);
}

/* Whether a field that came goes no further: it is removed, or set anew. */
bool sl_edit_drops(const struct sl_header_edit *e, struct sl_str name);
/* Bytes that sl_edit_put() writes. */
size_t sl_edit_len(const struct sl_exchange *x, const struct sl_header_edit *e);
/* Writes the fields that are set and added, each with its CRLF. */
void sl_edit_put(const struct sl_exchange *x, const struct sl_header_edit *e, struct sl_out *o);

#endif

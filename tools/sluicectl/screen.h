/* SPDX-License-Identifier: Apache-2.0 */
/* What lies between two samples, for people and for programs. */
#ifndef SL_SLUICECTL_SCREEN_H
#define SL_SLUICECTL_SCREEN_H

#include <jansson.h>

#include "sample.h"

struct screen {
	const struct sl_reading *reading;
	const struct sample *now, *before;
	bool is_live;
	const char *note;	/* in the last line of the head; may be NULL */
	unsigned columns, rows; /* of the terminal; 0: as many as there are */
	bool is_terminal, has_color;
};

void screen_print(const struct screen *s);
json_t *screen_json(const struct screen *s);

#endif

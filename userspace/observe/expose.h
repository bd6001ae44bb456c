/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics as scrapers read them: Prometheus text 0.0.4, or OpenMetrics 1.0. */
#ifndef SL_OBSERVE_EXPOSE_H
#define SL_OBSERVE_EXPOSE_H

#include <stdio.h>

#include "observe/reading.h"

enum sl_exposition { SL_EXPOSE_PROMETHEUS, SL_EXPOSE_OPENMETRICS };

/* For Content-Type. */
const char *sl_expose_type(enum sl_exposition form);

/* All families of the file, a family's series together. */
void sl_expose_reading(FILE *to, enum sl_exposition form, struct sl_reading *r);
/* The lines before the samples of a family that is not in the file; name without "_total". */
void sl_expose_family(FILE *to, enum sl_exposition form, enum sl_metrics_kind kind,
		      const char *name, const char *help);
/* Behind the last sample. */
void sl_expose_end(FILE *to, enum sl_exposition form);

#endif

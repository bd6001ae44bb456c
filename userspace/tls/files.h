/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the files that TLS was made of are still the same. */
#ifndef SL_TLS_FILES_H
#define SL_TLS_FILES_H

#include "tls/conf.h"

/* A number that changes with any of them: replaced, written to, gone, or there again.  Nothing is
 * opened. */
uint64_t sl_tls_files_print(const struct sl_tls_conf *conf);
uint64_t sl_tls_origin_files_print(const struct sl_tls_origin_conf *conf);
/* Of one file, together with what came before it: 0 at first. */
uint64_t sl_tls_file_print(uint64_t print, const char *path);

#endif

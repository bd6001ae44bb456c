/* SPDX-License-Identifier: Apache-2.0 */
/* The origin's answers, built once: head and body in one piece of memory, so one send answers. */
#ifndef BENCH_LIB_ANSWER_H
#define BENCH_LIB_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define ANSWER_HEAD_MAX 256

/* Up to ANSWER_SMALL an answer belongs to its path. */
enum answer_id { ANSWER_1K, ANSWER_100K, ANSWER_1M, ANSWER_SMALL, ANSWER_400, ANSWER_411, ANSWERS };

/* Twice: [false] keeps the connection, [true] says "Connection: close". */
struct answer {
	struct sl_str path;
	struct sl_str whole[2];
	size_t head_len[2];
};

/* Writes a head of at most ANSWER_HEAD_MAX bytes and returns its length. */
size_t bench_answer_head(char *mem, const char *status, bool close, size_t body_len);

/* answers has ANSWERS zeroed places.  0 or -ENOMEM; free them in either case. */
int bench_answers_build(struct answer *answers);
void bench_answers_free(struct answer *answers);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and what was counted of each, in bounded memory. */
#ifndef SL_SLUICECTL_TALLY_H
#define SL_SLUICECTL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/abi.h"

#define TALLY_MAX (1u << 20) /* addresses: beyond, they are counted as others */

struct tally_row {
	struct sl_address address;
	uint64_t packets, bytes; /* cut, or requests and those of them that got a 2xx answer */
	uint32_t entry;		 /* of the image, that cut the last of them */
	bool is_used;
};

struct tally {
	struct tally_row *rows; /* room of them; unordered */
	size_t room, nr;
	uint64_t others; /* times that there was no room for an address */
	uint64_t secret[2];
};

/* 0 or -ENOMEM. */
int tally_init(struct tally *t);
void tally_fini(struct tally *t);
/* The address's row, new if need be; NULL if there is no room. */
struct tally_row *tally_row(struct tally *t, const struct sl_address *address);
/* Puts the rows in order, those first that have most bytes, then packets; no row can be found or
 * added any more. */
void tally_sort(struct tally *t);

#endif

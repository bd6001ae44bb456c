/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet frames from one line of text. */
#ifndef TESTS_LIB_FRAME_H
#define TESTS_LIB_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 4096

/*
 * Words, outermost header first; each header names the next one by itself:
 *	vlan qinq		a tag of 802.1Q, of 802.1ad
 *	ip4=SOURCE		joined to it by commas: options=BYTES, at=OFFSET (of a fragment,
 *				in units of 8), more, version=N, ihl=N, total=N
 *	ip6=SOURCE		version=N
 *	hop dst route mobility ah=WORDS frag=OFFSET
 *				extension headers; hop=UNITS, dst=UNITS are longer
 *	tcp=PORT		S, A, F, R: flags; doff=N
 *	udp=PORT icmp icmp6 arp lldp
 *	data=N			so many bytes
 *	cut=N			only the first N bytes of all that
 * Returns the length; aborts on a word that it does not know.
 */
size_t frame_make(const char *text, uint8_t frame[FRAME_MAX]);

#endif

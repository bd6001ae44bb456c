/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The pinned maps: what bpf/ and userspace/kern agree on. */
#ifndef SLUICE_ABI_H
#define SLUICE_ABI_H

#include "sluice/gcra.h"
#include "sluice/image.h"

/*
 * The maps, by name, each pinned as BPFFS/sluice/NAME; an interface's program is in BPFFS/sluice/
 * link_INTERFACE, with ':' for each '.' of its name, which a BPF file system does not take.  Each
 * list that `image` has is in list_ID, by its map's number; image_next is there while a larger
 * `image` takes the place of one, and whoever takes the lock next and finds it ends what was begun.
 *
 *	control		ARRAY[1] of struct sl_control: switches and limits; takes effect at once
 *	image		ARRAY_OF_MAPS[2]: the list that holds, and the one before it
 *	ports		ARRAY of SL_PORT_WORDS u64: a bit a port that is ours, if SL_FLAG_PORTS
 *	punished	LRU_HASH of struct sl_address -> struct sl_punishment
 *	cells		ARRAY of struct sl_gcra_set: clients' credit
 *	counters	PERCPU_ARRAY of struct sl_counter, [interface slot * SL_VERDICTS + verdict]
 *	events		RINGBUF of struct sl_event: a sample of what was not passed
 *
 *	interfaces	ARRAY of struct sl_interface, by interface slot; name[0] 0: the slot is free
 *
 * Whoever changes a layout raises SL_ABI_VERSION.
 */
#define SL_ABI_VERSION 3u
#define SL_ABI_DIR "sluice"
#define SL_INTERFACES_MAX 16
#define SL_PORT_WORDS 1024
#define SL_PUNISHED_MAX 65536
#define SL_CELL_SETS_MAX 131072
#define SL_EVENT_BYTES (256 * 1024)
#define SL_IMAGE_LINES_DEFAULT 131072 /* 8 MiB: room for some 80,000 prefixes */
#define SL_IMAGE_LINES_MAX (1u << 24) /* 1 GiB */

/* What became of a packet, and why: each packet is counted under exactly one of them, but for
 * shadows and notes, which are counted beside.  X(NAME, action, metric's reason, what it means). */
#define SL_VERDICT_LIST(X)                                                                         \
	X(PASS, pass, "none", "nothing was said against it")                                       \
	X(PASS_OTHER, pass, "not_ip", "neither IPv4 nor IPv6")                                     \
	X(PASS_PORT, pass, "not_our_port", "for a port that is none of the gateway's")             \
	X(PASS_MANAGE, pass, "management", "from a management address")                            \
	X(PASS_ALLOW, pass, "allow_list", "from an address of an allow list")                      \
	X(PASS_OFF, pass, "off", "enforcement is switched off")                                    \
	X(PASS_MALFORMED, pass, "malformed", "malformed, and told to let such through")            \
	X(DROP_DENY, drop, "deny_list", "from an address of a deny list")                          \
	X(REJECT_DENY, reject, "deny_list", "the same, answered")                                  \
	X(DROP_PUNISHED, drop, "punished", "from an address that is being punished")               \
	X(DROP_CONNECTIONS, drop, "connection_limit", "a SYN beyond the client's limit")           \
	X(DROP_PACKETS, drop, "packet_limit", "beyond the client's limit of packets")              \
	X(DROP_BYTES, drop, "byte_limit", "beyond the client's limit of bytes")                    \
	X(DROP_SYN_FLOOD, drop, "syn_flood", "a SYN beyond what all clients together may send")    \
	X(REPLY_SYN_FLOOD, reply, "syn_flood", "the same, answered with a cookie")                 \
	X(DROP_SHORT_ETH, drop, "truncated_ethernet", "ends within its link header")               \
	X(DROP_VLAN_DEPTH, drop, "vlan_depth", "more than two VLAN tags")                          \
	X(DROP_SHORT_IP, drop, "truncated_ip", "ends within its IP header")                        \
	X(DROP_BAD_IP, drop, "malformed_ip", "a version or length that cannot be")                 \
	X(DROP_SHORT_EXT, drop, "truncated_extension", "ends within an extension header")          \
	X(DROP_EXT_DEPTH, drop, "extension_depth", "more extension headers than are followed")     \
	X(DROP_SHORT_L4, drop, "truncated_transport", "ends within its TCP or UDP header")         \
	X(DROP_BAD_L4, drop, "malformed_transport", "a TCP header length that cannot be")          \
	X(SHADOW_DENY, shadow, "deny_list", "would have been dropped")                             \
	X(SHADOW_PUNISHED, shadow, "punished", "would have been dropped")                          \
	X(SHADOW_CONNECTIONS, shadow, "connection_limit", "would have been dropped")               \
	X(SHADOW_PACKETS, shadow, "packet_limit", "would have been dropped")                       \
	X(SHADOW_BYTES, shadow, "byte_limit", "would have been dropped")                           \
	X(SHADOW_SYN_FLOOD, shadow, "syn_flood", "would have been dropped, or answered")           \
	X(NOTE_EVICTED, note, "credit_evicted", "a client's credit made room for another's")

#define SL_VERDICT_ENUM(name, action, reason, text) SL_##name,
enum sl_verdict { SL_VERDICT_LIST(SL_VERDICT_ENUM) SL_VERDICTS };

struct sl_counter {
	__u64 packets, bytes;
};

enum sl_flag {
	SL_FLAG_ENFORCE = 1 << 0,   /* clear: everything passes, counted as PASS_OFF */
	SL_FLAG_PORTS = 1 << 1,	    /* only packets to the ports of the map are judged */
	SL_FLAG_MALFORMED = 1 << 2, /* what cannot be parsed is dropped, else counted and passed */
	SL_FLAG_PUNISHED = 1 << 3,  /* the map is not empty */
	SL_FLAG_SHADOW = 1 << 4,    /* limits and punishments count, and let pass */
	SL_FLAG_COOKIES = 1 << 5,   /* a SYN beyond `syns` is answered with a cookie, not dropped */
};

/* What a client has credit for, in the order in which it is asked for it. */
enum sl_credit { SL_CREDIT_CONNECTIONS = 1, SL_CREDIT_PACKETS, SL_CREDIT_BYTES };
#define SL_CREDITS 3

/* One client is what shares so many leading bits of its address. */
struct sl_control {
	__u32 version;	  /* SL_ABI_VERSION */
	__u32 flags;	  /* enum sl_flag */
	__u32 cells_mask; /* sets in use - 1 */
	__u32 revert_at;  /* ticks: from then on image[1] holds, if not confirmed; 0: confirmed */
	union {
		struct {
			struct sl_gcra_rate connections, packets, bytes;
		};
		struct sl_gcra_rate rates[SL_CREDITS]; /* by enum sl_credit - 1 */
	};
	__u64 client4, client6; /* masks: of an IPv4 address, of the first half of an IPv6 one */
	__u64 secret[2];	/* keys the choice of cells */
	__u32 sample;		/* 1 of so many drops is told as an event; 0: none */
	__u32 image_map; /* number of the map `image`, since a larger one took its place; or 0 */
	__u32 unused[2];
	struct sl_gcra_rate syns; /* of all clients together: new connections */
	__u64 unused_too[2];
	/* What they have taken of it, one word of the set: on a line of its own, since every SYN
	 * writes it and every packet reads the others. */
	struct sl_gcra_set syns_taken;
} __attribute__((aligned(64)));

/* An address or its prefix, each half in host order; IPv4 as ::ffff:a.b.c.d. */
struct sl_address {
	__u64 hi, lo;
};

#define SL_CAUSE_MAX 40

struct sl_punishment {
	__u64 until_ns; /* CLOCK_MONOTONIC */
	__u64 since_ns;
	__u64 hits, last_hit_ns;
	__u32 repeats; /* how often this client has been punished before */
	__u32 rule;
	char reason[SL_REASON_MAX];
	char request_id[SL_CAUSE_MAX];
};

#define SL_INTERFACE_NAME_MAX 16

struct sl_interface {
	char name[SL_INTERFACE_NAME_MAX];
	__u32 ifindex; /* 0: detached; what it has counted stays in its slot */
	__u32 mode;    /* enum sl_attach_mode */
};

enum sl_attach_mode { SL_MODE_AUTO, SL_MODE_NATIVE, SL_MODE_GENERIC };

struct sl_event {
	__u64 ns; /* CLOCK_MONOTONIC */
	struct sl_address source;
	__u32 ifindex;
	__u32 length; /* of the frame */
	__u32 entry;  /* of the image, 0: none */
	__u16 port;   /* destination */
	__u8 protocol;
	__u8 verdict; /* enum sl_verdict */
};

#endif

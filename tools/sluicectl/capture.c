// SPDX-License-Identifier: Apache-2.0
// Captures by libpcap; whatever their link type is, a frame becomes one of Ethernet.
#include "capture.h"

#include <net/ethernet.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_known(int link)
{
	switch (link) {
	case DLT_EN10MB:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return true;
	default:
		return false;
	}
}

enum ctl_exit capture_open(struct ctl *ctl, const char *file, struct capture *ret_capture)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	const char *link;
	struct stat st;

	*ret_capture = (struct capture){ .pcap = pcap_open_offline(file, error) };
	if (!ret_capture->pcap)
		return ctl_fail(ctl, CTL_FAILED, "%.200s", error);
	ret_capture->link = pcap_datalink(ret_capture->pcap);
	if (!is_known(ret_capture->link)) {
		link = pcap_datalink_val_to_name(ret_capture->link);
		capture_close(ret_capture);
		return ctl_fail(ctl, CTL_FAILED,
				"%s: packets of link type %s; EN10MB, LINUX_SLL, LINUX_SLL2 and "
				"RAW can be read",
				file, link ? link : "unknown");
	}
	if (fstat(fileno(pcap_file(ret_capture->pcap)), &st) == 0 && S_ISREG(st.st_mode))
		ret_capture->size = (uint64_t)st.st_size;
	return CTL_OK;
}

void capture_close(struct capture *c)
{
	if (c->pcap)
		pcap_close(c->pcap);
	c->pcap = NULL;
}

const char *capture_error(struct capture *c)
{
	return pcap_geterr(c->pcap);
}

unsigned capture_progress(struct capture *c)
{
	long at = ftell(pcap_file(c->pcap));

	return c->size && at > 0 ? (unsigned)((uint64_t)at * 100 / c->size) : 0;
}

/* An Ethernet header of our own before what is behind the one of the capture. */
static int put_frame(struct capture *c, uint16_t protocol, const uint8_t *data, size_t len)
{
	memset(c->frame, 0, ETHER_HDR_LEN);
	c->frame[12] = (uint8_t)(protocol >> 8);
	c->frame[13] = (uint8_t)protocol;
	if (len > sizeof(c->frame) - ETHER_HDR_LEN)
		len = sizeof(c->frame) - ETHER_HDR_LEN;
	memcpy(c->frame + ETHER_HDR_LEN, data, len);
	return (int)(ETHER_HDR_LEN + len);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Of "any" and such interfaces; type and protocol are where the header's version has them. */
static int cooked(struct capture *c, const uint8_t *data, size_t len, size_t header, uint16_t type,
		  size_t protocol)
{
	if (len < header)
		return 0;
	if (type == LINUX_SLL_OUTGOING)
		return -1;
	return put_frame(c, get16(data + protocol), data + header, len - header);
}

static int convert(struct capture *c, const uint8_t *data, size_t len)
{
	switch (c->link) {
	case DLT_LINUX_SLL:
		return cooked(c, data, len, SLL_HDR_LEN, len < 2 ? 0 : get16(data), 14);
	case DLT_LINUX_SLL2:
		return cooked(c, data, len, SLL2_HDR_LEN, len < 11 ? 0 : data[10], 0);
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		if (len == 0)
			return 0;
		return put_frame(c, data[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP, data, len);
	default:
		if (len > sizeof(c->frame))
			len = sizeof(c->frame);
		memcpy(c->frame, data, len);
		return (int)len;
	}
}

int capture_next(struct capture *c, uint32_t *ret_wire)
{
	struct pcap_pkthdr *head;
	const uint8_t *data;
	int ret = pcap_next_ex(c->pcap, &head, &data);

	if (ret != 1)
		return ret == PCAP_ERROR_BREAK ? -2 : -3;
	*ret_wire = head->len > head->caplen ? head->len : head->caplen;
	return convert(c, data, head->caplen);
}

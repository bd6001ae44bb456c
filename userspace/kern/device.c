// SPDX-License-Identifier: Apache-2.0
// Asks an interface who drives it and what holds it, and puts a program on it.
#include "kern/device.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kern/why.h"

/* What has no hardware says no bus, or "N/A"; tun and tap name themselves instead. */
static bool has_bus(const struct ethtool_drvinfo *info)
{
	return info->bus_info[0] && strcmp(info->bus_info, "N/A") != 0 &&
	       strcmp(info->driver, "tun") != 0;
}

static void ask_driver(int fd, struct ifreq *request, struct sl_device *device)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	device->is_virtual = true;
	request->ifr_data = (void *)&info;
	if (ioctl(fd, SIOCETHTOOL, request) < 0)
		return;
	device->is_virtual = !has_bus(&info);
	snprintf(device->driver, sizeof(device->driver), "%.31s", info.driver);
}

int sl_device_find(const char *name, struct sl_device *ret_device, struct sl_why *why)
{
	struct sl_device device = { .ifindex = if_nametoindex(name) };
	struct ifreq request = { 0 };
	int fd;

	if (!device.ifindex || strlen(name) >= sizeof(device.name))
		return sl_why_text(why, -ENODEV, "%.64s: there is no such interface", name);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sl_why_errno(why, -errno, name);
	strcpy(device.name, name);
	strcpy(request.ifr_name, name);
	if (ioctl(fd, SIOCGIFMTU, &request) == 0)
		device.mtu = (uint32_t)request.ifr_mtu;
	ask_driver(fd, &request, &device);
	close(fd);
	*ret_device = device;
	return 0;
}

int sl_device_holder(uint32_t ifindex, struct sl_holder *ret_holder)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = { 0 };
	struct sl_holder holder = { 0 };
	uint32_t size = sizeof(info);
	int ret = bpf_xdp_query((int)ifindex, 0, &query), fd;

	if (ret < 0)
		return ret;
	holder.program = query.drv_prog_id   ? query.drv_prog_id
			 : query.skb_prog_id ? query.skb_prog_id
					     : query.prog_id;
	holder.mode = query.skb_prog_id ? SL_MODE_GENERIC : SL_MODE_NATIVE;
	fd = holder.program ? bpf_prog_get_fd_by_id(holder.program) : -1;
	if (fd >= 0) {
		if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
			snprintf(holder.name, sizeof(holder.name), "%s", info.name);
		close(fd);
	}
	*ret_holder = holder;
	return 0;
}

/* What the kernel said of a request over netlink, which libbpf passes on to whoever prints. */
static _Thread_local char kernel_said[160];

__attribute__((format(printf, 2, 0))) static int keep_message(enum libbpf_print_level level,
							      const char *format, va_list args)
{
	static const char begin[] = "Kernel error message: ";
	char text[sizeof(begin) + sizeof(kernel_said)], *found;

	vsnprintf(text, sizeof(text), format, args);
	found = strstr(text, begin);
	if (found)
		snprintf(kernel_said, sizeof(kernel_said), "%.*s",
			 (int)strcspn(found + strlen(begin), "\n"), found + strlen(begin));
	return 0;
}

/* A link that fails has an errno and no words; the same request over netlink has words. */
static void ask_why(const struct sl_device *device, int program, uint32_t flags)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_message);

	kernel_said[0] = '\0';
	if (bpf_xdp_attach((int)device->ifindex, program, flags | XDP_FLAGS_UPDATE_IF_NOEXIST,
			   NULL) == 0)
		bpf_xdp_detach((int)device->ifindex, flags, NULL);
	libbpf_set_print(before);
}

static const char *advice_for(int error)
{
	switch (error) {
	case -EOPNOTSUPP:
		return "the driver has no native XDP; mode generic works everywhere";
	case -ERANGE:
	case -EINVAL:
	case -E2BIG:
		return "often the MTU is larger than the driver takes with XDP: "
		       "lower it, or use mode generic";
	case -EBUSY:
	case -EEXIST:
		return "something else holds it";
	case -EPERM:
	case -EACCES:
		return "run as root, or grant CAP_BPF and CAP_NET_ADMIN";
	}
	return "see what the kernel's log says";
}

int sl_device_link(const struct sl_device *device, int program, enum sl_attach_mode mode,
		   struct sl_why *why)
{
	uint32_t flags = mode == SL_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
	int link = bpf_link_create(program, (int)device->ifindex, BPF_XDP, &options);
	int ret = link < 0 ? -errno : 0;

	if (ret == 0)
		return link;
	ask_why(device, program, flags);
	return sl_why_text(why, ret, "%s, %s XDP: %s%s%s (%s)", device->name,
			   mode == SL_MODE_NATIVE ? "native" : "generic", strerror(-ret),
			   kernel_said[0] ? ": " : "", kernel_said, advice_for(ret));
}

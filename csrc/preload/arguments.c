/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include "clock.h"
#include "sockaddr.h"

enum {
	MOST_PARTS = 1024,	 /* UIO_MAXIOV */
	MOST_CONTROL = 16 << 20, /* more than any sysctl optmem_max */
	PAGE = 4096
};

static bool is_readable(const void *start, size_t n)
{
	for (size_t at = 0; at < n; at += PAGE)
		if (!pw_readable((const char *)start + at,
				 n - at < PAGE ? n - at : PAGE))
			return false;
	return true;
}

/* The address of a sendto(). */
int pw_check_address(const void *addr, socklen_t len)
{
	struct sockaddr_storage copy;
	int ret = addr ? pw_copy_sockaddr(&copy, addr, len) : 0;

	return ret < 0 ? ret : PW_GO_ON;
}

/* Sets @any to whether there is a byte to move. */
static int check_iov(const struct iovec *iov, size_t n, bool *any)
{
	*any = false;
	if (!is_readable(iov, n * sizeof(*iov)))
		return -EFAULT;
	for (size_t i = 0; i < n; i++) {
		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
		*any |= iov[i].iov_len != 0;
	}
	return PW_GO_ON;
}

/**
 * pw_check_parts() - The arguments of readv() and writev()
 * @offset: of preadv2() and pwritev2(); -1 for none
 */
int pw_check_parts(const struct iovec *iov, int n, off_t offset)
{
	bool any;
	int ret;

	if (offset != -1)
		return offset < 0 ? -EINVAL : -ESPIPE;
	if (n < 0 || n > MOST_PARTS)
		return -EINVAL;
	ret = check_iov(iov, (size_t)n, &any);
	return ret == PW_GO_ON && !any ? 0 : ret;
}

/**
 * pw_check_message() - The arguments of sendmsg() and recvmsg()
 * @msg: as the application gave it
 * @is_sent: or received, and then its name and control data are written only
 */
int pw_check_message(const struct msghdr *msg, bool is_sent)
{
	bool any;
	int ret;

	if (!pw_readable(msg, sizeof(*msg)))
		return -EFAULT;
	if (msg->msg_name && (int)msg->msg_namelen < 0)
		return -EINVAL;
	if (is_sent && msg->msg_name && msg->msg_namelen &&
	    !pw_readable(msg->msg_name,
			 msg->msg_namelen < sizeof(struct sockaddr_storage)
				 ? msg->msg_namelen
				 : sizeof(struct sockaddr_storage)))
		return -EFAULT;
	if (msg->msg_iovlen > MOST_PARTS)
		return -EMSGSIZE;
	ret = check_iov(msg->msg_iov, msg->msg_iovlen, &any);
	if (ret != PW_GO_ON || !is_sent || !msg->msg_controllen)
		return ret;
	if (msg->msg_controllen > MOST_CONTROL)
		return -ENOBUFS;
	return is_readable(msg->msg_control, msg->msg_controllen) ? PW_GO_ON
								  : -EFAULT;
}

/* The arguments of recvmmsg(), as far as the first message. */
int pw_check_messages(const struct mmsghdr *msgs, unsigned int n,
		      const struct timespec *timeout)
{
	if (timeout && !pw_readable(timeout, sizeof(*timeout)))
		return -EFAULT;
	if (timeout && !pw_is_timeout(timeout))
		return -EINVAL;
	return n == 0 ? 0 : pw_check_message(&msgs->msg_hdr, false);
}

/**
 * pw_has_control() - Whether a message's ancillary data can be gone through
 * @msg: readable, what it points to perhaps not
 *
 * What cannot is refused by the kernel, too.
 */
bool pw_has_control(const struct msghdr *msg)
{
	return msg->msg_control &&
	       msg->msg_controllen >= sizeof(struct cmsghdr) &&
	       msg->msg_controllen <= MOST_CONTROL &&
	       is_readable(msg->msg_control, msg->msg_controllen);
}

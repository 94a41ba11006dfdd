/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "channel.h"

#include <arpa/nameser.h>

/* The whole of it in one packet; the first of a connection finds room. */
PW_APART static long send_query(int ctl, const unsigned char *query, size_t n)
{
	struct pw_request request = { .version = PW_WIRE_VERSION,
				      .op = PW_OP_QUERY };
	struct iovec iov[2] = {
		{ .iov_base = &request, .iov_len = sizeof(request) },
		{ .iov_base = (void *)(uintptr_t)query, .iov_len = n },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	memcpy(request.token, pw_channel()->token, PW_TOKEN_BYTES);
	return pw_sys(SYS_sendmsg, ctl, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The message goes to where the caller wants it, and is cut off there. */
PW_APART static long receive_answer(int ctl, unsigned char *answer, size_t size)
{
	struct pw_reply reply;
	struct iovec iov[2] = {
		{ .iov_base = &reply, .iov_len = sizeof(reply) },
		{ .iov_base = answer, .iov_len = size },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	const long head = sizeof(reply);
	long n;

	do
		n = pw_sys(SYS_recvmsg, ctl, &msg, MSG_TRUNC);
	while (n == -EINTR);
	if (n == -EFAULT)
		return n;
	if (n < head || reply.version != PW_WIRE_VERSION)
		return -ECONNREFUSED;
	return reply.error ? -reply.error : n - head;
}

/**
 * pw_query_send() - Have a DNS message answered
 * @query: @n bytes
 * @answer: gets the first @size bytes of the answer
 *
 * Return: the answer's whole length, or -errno
 * Context: waits for the helper; goes on waiting after a signal
 */
int pw_query_send(const unsigned char *query, size_t n, unsigned char *answer,
		  size_t size)
{
	long ret;
	int ctl;

	if (n > PW_MESSAGE_BYTES)
		return -EMSGSIZE;
	if (size < PW_DNS_HEADER_BYTES)
		return -EINVAL;
	ctl = pw_channel_open(true);
	if (ctl < 0)
		return ctl;
	ret = send_query(ctl, query, n);
	if (ret >= 0)
		ret = receive_answer(ctl, answer, size);
	pw_sys(SYS_close, ctl);
	return (int)ret;
}

/**
 * pw_query_verdict() - What an answer comes to
 * @answer: its first bytes
 * @n: its length; -errno where there is none
 *
 * Return: 0 where it has records, else an h_errno
 */
int pw_query_verdict(const unsigned char *answer, int n)
{
	if (n < PW_DNS_HEADER_BYTES)
		return TRY_AGAIN;
	switch (answer[3] & 0xf) {
	case ns_r_noerror:
		return answer[6] || answer[7] ? 0 : NO_DATA;
	case ns_r_nxdomain:
		return HOST_NOT_FOUND;
	case ns_r_servfail:
		return TRY_AGAIN;
	default:
		return NO_RECOVERY;
	}
}

/* SPDX-License-Identifier: MIT */
/* getaddrinfo_a(): what the calls around it say, and how the end is told. */
#include <pthread.h>

#include "trace.h"

static pthread_t caller;
static int told[2];

static void tell(char what, int value)
{
	MUST(write(told[1], &what, 1) == 1);
	MUST(write(told[1], &value, sizeof(value)) == sizeof(value));
}

static void in_thread(union sigval value)
{
	tell(pthread_equal(pthread_self(), caller) ? 't' : 'T',
	     value.sival_int);
}

static void at_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	tell(info->si_code == SI_ASYNCNL ? 'S' : 's', info->si_value.sival_int);
}

static const char *outcome(int error)
{
	switch (error) {
	case EAI_ALLDONE:
		return "EAI_ALLDONE";
	case EAI_SYSTEM:
		return "EAI_SYSTEM";
	default:
		return eai(error);
	}
}

static struct sigevent *choose(struct sigevent *event)
{
	struct sigaction action = { .sa_sigaction = at_signal,
				    .sa_flags = SA_SIGINFO };

	event->sigev_value.sival_int = 4711;
	event->sigev_notify = SIGEV_NONE;
	if (is_mode("signal")) {
		MUST(sigaction(SIGUSR1, &action, NULL) == 0);
		event->sigev_notify = SIGEV_SIGNAL;
		event->sigev_signo = SIGUSR1;
	} else if (is_mode("thread")) {
		event->sigev_notify = SIGEV_THREAD;
		event->sigev_notify_function = in_thread;
	}
	return is_mode("null") ? NULL : event;
}

static void hear(void)
{
	int value;
	char what;

	if (!is_mode("signal") && !is_mode("thread"))
		return;
	while (read(told[0], &what, 1) != 1)
		MUST(errno == EINTR);
	MUST(read(told[0], &value, sizeof(value)) == sizeof(value));
	say("told by %c of %d", what, value);
}

static void play(void)
{
	struct addrinfo number = { .ai_flags = AI_NUMERICHOST,
				   .ai_socktype = SOCK_STREAM };
	struct gaicb good = { .ar_name = "127.0.0.1",
			      .ar_service = "80",
			      .ar_request = &number };
	struct gaicb none = { .ar_name = "site.test", .ar_request = &number };
	struct gaicb service = { .ar_name = "127.0.0.1",
				 .ar_service = "nosuchservice",
				 .ar_request = &number };
	struct gaicb *list[] = { &good, NULL, &none, &service };
	const struct gaicb *all[] = { &good, &none, &service };
	struct sigevent event = { 0 };
	int ret;

	caller = pthread_self();
	MUST(pipe(told) == 0);
	say("%s", outcome(getaddrinfo_a(77, list, 4, NULL)));
	say("%s", strerror(errno));
	ret = getaddrinfo_a(is_mode("wait") ? GAI_WAIT : GAI_NOWAIT, list, 4,
			    choose(&event));
	say("%s", outcome(ret));
	hear();
	do
		ret = gai_suspend(all, 3, NULL);
	while (ret == 0 || ret == EAI_INTR);
	say("%s", outcome(ret));
	for (int i = 0; i < 3; i++) {
		struct gaicb *one = (struct gaicb *)(uintptr_t)all[i];

		/* It says so a moment longer than gai_suspend(). */
		do
			ret = gai_cancel(one);
		while (ret == EAI_NOTCANCELED);
		say("%s, %s", outcome(gai_error(one)), outcome(ret));
	}
	say("port %d",
	    ntohs(((struct sockaddr_in *)good.ar_result->ai_addr)->sin_port));
	freeaddrinfo(good.ar_result);
	say("%s", outcome(getaddrinfo_a(GAI_WAIT, list, 0, NULL)));
}

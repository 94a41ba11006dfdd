/* SPDX-License-Identifier: MIT */
/*
 * Calls whose arguments another thread changes all the time: addresses,
 * messages, vectors, the memory they are in, the descriptors. None of them may
 * harm whoever answers them: it has as many descriptors after them as before,
 * and a connection comes about. usage: race_calls HOST PORT
 */
#include <pthread.h>
#include <dirent.h>
#include <sys/mman.h>

#include "trace.h"

enum {
	PAGE = 4096,
	ROUNDS = 4000,
	PLACE = 0x20000000,
};

struct shared {
	struct sockaddr_in address;
	struct iovec vectors[2];
	struct mmsghdr messages[2];
	char control[64];
};

static volatile bool is_over;
static struct sockaddr_in near, far;
static int numbers[2];

static struct shared *remap(void)
{
	return mmap((void *)PLACE, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void *disturb(void *unused)
{
	struct shared *s = remap();
	unsigned int seed = 1;

	while (!is_over) {
		int what = rand_r(&seed) % 8;

		if (what == 0) {
			munmap(s, PAGE);
			remap();
		}
		s->address = what & 1 ? near : far;
		s->vectors[0].iov_base = what & 2 ? s : NULL;
		s->vectors[0].iov_len = what == 3 ? (size_t)-1 : 5;
		s->messages[0].msg_hdr = (struct msghdr){
			.msg_name = &s->address,
			.msg_namelen = what & 4 ? 16 : 200,
			.msg_iov = s->vectors,
			.msg_iovlen = what == 5 ? 1025 : 2,
			.msg_control = what == 6 ? s->control : NULL,
			.msg_controllen = what == 6 ? 40 : 0,
		};
		memset(s->control, what, sizeof(s->control));
	}
	return unused;
}

/* The numbers change their meaning: a datagram socket, a stream, a file. */
static void *renumber(void *unused)
{
	int kinds[] = { socket(AF_INET, SOCK_DGRAM, 0),
			socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
			open("/dev/null", O_RDWR) };
	unsigned int seed = 2;

	while (!is_over)
		dup2(kinds[rand_r(&seed) % 3], numbers[rand_r(&seed) % 2]);
	return unused;
}

static void call(struct shared *s, unsigned int at, int fd)
{
	socklen_t len = 16;

	switch (at % 8) {
	case 0:
		connect(fd, (void *)&s->address, 16);
		break;
	case 1:
		sendto(fd, s, 5, MSG_DONTWAIT | MSG_NOSIGNAL,
		       (void *)&s->address, 16);
		break;
	case 2:
		sendmsg(fd, &s->messages[0].msg_hdr,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 3:
		sendmmsg(fd, s->messages, 2, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 4:
		recvmsg(fd, &s->messages[0].msg_hdr, MSG_DONTWAIT);
		break;
	case 5:
		recvmmsg(fd, s->messages, 2, MSG_DONTWAIT, NULL);
		break;
	case 6:
		getsockopt(fd, SOL_SOCKET, SO_ERROR, s, &len);
		break;
	default:
		getpeername(fd, (void *)&s->address, (void *)s);
	}
}

/* The pipes of a relay are kept for the next one. */
static int sockets_of(int process)
{
	char path[320], to[16];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", process);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", process,
			 entry->d_name);
		n += readlink(path, to, 7) == 7 && !memcmp(to, "socket:", 7);
	}
	if (dir)
		closedir(dir);
	return n;
}

static void race(int sink)
{
	struct shared *s = remap();
	pthread_t threads[2];

	is_over = false;
	numbers[0] = dup(sink);
	numbers[1] = dup(sink);
	pthread_create(&threads[0], NULL, disturb, NULL);
	pthread_create(&threads[1], NULL, renumber, NULL);
	for (unsigned int i = 0; i < ROUNDS; i++)
		call(s, i, numbers[i / 8 % 2]);
	is_over = true;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	closefrom(sink + 1); /* what the threads have opened, too */
}

static void play(void)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int sink = socket(AF_INET, SOCK_DGRAM, 0), before, fd, far_end;
	socklen_t n = sizeof(near);

	memcpy(&far, &dest, sizeof(far));
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(sink, (void *)&from, sizeof(from)) == 0 &&
	     getsockname(sink, (void *)&near, &n) == 0);
	go();
	fd = tcp(0);
	MUST(connect(fd, DEST) == 0);
	/* Where datagrams beyond this host end is made once. */
	far_end = socket(AF_INET, SOCK_DGRAM, 0);
	TRY(connect(far_end, (void *)&far, sizeof(far)));
	close(far_end);
	before = sockets_of(getppid()) + 1; /* where others are parked */
	race(sink);
	fd = tcp(0);
	TRY(connect(fd, DEST));
	for (int i = 0; i < 100 && sockets_of(getppid()) > before; i++)
		usleep(100 * 1000);
	say("keeps sockets: %d", sockets_of(getppid()) > before);
}

/* Connect from many threads while others fork, and count what is left over.
 *
 * usage: storm NAME PORT THREADS CONNECTS FORKS
 *
 * Each of THREADS threads connects CONNECTS times, every other time without
 * blocking, and exchanges a line. Every FORKSth time (0: never) it lets a
 * forked child and a spawned program connect or run as well. Prints the number
 * of failures, which is its status too, the open descriptors of this process
 * and of its parent, and the parent's resident KiB, each before and after.
 */

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *name, *port;
static int connects, forks;
static atomic_int failures;

static int count_descriptors(pid_t pid)
{
	char path[64];
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static int connect_by_poll(int fd, const struct addrinfo *to)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof(error);

	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -1;
	while (poll(&wait, 1, -1) < 0)
		if (errno != EINTR)
			return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		return -1;
	errno = error;
	return error == 0 ? 0 : -1;
}

static void wait_for(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	while (poll(&wait, 1, -1) < 0)
		;
}

static const char *talk(int blocking)
{
	const struct addrinfo hints = { .ai_family = AF_INET,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *to;
	char line[6];

	if (getaddrinfo(name, port, &hints, &to) != 0)
		return "getaddrinfo";
	int fd = socket(
		AF_INET,
		SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0)
		return "socket";
	int status = blocking ? connect(fd, to->ai_addr, to->ai_addrlen)
			      : connect_by_poll(fd, to);
	freeaddrinfo(to);
	const char *failed = NULL;
	if (status != 0)
		failed = "connect";
	else if (send(fd, "hello\n", 6, MSG_NOSIGNAL) != 6)
		failed = "send";
	else {
		wait_for(fd);
		if (recv(fd, line, 6, MSG_WAITALL) != 6 ||
		    memcmp(line, "hello\n", 6) != 0)
			failed = "recv";
	}
	close(fd);
	return failed;
}

static void note(const char *failed)
{
	if (failed == NULL)
		return;
	fprintf(stderr, "%s: %s\n", failed, strerror(errno));
	failures++;
}

static void reap(pid_t pid, const char *what)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return;
	if (status != 0) {
		fprintf(stderr, "%s: status %#x\n", what, (unsigned)status);
		failures++;
	}
}

static void multiply(void)
{
	char *argv[] = { "true", NULL };
	pid_t pid = fork();

	if (pid == 0)
		_exit(talk(1) != NULL || talk(0) != NULL);
	reap(pid, "forked child");
	if (posix_spawnp(&pid, "true", NULL, NULL, argv, environ) == 0)
		reap(pid, "spawned program");
}

static void *run(void *unused)
{
	for (int i = 0; i < connects; i++) {
		note(talk(i % 2));
		if (forks > 0 && i % forks == forks - 1)
			multiply();
	}
	return unused;
}

static long resident_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmRSS: %ld", &kib);
	if (status)
		fclose(status);
	return kib;
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	name = argv[1];
	port = argv[2];
	int threads = atoi(argv[3]);
	connects = atoi(argv[4]);
	forks = atoi(argv[5]);

	note(talk(1));
	int own = count_descriptors(getpid()),
	    helper = count_descriptors(getppid());
	long kib = resident_kib(getppid());
	pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
	for (int i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, run, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	note(talk(1));
	printf("%d\n%d %d\n%d %d\n%ld %ld\n", failures, own,
	       count_descriptors(getpid()), helper,
	       count_descriptors(getppid()), kib, resident_kib(getppid()));
	return failures > 0;
}

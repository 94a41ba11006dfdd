/* SPDX-License-Identifier: MIT */
/*
 * What we say of AT_SECURE beside what the kernel gives: each case is a file
 * and a process; one child judges the file, its twin executes it.
 */
// sources: csrc/preload/secure.c
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "preload/secure.h"

enum {
	ROOT = 0,
	USER = 12345,
	OTHER = 12346,
	EXEC_FAILED = 77,
	SETUP_FAILED = 99,
	RAW = CAP_NET_RAW,
	BIND = CAP_NET_BIND_SERVICE,
};

/**
 * struct file - what the program looks like
 * @forced: capabilities that it is given, as a set
 * @inherited: those it is given if the process has them to hand down
 * @is_effective: of both
 * @root: of the namespace whose capabilities they are; version 3 of the format
 */
struct file {
	const char *name;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	uint64_t forced, inherited;
	bool is_effective;
	uint32_t root;
};

/**
 * struct process - who executes it
 * @handed_down: its inheritable capabilities
 * @dropped: out of its bounding set
 * @ambient: its ambient capabilities
 * @kept: permitted capabilities, where it is not root
 * @inside: the number that its own has in a new user namespace; -1: none
 */
struct process {
	const char *name;
	uid_t uid, euid;
	gid_t gid, egid, group;
	bool has_no_new_privs;
	uint64_t handed_down, dropped, ambient, kept;
	bool is_in_namespace;
	uid_t inside;
	bool maps_all;
};

#define SET(cap) (1ULL << (cap))

static const struct file files[] = {
	{ "plain", .mode = 0755 },
	{ "setuid root", .mode = 04755 },
	{ "setgid root", .mode = 02755 },
	{ "both, of root", .mode = 06755 },
	{ "setuid user", .mode = 04755, .uid = USER },
	{ "setgid user", .mode = 02755, .gid = USER },
	{ "setuid other", .mode = 04755, .uid = OTHER },
	{ "setgid other", .mode = 02755, .gid = OTHER },
	{ "setgid, not executable", .mode = 02745, .gid = OTHER },
	{ "cap +ep", .mode = 0755, .forced = SET(RAW), .is_effective = true },
	{ "cap +p", .mode = 0755, .forced = SET(RAW) },
	{ "cap +i", .mode = 0755, .inherited = SET(RAW) },
	{ "cap +ei", .mode = 0755, .inherited = SET(RAW),
	  .is_effective = true },
	{ "cap of another namespace", .mode = 0755, .forced = SET(RAW),
	  .is_effective = true, .root = USER },
	{ "cap +ep and setuid", .mode = 04755, .forced = SET(RAW),
	  .is_effective = true },
	{ "a high cap", .mode = 0755, .forced = SET(CAP_PERFMON) },
};

static const struct process processes[] = {
	{ "root", .uid = ROOT },
	{ "root without new privileges", .has_no_new_privs = true },
	{ "a user", .uid = USER, .euid = USER, .gid = USER, .egid = USER },
	{ "a user without new privileges", .uid = USER, .euid = USER,
	  .gid = USER, .egid = USER, .has_no_new_privs = true },
	{ "a user of the group", .uid = USER, .euid = USER, .gid = USER,
	  .egid = USER, .group = OTHER },
	{ "root as a user", .euid = USER, .egid = USER },
	{ "a user as root", .uid = USER, .gid = USER },
	{ "a user as another", .uid = USER, .euid = OTHER, .gid = USER,
	  .egid = USER },
	{ "root in another group", .egid = USER },
	{ "a user with inheritable", .uid = USER, .euid = USER, .gid = USER,
	  .egid = USER, .handed_down = SET(RAW) },
	{ "a user with another inheritable", .uid = USER, .euid = USER,
	  .gid = USER, .egid = USER, .handed_down = SET(BIND) },
	{ "a user, bounded", .uid = USER, .euid = USER, .gid = USER,
	  .egid = USER, .dropped = SET(RAW) },
	{ "a user with ambient", .uid = USER, .euid = USER, .gid = USER,
	  .egid = USER, .ambient = SET(RAW) },
	{ "a user who has it, without new privileges", .uid = USER,
	  .euid = USER, .gid = USER, .egid = USER, .has_no_new_privs = true,
	  .kept = SET(RAW) },
	{ "root of a namespace", .uid = USER, .euid = USER, .gid = USER,
	  .egid = USER, .is_in_namespace = true, .inside = 0 },
	{ "a user of a namespace", .uid = USER, .euid = USER, .gid = USER,
	  .egid = USER, .is_in_namespace = true, .inside = USER },
	{ "root of one that maps all", .is_in_namespace = true,
	  .maps_all = true },
};

static char directory[] = "/tmp/proxywrap-secure-XXXXXX";
static char path[64];

static void must(long ret)
{
	if (ret < 0)
		_exit(SETUP_FAILED);
}

static void make_file(const struct file *file)
{
	struct vfs_ns_cap_data caps = {
		.magic_etc = file->root ? VFS_CAP_REVISION_3
					: VFS_CAP_REVISION_2,
		.data = { { (uint32_t)file->forced, (uint32_t)file->inherited },
			  { (uint32_t)(file->forced >> 32),
			    (uint32_t)(file->inherited >> 32) } },
		.rootid = file->root,
	};

	if (file->is_effective)
		caps.magic_etc |= VFS_CAP_FLAGS_EFFECTIVE;
	removexattr(path, "security.capability");
	if (chown(path, file->uid, file->gid) || chmod(path, file->mode))
		ok(false, "%s: cannot be made", file->name);
	if ((file->forced || file->inherited) &&
	    setxattr(path, "security.capability", &caps,
		     file->root ? sizeof(caps) : 20, 0))
		ok(false, "%s: has no capabilities", file->name);
}

static void write_map(const char *map, const char *text)
{
	int fd = open(map, O_WRONLY);

	must(fd);
	must(write(fd, text, strlen(text)));
	close(fd);
}

/* Everything may be mapped only by who stays outside. */
static void enter_full_namespace(void)
{
	pid_t self = getpid(), outside;
	int status, ready[2];
	char byte;

	must(pipe(ready));
	outside = fork();
	if (outside == 0) {
		char map[64];

		must(read(ready[0], &byte, 1));
		snprintf(map, sizeof(map), "/proc/%d/uid_map", self);
		write_map(map, "0 0 4294967295");
		snprintf(map, sizeof(map), "/proc/%d/gid_map", self);
		write_map(map, "0 0 4294967295");
		_exit(0);
	}
	must(unshare(CLONE_NEWUSER));
	must(write(ready[1], "x", 1));
	must(waitpid(outside, &status, 0));
	must(status ? -1 : 0);
	close(ready[0]);
	close(ready[1]);
}

static void enter_namespace(const struct process *process)
{
	char text[64];

	if (process->maps_all) {
		enter_full_namespace();
		return;
	}
	snprintf(text, sizeof(text), "%u %u 1", process->inside, process->uid);
	must(unshare(CLONE_NEWUSER));
	write_map("/proc/self/setgroups", "deny");
	write_map("/proc/self/uid_map", text);
	write_map("/proc/self/gid_map", text);
}

static void set_caps(const struct process *process)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	uint64_t kept = process->kept | process->ambient | process->handed_down,
		 down = process->handed_down | process->ambient;
	struct __user_cap_data_struct sets[2] = {
		{ (uint32_t)kept, (uint32_t)kept, (uint32_t)down },
	};

	if (!kept)
		return;
	must(syscall(SYS_capset, &head, sets));
	for (unsigned long cap = 0; cap < 32; cap++)
		if (process->ambient & SET(cap))
			must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0,
				   0));
}

static void become(const struct process *process)
{
	for (unsigned long cap = 0; cap < 64; cap++)
		if (process->dropped & SET(cap))
			must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
	must(setgroups(process->group ? 1 : 0, &process->group));
	must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	must(setresgid(process->gid, process->egid, process->egid));
	must(setresuid(process->uid, process->euid, process->euid));
	if (process->uid != ROOT)
		set_caps(process);
	/* /proc/self belongs to root otherwise. */
	must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	if (process->is_in_namespace)
		enter_namespace(process);
	if (process->has_no_new_privs)
		must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static int ask(const struct process *process, bool is_twin)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		char *const argv[] = { path, "AT_SECURE", NULL };
		int fd = open(path, O_RDONLY);

		become(process);
		if (!is_twin)
			_exit(pw_is_secure(fd));
		execve(path, argv, NULL);
		_exit(EXEC_FAILED);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void compare(const struct file *file, const struct process *process,
		    const char *place)
{
	int ours = ask(process, false), truth = ask(process, true);

	ok(ours == 0 || ours == 1, "%s, %s%s: judged", process->name,
	   file->name, place);
	if (truth == EXEC_FAILED)
		return;
	ok(truth == 0 || truth == 1, "the twin ran");
	/* The numbers of other namespaces cannot be told from inside one. */
	if (file->root && process->is_in_namespace)
		ok(ours >= truth, "refused where it cannot be known");
	else
		is(ours, truth, "%s, %s%s", process->name, file->name, place);
}

static void test_matrix(const char *place)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		make_file(&files[i]);
		for (size_t j = 0; j < sizeof(processes) / sizeof(processes[0]);
		     j++)
			compare(&files[i], &processes[j], place);
	}
}

/* The twin is a program of its own: one with sanitizers would tell on itself.
 */
static void make_twin(void)
{
	char command[256];

	snprintf(path, sizeof(path), "%s/twin", directory);
	snprintf(command, sizeof(command),
		 "printf '#include <sys/auxv.h>\\nint main(void) { return "
		 "(int)getauxval(AT_SECURE); }' | cc -x c - -o %s",
		 path);
	ok(system(command) == 0, "a twin");
}

static void test_nosuid(void)
{
	char command[256];

	snprintf(command, sizeof(command), "cp %s /tmp/proxywrap-twin", path);
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    system(command) ||
	    mount("none", directory, "tmpfs", MS_NOSUID, "mode=755"))
		ok(false, "a nosuid mount: %s", strerror(errno));
	snprintf(command, sizeof(command), "mv /tmp/proxywrap-twin %s", path);
	ok(system(command) == 0, "moved");
	test_matrix(", nosuid");
	umount(directory);
}

int main(void)
{
	/* Capabilities and ids are root's to give. */
	if (getuid() == 0) {
		ok(mkdtemp(directory) && chmod(directory, 0755) == 0,
		   "a directory");
		make_twin();
		test_matrix("");
		test_nosuid();
		unlink(path);
		rmdir(directory);
	}
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* In another root and network namespace connections fail as there they do. */
#include <sched.h>

#include "trace.h"

static void play(void)
{
	char empty[] = "/tmp/proxywrap-XXXXXX";

	MUST(mkdtemp(empty));
	MUST(unshare(CLONE_NEWNET) == 0);
	MUST(chroot(empty) == 0 && rmdir("/") < 0);
	TRY(connect(tcp(0), DEST));
	TRY(connect(tcp(SOCK_NONBLOCK), DEST));
}

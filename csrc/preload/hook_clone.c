/* SPDX-License-Identifier: MIT */
/*
 * vfork and clone: whoever is about to share its memory with a child owns it
 * first. A process may not have come to the lock since it was forked, past
 * our hook of fork; its vfork child would take the table for its own.
 */
#include "guard.h"
#include "libc.h"
#include "lifeline.h"
#include "room.h"

#include <sched.h>

/* What vfork() does before libc's own, which is what it returns. */
__attribute__((used)) static void *prepare(void)
{
	int saved = errno;

	pw_guard_own();
	pw_room_sweep();
	pw_libc_resolve();
	errno = saved;
	return (void *)pw_libc.vfork;
}

/*
 * A jump, whatever the compiler's mood: the child returns from libc's vfork()
 * first and runs over the stack that a frame of ours would be on when the
 * parent returns.
 */
#if defined(__x86_64__)
__asm__(".pushsection .text\n"
	".globl vfork\n"
	".type vfork, @function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	subq $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call prepare\n"
	"	addq $8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	jmp *%rax\n"
	"	.cfi_endproc\n"
	".size vfork, .-vfork\n"
	".popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text\n"
	".globl vfork\n"
	".type vfork, @function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	hint #34\n" /* bti c */
	"	stp x29, x30, [sp, #-16]!\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset 29, -16\n"
	"	.cfi_offset 30, -8\n"
	"	bl prepare\n"
	"	ldp x29, x30, [sp], #16\n"
	"	.cfi_def_cfa_offset 0\n"
	"	.cfi_restore 29\n"
	"	.cfi_restore 30\n"
	"	mov x16, x0\n"
	"	br x16\n"
	"	.cfi_endproc\n"
	".size vfork, .-vfork\n"
	".popsection\n");
#endif

int hook_clone(int (*body)(void *), void *stack, int flags, void *argument,
	       pid_t *parent_tid, void *tls, pid_t *child_tid)
{
	bool is_new = (flags & CLONE_NEWNET) && pw_lifeline_keep();
	int ret, saved;

	if (flags & CLONE_VM)
		pw_guard_own();
	ret = pw_libc.clone(body, stack, flags, argument, parent_tid, tls,
			    child_tid);
	if (!is_new || (ret >= 0 && (flags & CLONE_VM)))
		return ret;
	saved = errno;
	pw_lifeline_drop(); /* the child has a copy */
	errno = saved;
	return ret;
}

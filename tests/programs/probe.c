/* SPDX-License-Identifier: MIT */
/* Says that it runs; built in ways that the shim cannot enter. */
#include <stdio.h>

#ifdef GO_NOTE
/* What the Go linker leaves in every program, dynamic ones too. */
__asm__(".pushsection .note.go.buildid, \"a\", @note\n"
	".balign 4\n"
	".long 4, 4, 4\n"
	".asciz \"Go\\0\"\n"
	".long 0x12345678\n"
	".popsection\n");
#endif

int main(void)
{
	puts("it runs");
	return 0;
}

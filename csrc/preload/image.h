/* SPDX-License-Identifier: MIT */
/* What an ELF file says of itself: who runs it, and what it needs first. */
#ifndef PW_IMAGE_H
#define PW_IMAGE_H

#include "../wire.h"
#include "order.h"

#include <elf.h>
#include <stdbool.h>

enum {
	PW_INTERPRETER_BYTES = 256, /* a path that is longer is unknown */
};

enum pw_libc_kind {
	PW_LIBC_UNKNOWN,
	PW_LIBC_GLIBC,
	PW_LIBC_MUSL,
};

enum pw_libc_kind pw_image_libc(const char *interpreter);
bool pw_image_interpreter(int fd, char path[static PW_INTERPRETER_BYTES]);
enum pw_target pw_image_judge(int fd, const Elf64_Ehdr *elf,
			      char runtime[static PW_RUNTIME_BYTES]);

#endif

/* SPDX-License-Identifier: MIT */
/* What an ELF file says of itself: who runs it, and what it needs first. */
#ifndef PW_IMAGE_H
#define PW_IMAGE_H

#include "../wire.h"
#include "order.h"

#include <elf.h>

enum pw_target pw_image_judge(int fd, const Elf64_Ehdr *elf,
			      char runtime[static PW_RUNTIME_BYTES]);

#endif

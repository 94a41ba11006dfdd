/* SPDX-License-Identifier: MIT */
/*
 * What dlopen() brings is wrapped too. MODE has `deepbind` in it for an object
 * that sees its own libraries first, and `search` for a name that the RUNPATH
 * of this program leads to. ARGUMENT is the object's path.
 */
#include <dlfcn.h>

#include "trace.h"

static void play(void)
{
	int flags = RTLD_NOW;
	void *object;
	int (*talk)(const struct sockaddr *, socklen_t);

#ifdef RTLD_DEEPBIND
	if (strstr(mode, "deepbind"))
		flags |= RTLD_DEEPBIND;
#endif
	if (strstr(mode, "search"))
		argument = strrchr(argument, '/') + 1;
	object = dlopen(argument, flags);
	say("object: %s", object ? "loaded" : dlerror());
	MUST(object && (talk = dlsym(object, "talk")));
	say("talk: %d", talk(DEST));
}

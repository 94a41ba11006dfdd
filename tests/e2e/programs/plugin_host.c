/* SPDX-License-Identifier: MIT */
/*
 * usage: plugin_host PLUGIN FLAGS NAME PORT
 *
 * Loads a plugin that only its own RUNPATH leads to, as PHP does: deeply bound.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	int flags = RTLD_NOW, (*talk)(const char *, const char *);
	void *plugin;

	if (argc < 5)
		return 2;
	if (strcmp(argv[2], "deep") == 0)
		flags |= RTLD_DEEPBIND;
	plugin = dlopen(argv[1], flags);
	if (!plugin) {
		puts(dlerror());
		return 1;
	}
	*(void **)&talk = dlsym(plugin, "talk");
	printf("talk: %d\n", talk(argv[3], argv[4]));
	return 0;
}

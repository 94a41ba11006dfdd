/* SPDX-License-Identifier: MIT */
#include "service.h"

#include "channel.h"

#include <sys/un.h>

/*
 * What stands in the paths of such servers' sockets; the helper knows more
 * exactly. A path of ssh's ControlPath mostly has one of the last three.
 */
static const char *const signs[] = {
	"/tmux-",     "/screen/", "/.screen/",	      "docker",	 "podman",
	"containerd", "snapd",	  "/systemd/private", "/bus",	 "_bus_socket",
	"/emacs",     "wine-",	  "/vscode-",	      "/zellij", "/.pm2/",
	"supervisor", "ssh",	  "/.ansible/cp/",    "@",
};

static bool is_sign_in(const char *path)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(path, signs[i]))
			return true;
	return false;
}

/**
 * pw_service_tell() - Tell the helper of a connection to such a server
 * @fd: a Unix socket, connected just now
 * @addr: where to, of @len bytes
 *
 * The helper finds out whether the server is one of ours.
 *
 * Context: never blocks; leaves errno alone
 */
void pw_service_tell(int fd, const struct sockaddr_storage *addr, size_t len)
{
	struct pw_request request = { .op = PW_OP_BLOCKED,
				      .detail = PW_BLOCKED_SERVICE };
	struct ucred peer = { 0 };
	socklen_t n = sizeof(peer);
	struct sockaddr_un un = { 0 };
	char path[sizeof(un.sun_path) + 1] = { 0 };

	if (len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(un))
		return;
	memcpy(&un, addr, len);
	memcpy(path, un.sun_path, sizeof(un.sun_path));
	if (!is_sign_in(path) ||
	    pw_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return;
	request.number = peer.pid;
	pw_request_set_name(&request, path);
	pw_channel_tell(&request);
}

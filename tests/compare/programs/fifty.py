"""Children come and go while fifty connects are pending; all of these succeed.

usage: fifty.py HOST PORT
"""

from __future__ import annotations

import errno
import selectors
import socket
import subprocess
import sys

address = sys.argv[1], int(sys.argv[2])
selector = selectors.EpollSelector()
sockets = [socket.socket() for _ in range(50)]
for sock in sockets:
    sock.setblocking(False)
    assert sock.connect_ex(address) in {0, errno.EINPROGRESS}
    selector.register(sock, selectors.EVENT_WRITE)
for closes, env in ((True, None), (False, None), (True, {}), (False, {})):
    done = subprocess.run(["true"], check=False, close_fds=closes, env=env)
    print("status:", done.returncode)
print("!go", flush=True)
while selector.get_map():
    for key, _ in selector.select(20):
        selector.unregister(key.fileobj)
print("errors:", sum(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for sock in sockets))
for sock in sockets:
    sock.setblocking(True)
    sock.sendall(b"x")
print("answers:", sum(sock.recv(1) == b"x" for sock in sockets))

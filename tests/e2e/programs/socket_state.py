"""Print, as JSON, what a connected socket looks like to the program that connected it.

usage: socket_state.py HOST PORT blocking|epoll

HOST is a name or an address. With `epoll` the socket is non-blocking and was
registered, edge-triggered, before connect.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import sys

host, port, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
state: dict[str, object] = {}
sock = socket.socket(family, kind, protocol)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
sock.bind(("127.0.0.1", 0))
bound = sock.getsockname()[1]
inode = os.fstat(sock.fileno()).st_ino

if how == "blocking":
    sock.connect(address)
else:
    sock.setblocking(False)
    waiter = select.epoll()
    waiter.register(sock, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    state["connect"] = sock.connect_ex(address)
    events = waiter.poll()
    state["events"] = [(fd == sock.fileno(), mask) for fd, mask in events]
    state["error"] = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    state["again"] = sock.connect_ex(address)
    state["and again"] = sock.connect_ex(address)
    sock.send(b"one\n")
    waiter.poll()
    state["answer"] = sock.recv(100).decode()
    waiter.close()

state["cloexec"] = fcntl.fcntl(sock, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
state["flags"] = fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK
state["nodelay"] = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
state["keepalive"] = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
state["keepidle"] = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
state["rcvbuf"] = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
state["same port"] = sock.getsockname()[1] == bound
state["same inode"] = os.fstat(sock.fileno()).st_ino == inode
state["peer is the address asked for"] = sock.getpeername() == address
state["descriptors"] = sorted(int(name) for name in os.listdir("/proc/self/fd"))
sock.close()
print(bound)
print(json.dumps(state, indent=1))

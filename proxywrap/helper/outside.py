"""Servers outside that a wrapped program has do something: told of, for nothing can be done about it."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from proxywrap import services
from proxywrap.address import Endpoint, unmapped
from proxywrap.events import Outside
from proxywrap.helper.context import Context
from proxywrap.helper.family import descends
from proxywrap.helper.programs import program_names

if TYPE_CHECKING:
    from proxywrap.helper.caller import Caller

__all__ = ["handed_over", "look_at_connect", "look_at_port", "tell_of_service"]

_CREDENTIALS = struct.Struct("3i")  # struct ucred
LOOKS_S = (0.001, 0.005, 0.02)
"""When we look whether the kernel has connected a filtered program's socket."""


def tell_of_service(context: Context, pid: int, path: str, server: int) -> None:
    """Tell of a server that `pid` has connected to at a path, unless it is one of ours.

    Args:
        context: what the sessions share.
        pid: of the client.
        path: as the client spelled it.
        server: the process that listens, 0 where it cannot be seen from here.

    """
    service = services.by_path(path, partial(program_names, pid))
    if service is None or server == os.getpid() or descends(server, os.getpid()):
        return
    context.report(Outside(pid, service.name, path, service.advice))


def look_at_connect(context: Context, caller: Caller, sock: socket.socket, path: str) -> None:
    """Tell likewise of what the kernel is about to connect for a filtered program.

    Args:
        context: what the sessions share.
        caller: has called connect().
        sock: it stays the caller's.
        path: as the program spelled it.

    """
    process = caller.process
    if services.by_path(path, partial(program_names, process)) is None:
        return
    copy = socket.socket(fileno=os.dup(sock.fileno()))
    from asyncio import get_running_loop  # noqa: PLC0415 - the rest is for the first requests, too

    loop = get_running_loop()

    def look(left: tuple[float, ...]) -> None:
        with suppress(OSError):
            copy.getpeername()
            credentials = copy.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            tell_of_service(context, process, path, _CREDENTIALS.unpack(credentials)[0])
            left = ()
        if left:
            loop.call_later(left[0], look, left[1:])
        else:
            copy.close()

    loop.call_later(LOOKS_S[0], look, LOOKS_S[1:])


def look_at_port(context: Context, pid: int, where: Endpoint) -> None:
    """Tell of a server that `pid` is about to connect to at a port of this host, unless it is one of ours.

    Args:
        context: what the sessions share.
        pid: of the client.
        where: what it connects to, directly.

    """
    if isinstance(where.host, str) or not unmapped(where.host).is_loopback:
        return
    service = services.by_port(where.port, partial(program_names, pid))
    if service is None or service.name in context.services_told:
        return
    # Few programs come here.
    from proxywrap.helper.listeners import directory_of, holders_of, listener_at, named_in  # noqa: PLC0415

    directory = directory_of(pid, service) if service.files else None
    among = None if directory is None else named_in(directory, service)
    if among == []:
        return
    inode = listener_at(pid, where.host, where.port)
    if inode is None:  # nobody listens yet: whoever is started for that is wrapped
        return
    key = service.name, where.port, inode, directory
    if key in context.listeners_passed:
        return
    holders = list(holders_of(inode, among))
    is_other = directory is not None and not holders
    if is_other or any(holder == os.getpid() or descends(holder, os.getpid()) for holder in holders):
        context.pass_listener(key)
        return
    context.services_told.add(service.name)
    context.report(Outside(pid, service.name, str(where), service.advice))


def handed_over(pid: int, path: str) -> tuple[Outside, ...]:
    """Return what is to be told of a program that runs unwrapped, and hands work to a server by files.

    Args:
        pid: is about to run it.
        path: of the program.

    """
    service = services.by_program(path)
    return () if service is None else (Outside(pid, service.name, path, service.advice),)

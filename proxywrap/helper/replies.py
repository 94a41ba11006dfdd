"""Requests that are answered at once, from what the helper knows."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from proxywrap import refusals
from proxywrap.address import Host
from proxywrap.errors import ProxywrapError, RemoteProtocolError
from proxywrap.events import Blocked, Note, Resolved
from proxywrap.helper.context import Context
from proxywrap.helper.outside import handed_over, tell_of_service
from proxywrap.helper.programs import is_ldd, wants_ipv6
from proxywrap.helper.router import is_of
from proxywrap.net.notification import missing_support
from proxywrap.protocol.wire import BlockedKind, Op, ReplyMessage, RequestMessage, Target

if TYPE_CHECKING:
    from proxywrap.helper.farnames import Found  # asyncio comes with it

__all__ = ["question_of", "reply_to", "reply_with"]


def reply_to(request: RequestMessage, context: Context, pid: int) -> ReplyMessage:
    """Return the reply to a request that takes no event loop to answer.

    Raises:
        RemoteProtocolError: the request makes no sense.
        OSError: the kernel does not let us do what it asks for.

    """
    match request.op:
        case Op.RESOLVE:
            return _resolve(request, context, pid)
        case Op.REVERSE:
            name = None if request.address is None else context.router.reverse(request.address)
            return ReplyMessage(0 if name else errno.ENOENT, name=os.fsencode(name or ""))
        case Op.BLOCKED if request.detail == BlockedKind.SERVICE:
            tell_of_service(context, pid, os.fsdecode(request.name), request.number)
            return ReplyMessage()
        case Op.BLOCKED:
            name = None if request.address is None else context.router.asked_name(request.address)
            what, hint = refusals.blocked(request, name)
            context.report(Blocked(pid, what, hint))
            return ReplyMessage()
        case Op.EXEC:
            return _judge_exec(request, context, pid)
        case Op.CONNECT | Op.SERVER | Op.QUERY | Op.LISTEN | Op.PROVE | Op.KEEP:
            raise AssertionError("it is not answered here")


def question_of(request: RequestMessage, context: Context) -> Host | None:
    """Return the name or the address that the last proxy is to be asked about, None where there is none.

    Raises:
        RemoteProtocolError: the request makes no sense.

    """
    if request.op is Op.RESOLVE:
        with suppress(ValueError):  # not a possible name, which is no error yet
            return context.router.name_to_ask(os.fsdecode(request.name))
    elif request.op is Op.REVERSE and request.address is not None:
        return context.router.address_to_ask(request.address)
    elif request.op is Op.SERVER and request.address is None:
        raise RemoteProtocolError("expected the address of a name server, got another")
    return None


def reply_with(request: RequestMessage, found: Found | None) -> ReplyMessage:
    """Return the reply to a request about what the last proxy has found, None where it has not answered."""
    if found is None:
        return ReplyMessage(errno.EAGAIN)
    if isinstance(found.answer, str):
        return ReplyMessage(name=os.fsencode(found.answer))
    if found.answer is None or not is_of(found.answer, request.family):
        return ReplyMessage(errno.ENOENT)
    return ReplyMessage(0, (found.answer,), request.name.removesuffix(b"."))


def _resolve(request: RequestMessage, context: Context, pid: int) -> ReplyMessage:
    name = os.fsdecode(request.name)
    family = request.family
    if family == socket.AF_UNSPEC and wants_ipv6(pid):
        family = socket.AF_INET6
    try:
        addresses, is_remote = context.router.resolve(name, family)
    except ValueError:
        return ReplyMessage(errno.ENOENT)
    except ProxywrapError as exc:
        context.report(Blocked(pid, "the resolution of a name", str(exc)))
        return ReplyMessage(exc.errno)
    context.report(Resolved(pid, name, addresses, is_remote))
    canonical = context.router.canonical_name(name)
    spelled = request.name.removesuffix(b".") if canonical is None else os.fsencode(canonical)
    return ReplyMessage(0 if addresses else errno.ENOENT, addresses, spelled)


def _judge_exec(request: RequestMessage, context: Context, pid: int) -> ReplyMessage:
    path = os.fsdecode(request.name)
    try:
        target = Target(request.detail)
        reason = refusals.target_reason(target)
    except ValueError as exc:
        raise RemoteProtocolError(f"expected a reason not to run a program, got {request.detail}") from exc
    if target in {Target.AWAY, Target.CUT_OFF}:
        return _judge_place(path, target, context, pid)
    if context.router.may_run_unwrapped(path):
        if not context.router.filters_all:  # the filter is over it still
            context.report(Note(refusals.runs_unwrapped(path, target)))
        for event in handed_over(pid, path):
            context.report(event)
        return ReplyMessage()
    if target is Target.FORMAT:
        return ReplyMessage(errno.ENOEXEC)  # the kernel's answer, unless binfmt_misc had another
    if target is Target.FOREIGN and is_ldd(pid):
        return ReplyMessage(errno.EACCES)  # nothing is lost: it goes on to the next one
    if context.router.runs_filtered(target):
        missing = missing_support()
        if missing is None:
            return ReplyMessage(is_filtered=True)
        reason = f"{reason}, and there is no other way: {missing}"
    hint = refusals.allow_hint(path, context.router.file)
    context.report(Blocked(pid, f"to run {path}", f"{reason}; {hint}"))
    return ReplyMessage(errno.EACCES)


def _judge_place(path: str, target: Target, context: Context, pid: int) -> ReplyMessage:
    """Judge a program that is wrapped, but in a place from where we may not be reached."""
    if context.router.runs_filtered(target) and missing_support() is None:
        return ReplyMessage(is_filtered=True)
    if target is Target.CUT_OFF:
        context.report(Blocked(pid, f"connections of {path}", refusals.target_reason(target)))
    return ReplyMessage()

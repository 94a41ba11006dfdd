"""Requests that are answered at once, from what the helper knows."""

from __future__ import annotations

import errno
import os

from proxywrap import refusals
from proxywrap.errors import ProxywrapError, RemoteProtocolError
from proxywrap.events import Blocked, Note, Resolved
from proxywrap.helper.context import Context
from proxywrap.net.notification import missing_support
from proxywrap.protocol.wire import Op, ReplyMessage, RequestMessage, Target

__all__ = ["reply_to"]


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
        case Op.BLOCKED:
            what, hint = refusals.blocked(request)
            context.report(Blocked(pid, what, hint))
            return ReplyMessage()
        case Op.EXEC:
            return _judge_exec(request, context, pid)
        case Op.CONNECT | Op.SERVER | Op.QUERY | Op.LISTEN:
            raise AssertionError("it is not answered here")


def _resolve(request: RequestMessage, context: Context, pid: int) -> ReplyMessage:
    name = os.fsdecode(request.name)
    try:
        addresses, is_remote = context.router.resolve(name, request.family)
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
    if context.router.may_run_unwrapped(path):
        if not context.router.filters_all:  # the filter is over it still
            context.report(Note(refusals.runs_unwrapped(path, target)))
        return ReplyMessage()
    if target is Target.FORMAT:
        return ReplyMessage(errno.ENOEXEC)  # the kernel's answer, unless binfmt_misc had another
    if context.router.runs_filtered(target):
        missing = missing_support()
        if missing is None:
            return ReplyMessage(is_filtered=True)
        reason = f"{reason}, and this kernel has no {missing} for another way"
    hint = refusals.allow_hint(path, context.router.file)
    context.report(Blocked(pid, f"to run {path}", f"{reason}; {hint}"))
    return ReplyMessage(errno.EACCES)

"""Names as wrapped programs see them: where to send a question of DNS, and answers that take their time.

Owns the connections of the inquiries that it is given, and closes them.
"""

from __future__ import annotations

import errno
import os

from proxywrap.address import Endpoint, Host
from proxywrap.errors import ProxywrapError
from proxywrap.events import Blocked
from proxywrap.helper.context import Context, Spawn
from proxywrap.helper.farnames import FarNames
from proxywrap.helper.guide import Guide
from proxywrap.helper.namedservers import NamedServers
from proxywrap.helper.questions import Questions
from proxywrap.helper.replies import reply_with
from proxywrap.helper.session import Inquiry, send_reply
from proxywrap.net.dnsserver import DnsServer
from proxywrap.protocol.wire import Op, ReplyMessage, RequestMessage

__all__ = ["NameServer"]


class NameServer:
    """Answers what the shim asks about DNS, and what programs ask by themselves.

    Args:
        context: what the sessions share.

    `sockets` is where the programs' own messages arrive; `far` asks the last
    proxy, once it has begun.

    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.far = FarNames(context)
        self._questions = Questions(context.router, context.report, self.far)
        self._named = NamedServers(context)
        self.sockets = DnsServer(self._questions.ask, self._named.ask, self._named.learn)

    def take(self, inquiry: Inquiry) -> None:
        """Answer an inquiry, perhaps later; never raises."""
        request = inquiry.request
        if inquiry.question is not None:
            self._find_out(inquiry, inquiry.question)
        elif request.op is Op.SERVER:
            _reply(inquiry, self._find(request, inquiry.pid))
        else:
            self._questions.ask(request.message, lambda answer: _respond(inquiry, answer), inquiry.pid)

    def begin(self, guide: Guide, spawn: Spawn) -> None:
        """Be able to ask, through chains, from now on."""
        self.far.begin(guide.ask, spawn)
        self._named.begin(guide, spawn)

    def stop_asking(self) -> None:
        """Ask no more; who waits is told."""
        self.far.close()
        self._named.close()

    def close(self) -> None:
        """Answer no more."""
        self.sockets.close()

    def _find_out(self, inquiry: Inquiry, question: Host) -> None:
        """Answer what the last proxy is asked about."""

        def answer() -> None:
            _reply(inquiry, reply_with(inquiry.request, self.far.known(question)))

        if self.far.known(question) is not None:
            answer()
        else:
            self.far.ask(question, inquiry.pid, answer)

    def _find(self, request: RequestMessage, pid: int) -> ReplyMessage:
        assert request.address is not None  # noqa: S101 - the session has seen to it
        place = Endpoint(request.address, request.port)
        try:
            found = self.sockets.udp_endpoint(request.address, request.port, request.scope_id, pid)
        except ProxywrapError as exc:
            self._context.report(Blocked(pid, f"DNS by UDP to {place}", str(exc)))
            return ReplyMessage(exc.errno)
        except OSError as exc:
            reason = os.strerror(exc.errno or errno.ENETUNREACH)
            self._context.report(Blocked(pid, f"DNS by UDP to {place}", reason))
            return ReplyMessage(exc.errno or errno.ENETUNREACH)
        assert not isinstance(found.host, str)  # noqa: S101 - it is bound to an address
        return ReplyMessage(addresses=(found.host,), port=found.port)


def _respond(inquiry: Inquiry, answer: bytes) -> None:
    """Answer a DNS message, for which there may be no answer."""
    _reply(inquiry, ReplyMessage(0 if answer else errno.EINVAL, message=answer))


def _reply(inquiry: Inquiry, reply: ReplyMessage) -> None:
    with inquiry.connection:
        send_reply(inquiry.connection, reply)

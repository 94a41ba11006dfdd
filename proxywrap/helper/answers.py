"""Answers to DNS messages from what the router knows of names; messages by dnspython.

Knows nothing of sockets and has no clock. Every possible name exists and has
one fake address, of one family; all else that could be asked about it is
answered by "no such data". Imported at the first question that is not plain
(`proxywrap.helper.plainanswers`): dnspython takes a tenth of a second and some
megabytes.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from ipaddress import ip_address

import dns.exception
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset

from proxywrap.events import Blocked, Resolved
from proxywrap.helper.lookups import (
    NEGATIVE_TTL_S,
    PAYLOAD_BYTES,
    SOA_NAMES,
    SOA_TIMES,
    TTL_S,
    Address,
    Later,
    Lookups,
)
from proxywrap.helper.router import Router
from proxywrap.names import PoolFull

__all__ = ["Answers"]

_SOA = " ".join([*(f"{name}." for name in SOA_NAMES), *map(str, SOA_TIMES)])
_ARPA = dns.name.from_text("arpa.")
_FAMILIES = {dns.rdatatype.A: socket.AF_INET, dns.rdatatype.AAAA: socket.AF_INET6}
_TRANSFERS = {dns.rdatatype.AXFR, dns.rdatatype.IXFR}
_QR = 0x80  # of the third byte (RFC 1035, section 4.1.1)
_RA = 0x80  # of the fourth


class _NoSuchNameError(Exception):
    """No host can have this name, or no address that is in use."""


class Answers:
    """Answers questions; a name that it has not heard of takes a fake address.

    Args:
        router: knows the names.
        report: is told of every name that got an address.

    """

    def __init__(self, router: Router, report: Callable[[Resolved | Blocked], None]) -> None:
        self._router = router
        self._report = report
        self._lookups = Lookups(router, report)

    def answer(self, message: bytes, pid: int, *, has_waited: bool = False) -> bytes | Later:
        """Return the answer to a message; never raises.

        Args:
            message: as it came, whatever it is.
            pid: who asks, 0 where nobody knows.
            has_waited: an AAAA question is to be answered now.

        Returns:
            The answer's message; `Later` for a question that had better wait;
            nothing, `b""`, for what is an answer itself.

        """
        if len(message) > 2 and message[2] & _QR:
            return b""
        opcode = message[2] >> 3 & 0xF if len(message) > 2 else dns.opcode.QUERY
        if opcode != dns.opcode.QUERY:
            return _bare(message, dns.rcode.NOTIMP)
        try:
            query = dns.message.from_wire(message)
        except (dns.exception.DNSException, ValueError, struct.error):
            return _bare(message, dns.rcode.FORMERR)
        if len(query.question) != 1:
            return _bare(message, dns.rcode.FORMERR)
        response = dns.message.make_response(query, recursion_available=True, our_payload=PAYLOAD_BYTES)
        if query.edns > 0:
            response.set_rcode(dns.rcode.BADVERS)  # RFC 6891, section 6.1.3
            return response.to_wire()
        later = self._fill(response, pid, has_waited=has_waited)
        return later or response.to_wire()

    # -- what the answer says ------------------------------------------------

    def _fill(self, response: dns.message.Message, pid: int, *, has_waited: bool) -> Later | None:
        question = response.question[0]
        if question.rdclass != dns.rdataclass.IN or question.rdtype in _TRANSFERS:
            response.set_rcode(dns.rcode.REFUSED)
            return None
        is_reverse = question.name.is_subdomain(_ARPA)
        try:
            if is_reverse:
                records = self._reverse(question.name, question.rdtype)
            else:
                found = self._addresses(question.name, question.rdtype, pid, has_waited=has_waited)
                if isinstance(found, Later):
                    return found
                records = [str(address) for address in found]
        except _NoSuchNameError:
            response.set_rcode(dns.rcode.NXDOMAIN)
            records = []
        except PoolFull as exc:
            self._report(Blocked(pid, "the resolution of a name", str(exc)))
            response.set_rcode(dns.rcode.SERVFAIL)
            return None
        if records:
            kind = question.rdtype
            if kind == dns.rdatatype.ANY:
                kind = dns.rdatatype.PTR if is_reverse else dns.rdatatype.A
            response.answer.append(dns.rrset.from_text_list(question.name, TTL_S, "IN", kind, records))
        else:
            response.authority.append(dns.rrset.from_text(dns.name.root, NEGATIVE_TTL_S, "IN", "SOA", _SOA))
        return None

    def _addresses(
        self, asked: dns.name.Name, kind: dns.rdatatype.RdataType, pid: int, *, has_waited: bool
    ) -> tuple[Address, ...] | Later:
        """Return the addresses of a name, none where it has no data of that kind."""
        if asked == dns.name.root:
            return ()
        name = _plain(asked)
        family = socket.AF_INET if kind == dns.rdatatype.ANY else _FAMILIES.get(kind)
        try:
            return self._lookups.addresses(name, family, pid, has_waited=has_waited)
        except ValueError:
            raise _NoSuchNameError from None

    def _reverse(self, asked: dns.name.Name, kind: dns.rdatatype.RdataType) -> list[str]:
        try:
            address = ip_address(dns.reversename.to_address(asked))
        except (dns.exception.DNSException, ValueError):
            raise _NoSuchNameError from None
        name = self._router.reverse(address) or ("localhost" if address.is_loopback else None)
        if name is None:
            raise _NoSuchNameError
        return [_escaped(name)] if kind in {dns.rdatatype.PTR, dns.rdatatype.ANY} else []


def _bare(message: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """Return a header without anything behind it, for what could not be read."""
    ident = message[:2].ljust(2, b"\0")
    kept = message[2] & 0x79 if len(message) > 2 else 0  # OPCODE and RD (RFC 1035, section 4.1.1)
    return ident + bytes([_QR | kept, _RA | rcode]) + bytes(8)


def _plain(asked: dns.name.Name) -> str:
    """Return the name without any escape.

    Raises:
        _NoSuchNameError: it has a label that no text has.

    """
    labels = asked.labels[:-1]
    if any(b"." in label for label in labels):
        raise _NoSuchNameError
    return b".".join(labels).decode("utf-8", "surrogateescape")


def _escaped(name: str) -> str:
    """Return a name as the text form of a record has it."""
    labels = [label.encode("utf-8", "surrogateescape") for label in name.split(".")]
    return dns.name.Name([*labels, b""]).to_text()

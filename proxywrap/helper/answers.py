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
from contextlib import suppress
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
from proxywrap.helper.farnames import FarNames
from proxywrap.helper.lookups import (
    NEGATIVE_TTL_S,
    PAYLOAD_BYTES,
    SOA_NAMES,
    SOA_TIMES,
    TTL_S,
    Address,
    Asked,
    Later,
    Lookups,
    Unanswered,
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
        far: knows what the last proxy has found.

    """

    def __init__(
        self, router: Router, report: Callable[[Resolved | Blocked], None], far: FarNames | None = None
    ) -> None:
        self._report = report
        self._lookups = Lookups(router, report, far)

    def answer(self, message: bytes, pid: int, *, has_waited: bool = False) -> bytes | Later | Asked:
        """Return the answer to a message; never raises.

        Args:
            message: as it came, whatever it is.
            pid: who asks, 0 where nobody knows.
            has_waited: the question is to be answered now.

        Returns:
            The answer's message; `Later` and `Asked` for a question that has
            to wait, for its sister or for the last proxy; nothing, `b""`, for what is an answer itself.

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

    def _fill(self, response: dns.message.Message, pid: int, *, has_waited: bool) -> Later | Asked | None:
        question = response.question[0]
        if question.rdclass != dns.rdataclass.IN or question.rdtype in _TRANSFERS:
            response.set_rcode(dns.rcode.REFUSED)
            return None
        is_reverse = question.name.is_subdomain(_ARPA)
        records: list[str] | Later | Asked
        try:
            if is_reverse:
                records = self._reverse(question.name, question.rdtype, has_waited=has_waited)
            else:
                records = self._addresses(question.name, question.rdtype, pid, has_waited=has_waited)
            if isinstance(records, Later | Asked):
                return records
        except _NoSuchNameError:
            response.set_rcode(dns.rcode.NXDOMAIN)
            records = []
        except PoolFull as exc:
            self._report(Blocked(pid, "the resolution of a name", str(exc)))
            response.set_rcode(dns.rcode.SERVFAIL)
            return None
        except Unanswered:
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
    ) -> list[str] | Later | Asked:
        """Return the addresses of a name, none where it has no data of that kind."""
        if asked == dns.name.root:
            return []
        name = _plain(asked)
        family = socket.AF_INET if kind == dns.rdatatype.ANY else _FAMILIES.get(kind)
        try:
            found = self._lookups.addresses(name, family, pid, has_waited=has_waited)
        except ValueError:
            raise _NoSuchNameError from None
        return found if isinstance(found, Later | Asked) else [str(address) for address in found]

    def _reverse(
        self, asked: dns.name.Name, kind: dns.rdatatype.RdataType, *, has_waited: bool
    ) -> list[str] | Asked:
        try:
            address = ip_address(dns.reversename.to_address(asked))
        except (dns.exception.DNSException, ValueError):
            raise _NoSuchNameError from None
        if kind not in {dns.rdatatype.PTR, dns.rdatatype.ANY}:
            return self._nothing_of(address)
        name = self._lookups.name(address, has_waited=has_waited)
        if isinstance(name, Asked):
            return name
        if name is None:
            raise _NoSuchNameError
        return [_escaped(name)]

    def _nothing_of(self, address: Address) -> list[str]:
        """Return no data of an address that is known, or may be: nobody is asked for the sake of that."""
        with suppress(Unanswered):
            if self._lookups.name(address, has_waited=True) is None:
                raise _NoSuchNameError
        return []


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

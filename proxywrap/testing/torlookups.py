"""What a server that is a Tor answers to RESOLVE and RESOLVE_PTR."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint, Host, parse_host

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TorLookups"]


class TorLookups:
    """Names and their addresses, either of which may be asked about; `found` may be changed at any time."""

    def __init__(self, found: Mapping[str, str]) -> None:
        self.found = dict(found)

    def answer(self, question: Host) -> Endpoint:
        """Return the answer in the form in which a reply has it.

        Raises:
            OSError: there is none, EHOSTUNREACH as Tor has it.

        """
        if isinstance(question, str):
            if question in self.found:
                return Endpoint(parse_host(self.found[question]), 0)
        else:
            for name, address in self.found.items():
                if parse_host(address) == question:
                    return Endpoint(name, 0)
        raise OSError(errno.EHOSTUNREACH, "nobody knows")

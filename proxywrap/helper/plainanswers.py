"""Answers to plain questions for addresses, without the library that takes a tenth of a second to import."""

from __future__ import annotations

from proxywrap.helper.lookups import (
    NEGATIVE_TTL_S,
    PAYLOAD_BYTES,
    SOA_NAMES,
    SOA_TIMES,
    TTL_S,
    Asked,
    Later,
    Lookups,
    Unanswered,
)
from proxywrap.names import PoolFull
from proxywrap.protocol.question import pack_addresses, pack_no_data, parse_question

__all__ = ["PlainAnswers"]

_SOA = b"".join(
    b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" for name in SOA_NAMES
) + b"".join(value.to_bytes(4, "big") for value in SOA_TIMES)


class PlainAnswers:
    """Answers what can be answered so.

    Args:
        lookups: knows the names.

    """

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    def answer(self, message: bytes, pid: int, *, has_waited: bool) -> bytes | Later | Asked | None:
        """Return the answer to a message as `Answers.answer` would, None where only that can tell."""
        question = parse_question(message)
        if question is None:
            return None
        try:
            found = self._lookups.addresses(question.name, question.family, pid, has_waited=has_waited)
        except (ValueError, PoolFull, Unanswered):
            return None
        if isinstance(found, Later | Asked):
            return found
        if found:
            return pack_addresses(question, found, TTL_S, PAYLOAD_BYTES)
        return pack_no_data(question, _SOA, NEGATIVE_TTL_S, PAYLOAD_BYTES)

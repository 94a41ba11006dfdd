"""What happened, for people (stderr) and for programs (the log): the only formatter.

On stderr a destination's own answer is silent, for a port scan gets a
thousand of them; a fault of the chain is told once, its repeats are counted.
The log has everything, a JSON object a line.

stderr belongs to the application: a line is one write() of at most PIPE_BUF
bytes, made only where it cannot block. A reader that has stopped reading must
not stop everybody's connections, so a line that finds no room is dropped.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from errno import errorcode
from typing import TextIO, TypeVar, assert_never

from proxywrap.events import (
    Blocked,
    Connected,
    Event,
    Failed,
    Note,
    Outside,
    Reloaded,
    Resolved,
    Shortage,
    Skipped,
    Unresolved,
    Unverified,
)
from proxywrap.logfile import LogFile
from proxywrap.origin import Origin, with_origin

__all__ = ["Report"]

E = TypeVar("E", bound=Event)

PREFIX = "proxywrap: "

QUIET, NORMAL, VERBOSE, ALL = -1, 0, 1, 2

MAX_LEFT_OUT = 8
"""How many proxies are named that chains have gone on without, before the rest is only counted."""

MAX_DISTINCT = 256
"""How many different faults are told apart before the rest is only counted."""


class Report:
    """The one voice of proxywrap.

    Args:
        stream: where lines for people go, usually stderr; None for nowhere.
        verbosity: -1 nothing but fatal errors, 0 faults once each, 1 every
            connection, 2 every resolved name too.
        log: where JSON lines go, or None.
        clock: seconds since the epoch.

    """

    def __init__(
        self,
        stream: TextIO | None,
        *,
        verbosity: int,
        log: TextIO | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stream = stream
        self._verbosity = verbosity
        self._log = None if log is None else LogFile(log)
        self._clock = clock
        self._told: dict[tuple[str, str], _Told] = {}
        self._outside: set[tuple[str, str]] = set()
        self._untold = 0
        self._left_out: set[str] = set()
        self._dropped = 0

    def report(self, event: Event) -> None:
        """Tell of `event` where it is to be told; never raises."""
        if self._log is not None:
            self._append(event)
        match event:
            case Failed(is_unresolved=True):
                text = f"{event.destination.host}: {_failure(event)}"
                self._tell_once((str(event.hop), "unresolved"), text, _connection_failure(event))
            case Failed(is_chain_fault=True):
                self._tell_once((str(event.hop), event.reason), _failure(event), _connection_failure(event))
            case Unresolved():
                self._tell_once((str(event.hop), event.reason), _failure(event), _look_up_failure(event))
            case Blocked():
                kind = event.what.partition(" to ")[0]  # one line for UDP, whatever its destinations
                text = f"refused {event.what}: {event.hint}"
                self._tell_once((kind, event.hint), text, f"{text} [pid {event.pid}]")
            case Skipped(is_shortened=True):
                self._tell_of_shorter_chain(event)
            case Failed():
                self._tell_lazily(VERBOSE, _connection_failure, event)
            case Reloaded():
                self._tell_of_reload(event)
            case _:
                self._tell_by_kind(event)

    def _append(self, event: Event) -> None:
        import json  # noqa: PLC0415 - only who wants a log waits for it

        if self._log is None:
            return
        outcome = self._log.append(json.dumps(self._record(event)))
        if outcome.has_begun_to_fail:
            self._tell(
                NORMAL,
                f"the log cannot be written: {outcome.reason}: lines are lost until there is room for them",
            )
        elif outcome.lost:
            note = Note(f"{outcome.lost} lines before this one were lost: the log could not be written")
            self._log.append(json.dumps(self._record(note)))

    def _tell_by_kind(
        self, event: Connected | Skipped | Unverified | Resolved | Outside | Shortage | Note
    ) -> None:
        match event:
            case Connected():
                self._tell_lazily(VERBOSE, _connection, event)
            case Skipped():
                self._tell_lazily(VERBOSE, _omission, event)
            case Unverified():
                self._tell_lazily(NORMAL, _carelessness, event)
            case Resolved():
                self._tell_lazily(ALL, _resolution, event)
            case Outside():
                self._tell_of_server(event)
            case Shortage():
                self._tell(NORMAL, event.text)
            case Note():
                self._tell(VERBOSE, event.text)
            case _:
                assert_never(event)

    def _tell_of_server(self, event: Outside) -> None:
        """Tell once, and count nothing: no program is worse off for asking again."""
        key = event.server, event.path
        if key not in self._outside and len(self._outside) < MAX_DISTINCT:
            self._outside.add(key)
            self._tell(NORMAL, _outside(event))

    def fatal(self, text: str) -> None:
        """Tell of an error of proxywrap itself, at any verbosity."""
        self._tell(QUIET, text)

    def detach(self) -> None:
        """Write to stderr no more: COMMAND has ended, its terminal is someone else's."""
        self._stream = None

    def close(self) -> None:
        """Tell how often each fault came again. The streams stay open."""
        for told in self._told.values():
            if told.repeats:
                times = "once more" if told.repeats == 1 else f"{told.repeats} times more"
                self._tell(NORMAL, f"{told.text} ({times})")
        if self._untold:
            self._tell(NORMAL, f"{self._untold} faults of other kinds")
        if len(self._left_out) > MAX_LEFT_OUT:
            more = len(self._left_out) - MAX_LEFT_OUT
            self._tell(NORMAL, f"the chain went on without {more} more of its proxies: -v names them")
        if self._dropped:
            self._tell(NORMAL, f"{self._dropped} lines found no room here and were dropped")
        self._told.clear()
        self._left_out.clear()
        self._untold = self._dropped = 0

    def _tell_of_reload(self, event: Reloaded) -> None:
        if event.error is None:
            self._tell(VERBOSE, f"{event.file}: read anew")
        else:
            self._tell(NORMAL, f"{event.error}; what was in effect stays in effect")
        for warning in event.warnings:
            self._tell(NORMAL, warning)

    def _tell_of_shorter_chain(self, event: Skipped) -> None:
        """Name each proxy once: who sees the user's address is no matter of how often."""
        if self._verbosity >= VERBOSE:
            self._tell(VERBOSE, f"{_shortening(event)} [pid {event.pid}]")
        elif str(event.hop) not in self._left_out:
            self._left_out.add(str(event.hop))
            if len(self._left_out) <= MAX_LEFT_OUT:
                self._tell(NORMAL, _shortening(event))

    def _tell_once(self, key: tuple[str, str], text: str, verbose_text: str) -> None:
        if self._verbosity >= VERBOSE:
            self._tell(VERBOSE, verbose_text)
        elif key in self._told:
            self._told[key].repeats += 1
        elif len(self._told) >= MAX_DISTINCT:
            self._untold += 1
        else:
            self._told[key] = _Told(text)
            self._tell(NORMAL, text)

    def _tell_lazily(self, level: int, render: Callable[[E], str], event: E) -> None:
        """Format only what is told: a scan has thousands of events that are not."""
        if self._verbosity >= level:
            self._tell(level, render(event))

    def _tell(self, level: int, text: str) -> None:
        if self._stream is not None and self._verbosity >= level:
            for line in text.split("\n"):
                if self._stream is not None:
                    self._stream = _write(self._stream, _printable(PREFIX + line), on_full=self._drop)

    def _drop(self) -> None:
        self._dropped += 1

    def _record(self, event: Event) -> dict[str, object]:
        values = {name: _plain(name, value) for name, value in event._asdict().items()}
        return {"time": round(self._clock(), 3), "event": type(event).__name__.lower(), **values}


class _Told:
    """A line that was written, and how often it would have been again."""

    __slots__ = ("repeats", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.repeats = 0


# -- formats -----------------------------------------------------------------


def _failure(event: Failed | Unresolved) -> str:
    return event.reason if event.hop is None else f"{with_origin(event.hop, event.origin)}: {event.reason}"


def _connection_failure(event: Failed) -> str:
    name = errorcode.get(event.errno, str(event.errno))
    return f"{event.destination}: {_failure(event)} [{name}, pid {event.pid}]"


def _look_up_failure(event: Unresolved) -> str:
    return f"{event.name}: not looked up: {_failure(event)} [pid {event.pid}]"


def _omission(event: Skipped) -> str:
    return f"{with_origin(event.hop, event.origin)}: {event.reason}; left out [pid {event.pid}]"


def _shortening(event: Skipped) -> str:
    hop = with_origin(event.hop, event.origin)
    return f"{hop}: {event.reason}; the chain goes on without it, as dynamic_chain says"


def _outside(event: Outside) -> str:
    return (
        f"{event.server} runs outside and was told what to do at {event.path}: "
        f"what it does goes past the proxies; {event.hint}"
    )


def _carelessness(event: Unverified) -> str:
    return (
        f"{event.hop}: its certificate was not checked: remove insecure=1, or give ca=FILE [pid {event.pid}]"
    )


def _connection(event: Connected) -> str:
    way = " > ".join(str(hop) for hop in event.hops) or "direct"
    return f"{event.destination}: connected, {way} [{event.duration_s:.3f} s, pid {event.pid}]"


def _resolution(event: Resolved) -> str:
    addresses = ", ".join(str(address) for address in event.addresses) or "no address"
    way = "found by the last proxy" if event.is_found else "known here"
    way = "stands for it" if event.is_remote else way
    return f"{event.name}: {addresses} {way} [pid {event.pid}]"


def _plain(name: str, value: object) -> object:
    """Return `value` as JSON has it; a URI's text has its credentials masked."""
    if isinstance(value, tuple) and not isinstance(value, Origin):
        return [str(item) for item in value]
    if name == "errno" and isinstance(value, int):
        return errorcode.get(value, value)
    if isinstance(value, float):
        return round(value, 6)
    return value if isinstance(value, str | int | None) else str(value)


def _printable(text: str) -> str:
    """Return `text` without what could move a terminal's cursor, and short enough for one write()."""
    shown = "".join(ch if ch.isprintable() else ch.encode("unicode_escape").decode("ascii") for ch in text)
    data = shown.encode()
    if len(data) < select.PIPE_BUF:
        return shown
    return data[: select.PIPE_BUF - len("...\n")].decode("utf-8", "ignore") + "..."


# -- writing -----------------------------------------------------------------


def _write(stream: TextIO, line: str, *, on_full: Callable[[], None]) -> TextIO | None:
    """Write one line; return the stream, or None where it takes no more."""
    data = line.encode("utf-8", "backslashreplace")
    try:
        try:
            fd = stream.fileno()
        except OSError:  # not a file: a stream in memory
            stream.write(data.decode() + "\n")
            return stream
        if _has_room(fd):
            os.write(fd, data + b"\n")
        else:
            on_full()
    except BlockingIOError:
        on_full()
    except (OSError, ValueError):  # closed by its reader, or by ourselves
        return None
    return stream


def _has_room(fd: int) -> bool:
    """Tell whether a write of PIPE_BUF bytes returns at once.

    The application's O_NONBLOCK is not ours to set, so we ask first.
    """
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))

"""Who hears what: stderr policy, the log, and a stderr that is gone or full."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import select
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.address import Endpoint
from proxywrap.events import (
    Blocked,
    Connected,
    Event,
    Failed,
    Note,
    Reloaded,
    Resolved,
    Shortage,
    Skipped,
    Unresolved,
    Unverified,
)
from proxywrap.origin import Origin
from proxywrap.report import MAX_DISTINCT, MAX_LEFT_OUT, Report
from proxywrap.uri import parse_uri

HOP = parse_uri("socks5://bob:secret@192.0.2.1:1080")

MASKED = "socks5://***@192.0.2.1:1080"

ORIGIN = Origin("/etc/proxychains4.conf", 64)

DESTINATION = Endpoint("example.org", 443)

RESOLVED = Resolved(7, "example.org", (IPv4Address("198.18.0.1"),), is_remote=True)

CONNECTED = Connected(7, DESTINATION, (HOP, parse_uri("http://b:1")), 0.1234)

DIRECT = Connected(7, Endpoint(IPv4Address("127.0.0.1"), 80), (), 0.001)

ANSWER = Failed(7, DESTINATION, HOP, errno.ECONNREFUSED, "connection refused", is_chain_fault=False)

FAULT = Failed(
    7, DESTINATION, HOP, errno.EACCES, "password refused: check USER and PASSWORD", is_chain_fault=True
)

BLOCKED = Blocked(7, "UDP to 192.0.2.9:443", "only TCP is carried")

NOTE = Note("a note")

FAULT_LINE = "proxywrap: socks5://***@192.0.2.1:1080: password refused: check USER and PASSWORD\n"

UNVERIFIED_LINE = (
    "proxywrap: socks5://***@192.0.2.1:1080: its certificate was not checked: "
    "remove insecure=1, or give ca=FILE"
)

BLOCKED_LINE = "proxywrap: refused UDP to 192.0.2.9:443: only TCP is carried\n"


def written(verbosity: int, *events: Event) -> str:
    """Return what is written while the events happen, without the closing."""
    stream = io.StringIO()
    report = Report(stream, verbosity=verbosity, log=None)
    for event in events:
        report.report(event)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("event", "quiet", "normal", "verbose", "everything"),
    [
        (RESOLVED, "", "", "", "proxywrap: example.org: 198.18.0.1 stands for it [pid 7]\n"),
        (
            Resolved(7, "localhost", (), is_remote=False),
            "",
            "",
            "",
            "proxywrap: localhost: no address known here [pid 7]\n",
        ),
        (
            Resolved(7, "example.org", (IPv4Address("8.8.4.4"),), is_remote=False, is_found=True),
            "",
            "",
            "",
            "proxywrap: example.org: 8.8.4.4 found by the last proxy [pid 7]\n",
        ),
        (
            Unresolved(7, "8.8.4.4", HOP, FAULT.reason),
            "",
            FAULT_LINE,
            f"proxywrap: 8.8.4.4: not looked up: {MASKED}: {FAULT.reason} [pid 7]\n",
            None,
        ),
        (
            Unresolved(7, "8.8.4.4", HOP, "dead", ORIGIN),
            "",
            f"proxywrap: {MASKED} (/etc/proxychains4.conf:64): dead\n",
            f"proxywrap: 8.8.4.4: not looked up: {MASKED} (/etc/proxychains4.conf:64): dead [pid 7]\n",
            None,
        ),
        (
            CONNECTED,
            "",
            "",
            f"proxywrap: example.org:443: connected, {MASKED} > http://b:1 [0.123 s, pid 7]\n",
            None,
        ),
        (DIRECT, "", "", "proxywrap: 127.0.0.1:80: connected, direct [0.001 s, pid 7]\n", None),
        (
            ANSWER,
            "",
            "",
            f"proxywrap: example.org:443: {MASKED}: connection refused [ECONNREFUSED, pid 7]\n",
            None,
        ),
        (
            FAULT,
            "",
            FAULT_LINE,
            f"proxywrap: example.org:443: {MASKED}: {FAULT.reason} [EACCES, pid 7]\n",
            None,
        ),
        (
            Failed(7, DESTINATION, None, 9999, "odd", is_chain_fault=False),
            "",
            "",
            "proxywrap: example.org:443: odd [9999, pid 7]\n",
            None,
        ),
        (
            Unverified(7, HOP),
            "",
            f"{UNVERIFIED_LINE} [pid 7]\n",
            f"{UNVERIFIED_LINE} [pid 7]\n",
            None,
        ),
        (BLOCKED, "", BLOCKED_LINE, BLOCKED_LINE[:-1] + " [pid 7]\n", None),
        (NOTE, "", "", "proxywrap: a note\n", None),
    ],
)
def test_each_event_at_each_verbosity(
    event: Event,
    quiet: str,
    normal: str,
    verbose: str,
    everything: str | None,
) -> None:
    """-q, nothing, -v and -vv; None stands for the column before it."""
    lines = [written(verbosity, event) for verbosity in (-1, 0, 1, 2)]
    assert lines == [quiet, normal, verbose, verbose if everything is None else everything]


@pytest.mark.parametrize(
    ("event", "at_least", "text"),
    [
        (Reloaded("a.conf", None), 1, "a.conf: read anew\n"),
        (Reloaded("a.conf", "a.conf:1: wrong"), 0, "a.conf:1: wrong; what was in effect stays in effect\n"),
        (Reloaded("a.conf", None, ("a.conf:2: odd",)), 0, "a.conf:2: odd\n"),
    ],
)
def test_a_configuration_read_anew(event: Reloaded, at_least: int, text: str) -> None:
    """What went well is for -v; what did not, and what is odd, for all but -q."""
    assert text not in written(at_least - 1, event)
    assert written(at_least, event) == f"proxywrap: {text}"


def test_scan_is_silent() -> None:
    """A thousand closed ports leave the terminal to nmap."""
    assert written(0, *[ANSWER] * 1000) == ""


def test_fault_is_told_once_and_counted() -> None:
    """The first of many faults is a line at once, the rest a number at the end."""
    stream = io.StringIO()
    report = Report(stream, verbosity=0, log=None)
    for _ in range(42):
        report.report(FAULT)
    report.report(BLOCKED)
    report.report(Blocked(8, "UDP to 198.51.100.1:53", "only TCP is carried"))
    assert stream.getvalue() == FAULT_LINE + BLOCKED_LINE
    report.close()
    assert stream.getvalue() == FAULT_LINE + BLOCKED_LINE + (
        FAULT_LINE[:-1] + " (41 times more)\n" + BLOCKED_LINE[:-1] + " (once more)\n"
    )
    report.close()
    assert stream.getvalue().count("\n") == 4


def test_other_hop_or_reason_is_another_fault() -> None:
    """Once per hop and reason."""
    other_hop = Failed(
        7, DESTINATION, parse_uri("http://b:1"), errno.EACCES, FAULT.reason, is_chain_fault=True
    )
    other_reason = Failed(7, DESTINATION, HOP, errno.ETIMEDOUT, "no answer", is_chain_fault=True)
    other_block = Blocked(7, "raw socket", "only TCP is carried")
    assert written(0, FAULT, other_hop, other_reason, BLOCKED, other_block).count("\n") == 5


def test_verbose_repeats_faults_and_counts_nothing() -> None:
    """Under -v each connection has its own line."""
    stream = io.StringIO()
    report = Report(stream, verbosity=1, log=None)
    report.report(FAULT)
    report.report(FAULT)
    report.close()
    assert stream.getvalue().count("\n") == 2


def test_kinds_of_fault_are_bounded() -> None:
    """A proxy that invents a new reason each time fills neither memory nor terminal."""
    stream = io.StringIO()
    report = Report(stream, verbosity=0, log=None)
    for i in range(MAX_DISTINCT + 10):
        report.report(Failed(7, DESTINATION, HOP, errno.EACCES, f"reason {i}", is_chain_fault=True))
    assert stream.getvalue().count("\n") == MAX_DISTINCT
    report.close()
    assert stream.getvalue().endswith("proxywrap: 10 faults of other kinds\n")


def test_fatal_is_told_even_when_quiet() -> None:
    """-q prints nothing but these, each line with the prefix."""
    stream = io.StringIO()
    report = Report(stream, verbosity=-1, log=None)
    report.fatal("first\nsecond")
    assert stream.getvalue() == "proxywrap: first\nproxywrap: second\n"


def test_detached_report_is_silent() -> None:
    """After COMMAND's end its terminal belongs to somebody else; the log goes on."""
    stream, log = io.StringIO(), io.StringIO()
    report = Report(stream, verbosity=2, log=log)
    report.detach()
    report.report(FAULT)
    report.fatal("x")
    report.close()
    assert stream.getvalue() == ""
    assert log.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("event", "record"),
    [
        (
            RESOLVED,
            {
                "event": "resolved",
                "pid": 7,
                "name": "example.org",
                "addresses": ["198.18.0.1"],
                "is_remote": True,
                "is_found": False,
            },
        ),
        (
            Unresolved(7, "8.8.4.4", None, "none is left"),
            {
                "event": "unresolved",
                "pid": 7,
                "name": "8.8.4.4",
                "hop": None,
                "reason": "none is left",
                "origin": None,
            },
        ),
        (
            CONNECTED,
            {
                "event": "connected",
                "pid": 7,
                "destination": "example.org:443",
                "hops": ["socks5://***@192.0.2.1:1080", "http://b:1"],
                "duration_s": 0.1234,
            },
        ),
        (
            FAULT,
            {
                "event": "failed",
                "pid": 7,
                "destination": "example.org:443",
                "hop": "socks5://***@192.0.2.1:1080",
                "errno": "EACCES",
                "reason": "password refused: check USER and PASSWORD",
                "is_chain_fault": True,
                "is_unresolved": False,
                "origin": None,
            },
        ),
        (
            Failed(7, DESTINATION, None, 9999, "odd", is_chain_fault=False),
            {
                "event": "failed",
                "pid": 7,
                "destination": "example.org:443",
                "hop": None,
                "errno": 9999,
                "reason": "odd",
                "is_chain_fault": False,
                "is_unresolved": False,
                "origin": None,
            },
        ),
        (BLOCKED, {"event": "blocked", "pid": 7, "what": BLOCKED.what, "hint": BLOCKED.hint}),
        (
            Skipped(7, HOP, "dead", origin=ORIGIN),
            {
                "event": "skipped",
                "pid": 7,
                "hop": MASKED,
                "reason": "dead",
                "is_shortened": False,
                "origin": "/etc/proxychains4.conf:64",
            },
        ),
        (NOTE, {"event": "note", "text": "a note"}),
        (Shortage("no room"), {"event": "shortage", "text": "no room"}),
    ],
)
@pytest.mark.parametrize("verbosity", [-1, 0, 2])
def test_log_has_every_event(event: Event, record: dict[str, object], verbosity: int) -> None:
    """The log takes everything, however quiet stderr is, and no password."""
    log = io.StringIO()
    Report(None, verbosity=verbosity, log=log, clock=lambda: 1234.5678).report(event)
    assert json.loads(log.getvalue()) == {"time": 1234.568, **record}
    assert log.getvalue().endswith("}\n")
    assert "secret" not in log.getvalue()


def test_line_is_never_longer_than_pipe_buf() -> None:
    """One write() of a line is never mixed with another process's, so it is cut at PIPE_BUF."""
    text = written(0, Failed(7, DESTINATION, HOP, errno.EACCES, "é" * 5000, is_chain_fault=True))
    assert text.endswith("é...\n")
    assert select.PIPE_BUF - 2 <= len(text.encode()) <= select.PIPE_BUF


@given(st.text())
def test_foreign_text_moves_no_cursor(reason: str) -> None:
    """A proxy's words are one line of printable text, whatever they are."""
    text = written(
        0, Failed(7, DESTINATION, HOP, errno.EACCES, reason.replace("\n", ""), is_chain_fault=True)
    )
    assert text.count("\n") == 1
    assert text[:-1].isprintable()
    text.encode()


@contextmanager
def pipe() -> Iterator[tuple[int, TextIO]]:
    """Yield the reading end and, as a stream, the writing end of a pipe."""
    reader, writer = os.pipe()
    with closing(os.fdopen(writer, "w")) as stream:
        try:
            yield reader, stream
        finally:
            os.close(reader)


def test_line_reaches_a_pipe_at_once() -> None:
    """No buffer keeps a line back."""
    with pipe() as (reader, stream):
        Report(stream, verbosity=0, log=None).report(FAULT)
        assert os.read(reader, 65536).decode() == FAULT_LINE


def test_full_pipe_drops_lines_and_says_so() -> None:
    """Nobody reading stderr stops no connection; what was lost is counted once there is room."""
    with pipe() as (reader, stream):
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)
        os.write(stream.fileno(), b"x" * select.PIPE_BUF)
        report = Report(stream, verbosity=1, log=None)
        report.report(CONNECTED)
        report.report(CONNECTED)
        assert os.read(reader, 65536) == b"x" * select.PIPE_BUF
        report.close()
        assert os.read(reader, 65536) == b"proxywrap: 2 lines found no room here and were dropped\n"


def test_non_blocking_stderr_is_no_fault() -> None:
    """The application may have made stderr non-blocking."""
    with pipe() as (reader, stream):
        os.set_blocking(stream.fileno(), False)
        Report(stream, verbosity=0, log=None).report(FAULT)
        assert os.read(reader, 65536).decode() == FAULT_LINE


def test_stderr_without_a_reader_is_given_up() -> None:
    """EPIPE is nobody's business; the log goes on."""
    reader, writer = os.pipe()
    os.close(reader)
    log = io.StringIO()
    with os.fdopen(writer, "w") as stream:
        report = Report(stream, verbosity=0, log=log)
        report.report(FAULT)
        report.report(BLOCKED)
        report.close()
    assert log.getvalue().count("\n") == 2


@pytest.mark.parametrize("which", ["stream", "log"])
def test_closed_stream_raises_nothing(which: str) -> None:
    """A stream closed under us, as a file or in memory, is silence."""
    with pipe() as (_, closed):
        closed.close()
        for gone in (closed, io.StringIO()):
            gone.close()
            report = Report(
                gone if which == "stream" else None,
                verbosity=2,
                log=gone if which == "log" else None,
            )
            for event in (FAULT, FAULT, CONNECTED):
                report.report(event)
            report.close()


def test_log_file_gets_whole_lines(tmp_path: object) -> None:
    """A long record is never cut: it would not be JSON any more."""
    with open(f"{tmp_path}/log", "w+") as log:
        Report(None, verbosity=0, log=log).report(Note("n" * 10_000))
        log.seek(0)
        assert len(json.loads(log.read())["text"]) == 10_000


def test_a_chain_that_is_shorter_says_so_once_a_proxy() -> None:
    """Without -v, too, and in whatever words it fails later; many are counted at the end."""
    stream = io.StringIO()
    report = Report(stream, verbosity=0, log=None)
    for at in range(MAX_LEFT_OUT + 2):
        hop = parse_uri(f"socks4://192.0.2.{at}:1080")
        report.report(Skipped(7, hop, "closed the connection", is_shortened=True))
        report.report(Skipped(7, hop, "did not answer", is_shortened=True))
    lines = stream.getvalue().splitlines()
    assert lines[0] == (
        "proxywrap: socks4://192.0.2.0:1080: closed the connection; "
        "the chain goes on without it, as dynamic_chain says"
    )
    assert len(lines) == MAX_LEFT_OUT
    report.close()
    assert stream.getvalue().splitlines()[-1] == (
        "proxywrap: the chain went on without 2 more of its proxies: -v names them"
    )


def test_a_proxy_that_another_takes_the_place_of_is_for_the_curious() -> None:
    """A random or round-robin chain is as long without it: that is told with -v only."""
    for verbosity, told in ((0, 0), (1, 1)):
        stream = io.StringIO()
        Report(stream, verbosity=verbosity, log=None).report(Skipped(7, HOP, "did not answer"))
        assert len(stream.getvalue().splitlines()) == told


def test_a_name_that_the_last_proxy_does_not_know_is_told_once_a_proxy() -> None:
    """A program only says that there is no route; who tries many names hears of the first."""
    stream = io.StringIO()
    report = Report(stream, verbosity=0, log=None)
    reason = "host unreachable (REP 4): it could not resolve the name, or not reach its host"
    for name in ("typo.test", "other.test"):
        where = Endpoint(name, 80)
        report.report(
            Failed(7, where, HOP, errno.EHOSTUNREACH, reason, is_chain_fault=False, is_unresolved=True)
        )
    report.close()
    told = f"proxywrap: typo.test: {MASKED}: {reason}"
    assert stream.getvalue().splitlines() == [told, f"{told} (once more)"]

"""What `proxywrapctl check` prints: at any width, in colours or not, and as its JSON schema says."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pexpect
import pytest
from rich.console import Console
from test_check import CTL, LOCAL, check, free_port, run_check, say_nothing, serving

from proxywrap.address import Endpoint, parse_host
from proxywrap.checktable import print_report
from proxywrap.config import ChainType
from proxywrap.findings import ChainReport, HopReport, Report
from proxywrap.net.walking import Step, Stop, StopKind, Walk
from proxywrap.testing import SocksServer
from proxywrap.uri import parse_uri

SCHEMA = json.loads((Path(__file__).parents[1] / "docs/check.schema.json").read_text())

URLS = (
    "socks5://[2001:db8:1234:5678:9abc:def0:1234:5678]:1080",
    f"https://user:pw@a-rather-long-name.of-a-proxy.in-some-department.example.com:8443?ca={__file__}",
    "socks5://127.0.0.1:1080",
)


def a_report() -> Report:
    """Return a report with long URLs, a long remark, and a chain that goes on without a proxy."""
    hops = tuple(parse_uri(url) for url in URLS)
    steps = [
        Step(hops[0], name, 12.3456) for name in ("look-up", "connect", "methods", "password", "request")
    ]
    refused = Walk(steps, Stop(hops[0], StopKind.ANSWER, "refused", errno.ECONNREFUSED))
    dead = Walk(steps[:2], Stop(hops[1], StopKind.SILENT, "does not answer in time"))
    remark = "it answers nothing: write its right port; is it a proxy at all? " * 3
    return Report(
        (
            HopReport(hops[0], refused, carries=(True, False, None), takes_one_flight=True),
            HopReport(hops[1], dead, (hops[0],), advice=remark.strip()),
            HopReport(hops[2], refused, (hops[0],), carries=(True, True, True)),
        ),
        (
            ChainReport("work", ChainType.DYNAMIC, (hops[0], hops[2]), (hops[1],), refused),
            ChainReport("home", ChainType.DYNAMIC, hops, (hops[0], hops[2]), dead),
        ),
    )


def printed(width: int) -> list[str]:
    """Return the lines of that report."""
    output = io.StringIO()
    print_report(a_report(), Console(file=output, width=width, color_system=None))
    return output.getvalue().splitlines()


@pytest.mark.case("check-width")
@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_split_at_the_edge(width: int) -> None:
    """Every word stands whole in some line, and a line that is too long is a single word."""
    whole = {word.rstrip(",") for line in printed(100_000) for word in line.split()}
    lines = printed(width)
    assert whole <= {word.rstrip(",") for line in lines for word in line.split()}
    assert [line for line in lines if len(line) > width and len(line.split()) > 1] == []
    assert {str(parse_uri(url)) for url in URLS} <= whole


@pytest.mark.case("check-width")
def test_a_chain_has_one_line() -> None:
    """It goes on without some, or is broken: never both, and each once."""
    remarks = [line for line in printed(100_000) if line.startswith("chain ") and ": " in line]
    assert [line.split(": ")[1].split(" ")[0] for line in remarks] == ["goes", "broken"]
    assert remarks[0].endswith(f"goes on without {parse_uri(URLS[1])}")


def in_a_terminal(command: str, environ: dict[str, str]) -> tuple[int | None, bytes]:
    """Run a command of the shell's; return its status and what the terminal shows."""
    child = pexpect.spawn("/bin/sh", ["-c", command], env=environ, timeout=60)
    child.expect(pexpect.EOF)
    child.close()
    assert isinstance(child.before, bytes)
    return child.exitstatus, child.before


@pytest.mark.case("check-colours")
@pytest.mark.parametrize("no_color", [None, "1"])
def test_a_terminal_has_colours_unless_no_color_is_set(no_color: str | None) -> None:
    """The verdicts are the same; what is no terminal gets none even if FORCE_COLOR is set."""
    url = f"socks5://127.0.0.1:{free_port()}"
    environ = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "COLUMNS"}}
    environ |= {"TERM": "xterm-256color", "FORCE_COLOR": "1"} | ({"NO_COLOR": no_color} if no_color else {})
    status, output = in_a_terminal(f"{CTL} check -x {url} 2>/dev/null", environ)
    assert status == 1
    assert url.encode() in output
    assert (b"\x1b[" in output) is (no_color is None)
    _, piped = in_a_terminal(f"{CTL} check -x {url} 2>/dev/null | cat", environ)
    assert url.encode() in piped
    assert b"\x1b[" not in piped


@pytest.mark.case("check-destination")
def test_a_destination_that_refuses_is_said_to() -> None:
    """The chain works; the status is 1 since the destination is not reached."""

    async def main() -> None:
        async with SocksServer(names=LOCAL) as server:
            place = f"127.0.0.1:{free_port()}"
            status, text = await run_check("-x", server.url, "--to", place)
            assert status == 1
            assert f"works, but {place} refuses the connection: {server.url}: " in text
            assert "broken" not in text
            _, found = await check("-x", server.url, "--to", place)
            (chain,) = found["chains"]
            assert (chain["is_good"], chain["is_working"], chain["stop"]["kind"]) == (False, True, "answer")

    asyncio.run(main())


@pytest.mark.case("check-schema")
def test_the_json_is_as_its_schema_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a good chain, broken ones, an ssh hop, one that hangs up, and destinations that answer or not."""
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    kinds: list[Any] = []

    async def see(*args: object) -> dict[str, Any]:
        _, found = await check(*args)
        jsonschema.validate(found, SCHEMA)
        kinds.append(found["chains"][0]["stop"] and found["chains"][0]["stop"]["kind"])
        return dict(found)

    async def main() -> None:
        dead = f"socks5://127.0.0.1:{free_port()}"
        async with SocksServer(names=LOCAL) as server, serving(say_nothing) as port:
            await see("-x", server.url)
            found = await see("-x", dead, "-x", server.url)
            assert found["hops"][1]["blocked_by"] == dead
            assert found["hops"][1]["through"] == [dead]
            await see("-x", "ssh://gate")
            await see("-x", server.url, "--to", f"127.0.0.1:{port}")
            await see("-x", server.url, "--to", f"127.0.0.1:{free_port()}")

    asyncio.run(main())
    assert kinds[0] == "answer"
    assert kinds[1] == "refused"
    assert kinds[3:] == [None, "answer"]
    stop = SCHEMA["$defs"]["stop"]["oneOf"][1]["properties"]["kind"]["enum"]
    assert stop == [str(kind) for kind in StopKind]
    assert SCHEMA["$defs"]["chain"]["properties"]["kind"]["enum"] == [str(kind) for kind in ChainType]


@pytest.mark.case("check-destination")
def test_one_that_is_closed_on_is_not_reached() -> None:
    """`ssh -D` only closes: that is the destination's answer, and no refusal is made up."""
    hop = parse_uri(URLS[2])
    walk = Walk(stop=Stop(hop, StopKind.HUNG_UP, "closes the connection in answer to that"))
    place = Endpoint(parse_host("192.0.2.1"), 80)
    output = io.StringIO()
    report = Report((), (ChainReport("work", ChainType.STRICT, (hop,), (), walk, place),))
    print_report(report, Console(file=output, width=1000, color_system=None))
    assert f"works, but 192.0.2.1:80 is not reached: {hop}: closes the connection" in output.getvalue()

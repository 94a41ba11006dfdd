"""The demo's proxy and web site."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from proxywrap.testing.accesslog import Access
from proxywrap.testing.demo import FETCH, PAGE, SITE_NAME, running_demo, summarise
from proxywrap.uri import parse_uri

from .destinations import DEADLINE_S


def fetch(url: str, name: str) -> subprocess.CompletedProcess[str]:
    """Fetch a page by curl's own SOCKS client."""
    command = ["curl", "-sS", "--proxy", url.replace("socks5:", "socks5h:"), f"http://{name}/"]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_page_through_the_proxy() -> None:
    """The site is there by its name, and the summary has the chain, the name and the bytes."""
    with running_demo() as demo:
        assert demo.summary() == "demo: nothing came through the proxy"
        assert fetch(demo.url, SITE_NAME).stdout == PAGE
        assert fetch(demo.url, "other.test").returncode == 97
        first, second = demo.log()
        assert demo.summary().splitlines() == [
            "demo: this came through the proxy",
            f"  {first.client} -> {demo.url} -> {SITE_NAME}:80",
            f"    {first.sent_bytes} bytes sent, {first.received_bytes} received",
            f"  {second.client} -> {demo.url} -> other.test:80",
            "    failed: EHOSTUNREACH",
            f"  {SITE_NAME} was resolved by the proxy, which alone knows it",
        ]
        assert first.received_bytes > len(PAGE)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", parse_uri(demo.url).port), timeout=DEADLINE_S)


def test_command() -> None:
    """The fetch asks for the site, and says so where it cannot be had."""
    with running_demo() as demo:
        assert demo.command == [sys.executable, "-I", "-c", FETCH]
        done = subprocess.run(demo.command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "URLError" in done.stderr


def test_summary_of_a_client_that_asked_nothing() -> None:
    """It has no destination to show."""
    access = Access(0.0, "127.0.0.1:9", result="expected something else")
    assert summarise("socks5://x", [access]).splitlines()[1:] == [
        "  127.0.0.1:9 -> socks5://x -> ?",
        "    failed: expected something else",
    ]


def test_ends_with_its_parent() -> None:
    """A parent that is killed leaves no process behind."""
    code = (
        "import os, signal\n"
        "from proxywrap.testing.demo import running_demo\n"
        "with running_demo() as demo:\n"
        "    print(demo.url, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=DEADLINE_S, check=False
    )
    port = parse_uri(done.stdout.strip()).port
    with socket.socket() as sock:
        sock.settimeout(DEADLINE_S)
        if sock.connect_ex(("127.0.0.1", port)) == 0:
            assert sock.recv(1) == b""  # it was still on its way out

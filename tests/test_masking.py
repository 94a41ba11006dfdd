"""No error quotes the credentials of a URL, wherever in the grammar or the command line it stands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxywrap import cli, ctl
from proxywrap.errors import ConfigError
from proxywrap.explain import explain
from proxywrap.masking import masked
from proxywrap.migrate import from_proxychains
from proxywrap.parser import config_from_urls, review_config

MARK = "hunter2"

END = "[ProxyList]\nsocks5 127.0.0.1 1080\n"

PLACES = [
    "{url}\n" + END,
    "{url} {url}\n" + END,
    "strict_chain {url}\n" + END,
    "strict_chain={url}\n" + END,
    "chain_len = {url}\n" + END,
    "chain_len={url}\n" + END,
    "tcp_read_time_out {url}\n" + END,
    "tcp_connect_time_out 1 {url}\n" + END,
    "quiet_mode {url}\n" + END,
    "proxy_dns {url}\n" + END,
    "proxy_dns_daemon {url}\n" + END,
    "remote_dns_subnet {url}\n" + END,
    "localnet {url}\n" + END,
    "localnet {url}/8\n" + END,
    "localnet 10.0.0.0/{url}\n" + END,
    "localnet 10.0.0.0:{url}/8\n" + END,
    "localnet [{url}]:1/8\n" + END,
    "localnet 10.0.0.0/8 {url}\n" + END,
    "dnat {url} 192.0.2.1\n" + END,
    "dnat 192.0.2.1:{url} 192.0.2.1\n" + END,
    "dnat 192.0.2.1 {url}\n" + END,
    "proxy_loopback {url}\n" + END,
    "allow_unwrapped {url} {url}\n" + END,
    "engine {url}\n" + END,
    "[{url}]\n" + END,
    "[ProxyList] {url}\n",
    "[ProxyList]\n",
    "[ProxyList]\n{url} {url}\n",
    "[ProxyList]\n{url} x\n",
    "[ProxyList]\n{url} x=y\n",
    "[ProxyList]\n{url}:99999\n",
    "[ProxyList]\n{url}/path\n",
    "[ProxyList]\nsocks9 {url}\n",
    "[ProxyList]\nsocks5 {url}\n",
    "[ProxyList]\nsocks5 {url} 1080\n",
    "[ProxyList]\nsocks5 127.0.0.1 {url}\n",
    "[ProxyList]\nsocks5 127.0.0.1 1080 a b {url}\n",
    "[ProxyList]\nhttps 127.0.0.1 1080 ca={url}\n",
    "[ProxyList]\nsocks5://127.0.0.1?warm={url}\n",
    "[ProxyList]\nsocks5://127.0.0.1?{url}=1\n",
    "[ProxyList]\nstrict_chain {url}\n",
    END + "[chain {url}]\nsocks5 127.0.0.1 1\n",
    END + "[chain {url}\nsocks5 127.0.0.1 1\n",
    END + "[chain a]\nchain_len = {url}\nsocks5 127.0.0.1 1\n",
    END + "[chain a]\n{url} {url}\n",
    END + "[rules]\n{url}\n",
    END + "[rules]\n{url} direct\n",
    END + "[rules]\nchain {url}\n",
    END + "[rules]\nchain {url} *\n",
    END + "[rules]\ndirect {url}\n",
    END + "[rules]\ndirect {url}:80\n",
    END + "[rules]\ndirect h:{url}\n",
    END + "[rules]\ndirect 10.0.0.0/{url}\n",
    END + "[rules]\ndirect [{url}]:1\n",
    END + "[rules]\nblock app={url} app={url}\n",
    END + "[rules]\nresolve {url}\n",
    END + "[rules]\nresolve local {url}\n",
    END + "[rules]\nresolve remote {url}\n",
]

ARGUMENTS = [
    ["-f", "{url}", "x"],
    ["-x", "{url}", "-x", "{url}/p", "x"],
    ["-x", "{url}", "-f", "{url}", "x"],
    ["-x", "http://h", "-c", "{url}", "x"],
    ["-x", "http://h", "--engine", "{url}", "x"],
    ["-x", "http://h", "--log", "{url}", "x"],
    ["-x", "http://h", "{url}"],
    ["-x", "http://h", "--", "{url}", "x"],
    ["-{url}", "x"],
    ["--{url}", "x"],
    ["--engine={url}", "x"],
    ["{url}", "x"],
]

CONTROL_ARGUMENTS = [
    ["{url}"],
    ["--{url}"],
    ["config", "{url}"],
    ["config", "-f", "{url}"],
    ["config", "-x", "{url}/p"],
    ["config", "--check", "{url}"],
    ["config", "--from-proxychains", "{url}"],
    ["check", "{url}"],
    ["check", "-x", "http://127.0.0.1:1", "--to", "{url}"],
    ["check", "-f", "{url}"],
    ["reload", "{url}"],
    ["serve", "--listen", "{url}"],
    ["serve", "--listen", "127.0.0.1:0", "--user", "{url}", "--delay", "x"],
    ["serve", "--listen", "127.0.0.1:0", "--name", "{url}"],
    ["serve", "--listen", "127.0.0.1:0", "--delay", "{url}"],
    ["serve", "--listen", "127.0.0.1:0", "--log", "/{url}"],
]

# What ends a word, a line or an option, and so may cut a password in two.
pieces = st.text(alphabet="abc@:/?#[]%=&,;.-'\" \\", max_size=4)
urls = st.builds(
    lambda scheme, before, after, place: f"{scheme}://me:{before}{MARK}{after}@{place}",
    st.sampled_from(["socks5", "http", "socks4", "https", "ssh", "raw", "socks9", "SOCKS5"]),
    pieces,
    pieces,
    st.sampled_from(["h", "h:1080", "127.0.0.1:1080", "", "[::1]:1", "h:"]),
)


def _texts_of(data: bytes) -> list[str]:
    review = review_config(data, "a.conf")
    translation = from_proxychains(data, "a.conf")
    texts = [str(error) for error in (*review.errors, *translation.errors)]
    texts += review.warnings
    texts += [line for line in translation.lines if line.startswith("#")]
    if review.config is not None:
        texts += [line for line, _ in review.config.lines()]
        texts += review.config.notes
        texts += explain(review.config)
    return texts


@pytest.mark.case("secret-url")
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.replace(END, "… ").strip())
@settings(max_examples=15, deadline=None)
@given(url=urls)
def test_no_text_about_a_file_quotes_a_password(place: str, url: str) -> None:
    """Errors, warnings, explanations, and comments of a translation."""
    texts = _texts_of(place.replace("{url}", url).encode())
    assert [text for text in texts if MARK in text] == []


@settings(max_examples=100, deadline=None)
@given(url=urls, more=urls)
def test_no_error_about_urls_quotes_a_password(url: str, more: str) -> None:
    """Neither of -x nor of the variable, which is split at blanks."""
    for given_urls in ([url, more], url.split(), f"{url} {more}".split()):
        try:
            config_from_urls(given_urls)
        except ConfigError as exc:
            assert MARK not in str(exc)


@pytest.mark.case("secret-url")
@pytest.mark.parametrize(
    ("program", "args"),
    [
        *(("proxywrap", args) for args in ARGUMENTS),
        *(("proxywrapctl", args) for args in CONTROL_ARGUMENTS),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(url=urls)
def test_no_command_line_has_a_password_printed(
    program: str,
    args: list[str],
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Each ends in an error, and nothing that is printed has the password in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    main = cli.main if program == "proxywrap" else ctl.main
    given_args = [arg.replace("{url}", url) for arg in args]
    monkeypatch.setattr(sys, "argv", [program, *given_args])
    status = main(given_args)
    out, err = capfd.readouterr()
    assert status != 0
    assert err != ""
    assert MARK not in out + err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("found 'socks5://me:pw@h:1'", "found 'socks5://***@h:1'"),
        ("socks5://a:b@h, http://c:d@i", "socks5://***@h, http://***@i"),
        ("socks5://a:b@c@h", "socks5://***@h"),
        ("socks5://h:1080 and me@h", "socks5://h:1080 and me@h"),
        ("write ssh://[USER@]HOST[:PORT]", "write ssh://[USER@]HOST[:PORT]"),
        ("nothing", "nothing"),
    ],
)
def test_masked(text: str, expected: str) -> None:
    """What stands between :// and the last @ of a word goes, everything else stays."""
    assert masked(text) == expected

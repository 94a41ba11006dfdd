"""Variables that name a proxy: those that would lead past the chain are not for COMMAND."""

from __future__ import annotations

import pytest

from proxywrap.config import Config
from proxywrap.parser import config_from_urls, parse_config
from proxywrap.proxyenv import take_direct_proxies

FILE = b"""\
localnet 10.0.0.0/8
[ProxyList]
socks5 192.0.2.1 1080
[rules]
direct *.corp.example
"""


def taken(environ: dict[str, str], config: Config | None = None) -> set[str]:
    """Return the variables that are changed, having taken them out."""
    before = dict(environ)
    lines = list(take_direct_proxies(environ, config or parse_config(FILE, "f.conf")))
    changed = {name for name in before if environ.get(name) != before[name]}
    assert {line.split()[0] for line in lines} == changed
    return changed


@pytest.mark.parametrize(
    "name",
    [
        "http_proxy",
        "HTTPS_PROXY",
        "ftp_proxy",
        "all_proxy",
        "ALL_PROXY",
        "socks_proxy",
        "rsync_proxy",
        "RSYNC_PROXY",
        "npm_config_proxy",
        "npm_config_https_proxy",
        "npm_config_https-proxy",
        "NPM_CONFIG_PROXY",
        "PIP_PROXY",
        "CARGO_HTTP_PROXY",
        "YARN_HTTPS_PROXY",
        "GLOBAL_AGENT_HTTP_PROXY",
        "SOCKS_SERVER",
        "SOCKS5_SERVER",
    ],
)
def test_every_spelling_is_known(name: str) -> None:
    """Of curl, of the package managers, and in either case."""
    environ = {name: "http://127.0.0.1:3128/", "PATH": "/bin"}
    assert taken(environ) == {name}
    assert environ == {"PATH": "/bin"}


@pytest.mark.parametrize(
    "value",
    [
        "http://127.0.0.1:3128",
        "http://me:p@ss@localhost:3128/",
        "localhost:3128",
        "socks5h://[::1]:1080",
        "socks5://127.9.9.9",
        "http://10.1.2.3:3128",
        "http://proxy.corp.example:3128",
        "http://0.0.0.0:3128",
        "socks5://localhost/run/proxy.sock",
        "unix:///run/proxy.sock",
    ],
)
def test_a_proxy_that_is_reached_directly(value: str) -> None:
    """Loopback, `localnet`, a `direct` rule, a Unix socket."""
    assert taken({"all_proxy": value}) == {"all_proxy"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http_proxy", "http://proxy.example:3128"),
        ("http_proxy", "http://198.51.100.7:3128"),
        ("http_proxy", ""),
        ("http_proxy", "???"),
        ("no_proxy", "127.0.0.1"),
        ("NO_PROXY", "localhost"),
        ("npm_config_noproxy", "localhost"),
        ("MYPROXYCOMMAND", "127.0.0.1:1"),
    ],
)
def test_what_stays(name: str, value: str) -> None:
    """A proxy elsewhere, which is reached through the chain, and what names none."""
    assert taken({name: value}) == set()


@pytest.mark.parametrize("value", ["socks5h://127.0.0.1:1080", "http://localhost:1080", "localhost:1080"])
def test_the_chains_only_proxy_stays(value: str) -> None:
    """It is the chain by another name; of a longer chain it would be the first proxy without the others."""
    assert taken({"ALL_PROXY": value}, config_from_urls(["socks5://127.0.0.1:1080"])) == set()
    assert taken({"ALL_PROXY": value}, config_from_urls(["socks5://127.0.0.1:9050"])) == {"ALL_PROXY"}
    longer = config_from_urls(["socks5://127.0.0.1:1080", "http://h"])
    assert taken({"ALL_PROXY": value}, longer) == {"ALL_PROXY"}


def test_git_counts_its_variables() -> None:
    """So one stays, empty, which is no proxy for git."""
    environ = {
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "http://127.0.0.1:1",
        "GIT_CONFIG_KEY_1": "http.proxy",
        "GIT_CONFIG_VALUE_1": "http://127.0.0.1:1",
        "GIT_CONFIG_KEY_2": "http.https://site.example/.proxy",
        "GIT_CONFIG_VALUE_2": "socks5://127.0.0.1:2",
    }
    assert taken(environ) == {"GIT_CONFIG_VALUE_1", "GIT_CONFIG_VALUE_2"}
    assert environ["GIT_CONFIG_VALUE_1"] == ""


def test_a_proxied_loopback_is_reached_through_the_chain() -> None:
    """With `proxy_loopback` the variable names a proxy on the last proxy's own host."""
    config = parse_config(b"proxy_loopback\n[ProxyList]\nsocks5 192.0.2.1 1080\n", "f.conf")
    assert taken({"http_proxy": "http://127.0.0.1:3128"}, config) == set()


def test_no_line_has_a_password() -> None:
    """What the variable holds is told without it."""
    (line,) = take_direct_proxies(
        {"http_proxy": "http://me:s3cret@127.0.0.1:3128"}, parse_config(FILE, "f.conf")
    )
    assert line == (
        "http_proxy is not passed on: http://***@127.0.0.1:3128 would be connected to directly, "
        "past the chain; --keep-proxy-env passes it on"
    )

"""Proxies where they cannot be of use: an error or a warning, with the line."""

from __future__ import annotations

import pytest

from proxywrap.errors import ConfigError
from proxywrap.parser import config_from_urls, parse_config
from proxywrap.positions import check_positions

UNIX, WARM = "http://unix:/p.sock", "socks5://h:1?warm=2"


def warnings_of(text: str) -> tuple[str, ...]:
    """Return the warnings about a file."""
    return check_positions(parse_config(text.encode(), "f.conf")).warnings


def test_a_socket_of_this_host_behind_another_proxy() -> None:
    """A strict chain cannot have it there, a dynamic one does without it, a random one may begin with it."""
    text = f"[ProxyList]\nhttp h 1\n{UNIX}\n"
    with pytest.raises(ConfigError) as caught:
        warnings_of(f"strict_chain\n{text}")
    assert str(caught.value) == (
        f"f.conf:4: expected {UNIX} as the first proxy of its chain, for it is a socket of this host, "
        "found another before it"
    )
    with pytest.raises(ConfigError, match=r"^-x"):
        check_positions(config_from_urls(["http://h:1", UNIX]))
    assert warnings_of(text) == (
        f"f.conf:3: only a chain's first proxy can be a socket of this host: move {UNIX} up",
    )
    assert warnings_of(f"random_chain\n{text}") == ()
    assert warnings_of(f"strict_chain\n[ProxyList]\n{UNIX}\nhttp h 1\n") == ()


def test_connections_that_stand_ready_behind_another_proxy() -> None:
    """They would be of no use in a strict chain."""
    text = f"[ProxyList]\nhttp h 1\n[chain a]\nstrict_chain\n{WARM}\n{WARM}\n"
    assert warnings_of(text) == (
        "f.conf:6: warm= counts for a chain's first proxy only: remove it behind socks5://h:1",
    )
    assert warnings_of(text.replace("strict", "dynamic")) == ()

"""Names: resolved by the last hop, or not at all."""

from __future__ import annotations

import socket
import sys
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, PROGRAMS, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from .kit.clients import Stage
    from .kit.world import World

POOL = ip_network("198.18.0.0/15")
RESOLVE = [sys.executable, PROGRAMS / "resolve.py"]


@pytest.mark.case("base-shared-names")
def test_an_address_is_good_in_another_process(
    world: World, stage: Stage, proxy: Callable[[str], str]
) -> None:
    """What one wrapped process was given for a name leads another to it, over fork and exec."""
    script = f'curl -sS "http://$("$@"):{stage.web.port}/"'
    result = world.run([*wrap(proxy("microsocks")), "sh", "-c", script, "sh", *RESOLVE, NAME])
    assert result.text == "it works"
    assert world.judge.leaks == []


@pytest.mark.case("base-stable-names")
def test_a_name_has_the_same_address_in_every_run(world: World, proxy: Callable[[str], str]) -> None:
    """Whatever its case, and with a final dot; other names have others."""
    prefix = wrap(proxy("microsocks"))
    names = [NAME, NAME.upper(), f"{NAME}.", "another.test"]
    first = world.run([*prefix, *RESOLVE, *names]).text.split()
    second = world.run([*prefix, *RESOLVE, *reversed(names)]).text.split()
    assert first == second[::-1]
    assert first[0] == first[1] == first[2] != first[3]
    assert all(ip_address(address) in POOL for address in first)
    assert world.judge.leaks == []


@pytest.mark.case("prog-curl-ipv6")
@pytest.mark.parametrize("option", ["-6", "-sS6", "--ipv6"])
def test_curl_that_wants_ipv6_alone(
    world: World, stage: Stage, proxy: Callable[[str], str], option: str
) -> None:
    """It asks for addresses of both families, and has one of IPv6."""
    result = world.run(
        [*wrap(proxy("microsocks")), "curl", "-sS", option, f"http://{NAME}:{stage.web.port}/"]
    )
    assert result.text == "it works"
    assert world.judge.leaks == []


@pytest.mark.case("base-unknown-address")
def test_an_address_that_was_never_given_is_never_dialled(world: World, proxy: Callable[[str], str]) -> None:
    """An unknown address of the pool is unreachable, and no proxy hears of it."""
    result = world.run([*wrap(proxy("microsocks")), "curl", "-sS", "http://198.19.254.253/"], expect=7)
    assert "198.19.254.253" in result.stderr.decode()
    assert world.judge.leaks == []


@pytest.mark.case("prog-git-own-name", "trap-own-host-name")
def test_local_names_stay_local(world: World, proxy: Callable[[str], str]) -> None:
    """Localhost and the machine's own name are never asked of anybody."""
    names = ["localhost", socket.gethostname(), "127.0.0.1", "::1"]
    addresses = world.run([*wrap(proxy("microsocks")), *RESOLVE, *names]).text.split()
    assert all(ip_address(address).is_loopback for address in addresses)
    assert world.judge.leaks == []


def test_a_name_of_the_hosts_file_is_local(world: World, proxy: Callable[[str], str]) -> None:
    """What the user's own /etc/hosts says is not asked of a proxy."""
    result = world.run(
        [*wrap(proxy("microsocks")), *RESOLVE, "mine.test"],
        hosts={"mine.test": "192.0.2.77"},
    )
    assert result.text == "192.0.2.77"

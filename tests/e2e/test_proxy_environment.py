"""Variables that name a proxy of COMMAND's own: none leads past the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxywrap.testing import SocksServer

from .kit.clients import NAME, wrap
from .kit.origins import ORIGIN, PAYLOAD_DIGEST, digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kit.chains import Chain
    from .kit.clients import Stage
    from .kit.world import World

ENGINES = ["auto", "both", "seccomp", "preload"]


@pytest.fixture
def other(world: World) -> Iterator[SocksServer]:
    """Run a proxy of this host's that is in no chain, and would do what it is asked for."""
    with world.running(SocksServer(names={NAME: ORIGIN})) as server:
        yield server


@pytest.mark.case("env-proxy-variable")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("variable", "scheme"), [("http_proxy", "http"), ("ALL_PROXY", "socks5h")])
def test_a_variable_with_a_local_proxy_leads_nobody_past_the_chain(
    world: World, stage: Stage, one_hop: Chain, other: SocksServer, engine: str, variable: str, scheme: str
) -> None:
    """Curl asks the chain, and not the proxy that its environment names; -v says so."""
    env = {variable: f"{scheme}://me:s3cret@127.0.0.1:{other.port}"}
    command = [*wrap(one_hop.urls, "-v", "--engine", engine), "curl", "-sS", f"{stage.url}/bytes"]
    result = world.run(command, env=env)
    assert digest(result.stdout) == PAYLOAD_DIGEST
    assert one_hop.asked_of(0) == {NAME}
    assert other.log == []
    assert (
        f"{variable} is not passed on: {scheme}://***@127.0.0.1:{other.port} would" in result.stderr.decode()
    )


@pytest.mark.parametrize("how", ["option", "file"])
def test_a_variable_is_kept_where_that_is_asked_for(
    world: World, stage: Stage, one_hop: Chain, other: SocksServer, how: str
) -> None:
    """By --keep-proxy-env, and by the file: then curl asks that proxy."""
    file = world.directory / "keep.conf"
    file.write_text(f"proxy_environment keep\n[ProxyList]\n{one_hop.urls[0]}\n")
    prefix = wrap(one_hop.urls, "--keep-proxy-env") if how == "option" else wrap([], "-f", file)
    env = {"ALL_PROXY": f"socks5h://127.0.0.1:{other.port}"}
    result = world.run([*prefix, "curl", "-sS", f"{stage.url}/bytes"], env=env)
    assert digest(result.stdout) == PAYLOAD_DIGEST
    assert one_hop.asked_of(0) == set()
    assert [str(access.host) for access in other.log] == [NAME]
    file.unlink()

"""nginx as a reverse proxy: what its workers connect to goes through the wrapper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.kit.clients import NAME, wrap
from e2e.kit.foreign import running

from .parallel import Transfers

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.kit.chains import Chain
    from e2e.kit.clients import Stage

CONFIGURATION = """\
daemon off;
worker_processes 2;
error_log stderr;
pid {home}/pid;
events {{
    use epoll;
}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://{name}:{upstream};
        }}
    }}
}}
"""
AT_ONCE = 40


def test_nginx(stage: Stage, one_hop: Chain, scratch: Path) -> None:
    """Many requests at once, down and up, by clients that are not wrapped."""
    world, port = stage.world, stage.world.port()
    # The workers are nobody, who must get at their files.
    home = world.directory / f"nginx-{port}"
    home.mkdir()
    configuration = home / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(home=home, port=port, name=NAME, upstream=stage.web.port))
    transfers = Transfers(AT_ONCE, scratch)
    curl = ["curl", "-sS", "--fail", "--parallel", "--parallel-immediate", "--parallel-max", 2 * AT_ONCE]
    with running(world, [*wrap(one_hop.urls), "nginx", "-c", configuration], ("127.0.0.1", port)):
        world.run([*curl, *transfers.words(stage, f"http://127.0.0.1:{port}")])
    transfers.check()
    assert one_hop.asked_of(0) == {NAME}
    assert world.judge.leaks == []

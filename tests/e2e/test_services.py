"""COMMAND as a service of systemd's: it is started, reloaded, watched and ended as without the prefix."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, PROGRAMS, wrap
from .kit.systemd import Systemd, service

if TYPE_CHECKING:
    from .kit.chains import Chain
    from .kit.clients import Stage
    from .kit.world import World

RELOAD = "ExecReload=/bin/kill -HUP $MAINPID"
HAPROXY = """\
global
    log stderr local0 crit
defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s
listen through
    bind 127.0.0.1:{port}
    server far {host}:{far}
"""


@pytest.mark.case("read-only-service")
def test_a_service_that_may_write_nowhere_notifies(world: World, stage: Stage, one_hop: Chain) -> None:
    """By a socket with an abstract name."""
    program = [sys.executable, "-S", PROGRAMS / "notifying.py", "/dev/null", NAME, stage.echo.port]
    hard = service([*wrap(one_hop.urls), *program], "ReadOnlyPaths=/", "WatchdogSec=20", "TimeoutStartSec=20")
    with Systemd.booted(world, {"hard.service": hard}) as systemd:
        systemd.control("start", "hard")
        state = systemd.show("hard", "ActiveState", "StatusText")
        assert state == {"ActiveState": "active", "StatusText": "ready"}
    assert one_hop.asked_of(-1) == {NAME}


@pytest.mark.case("start-notify")
@pytest.mark.parametrize("engine", ["auto", "seccomp"])
def test_a_service_that_notifies(world: World, stage: Stage, one_hop: Chain, engine: str) -> None:
    """What it says counts as its main process's, the launcher's: ready, alive, reloaded."""
    fifo = world.directory / f"heard-{engine}"
    os.mkfifo(fifo)
    program = [sys.executable, "-S", PROGRAMS / "notifying.py", fifo, NAME, stage.echo.port]
    command = [*wrap(one_hop.urls, "--engine", engine), *program]
    told = f"ExecStopPost=/bin/sh -c 'echo $SERVICE_RESULT $EXIT_STATUS >{fifo}'"
    units = {"noted.service": service(command, RELOAD, "WatchdogSec=20", "TimeoutStartSec=20", told)}
    with Systemd.booted(world, units) as systemd:
        systemd.control("start", "noted")
        state = systemd.show("noted", "ActiveState", "StatusText", "MainPID")
        assert (state["ActiveState"], state["StatusText"]) == ("active", "ready")
        assert "proxywrap" in systemd.command_line(state["MainPID"])
        assert one_hop.asked_of(-1) == {NAME}
        systemd.control("reload", "noted")
        assert fifo.read_text() == "heard\n"
        assert systemd.show("noted", "StatusText", "MainPID") == {
            "StatusText": "heard",
            "MainPID": state["MainPID"],
        }
        systemd.control("kill", "--signal=USR1", "--kill-whom=main", "noted")
        assert fifo.read_text() == "exit-code 7\n"


@pytest.mark.case("start-notify")
def test_haproxy(world: World, stage: Stage, one_hop: Chain) -> None:
    """As Debian's unit runs it, master and worker: ready, reloaded, and its servers are behind the chain."""
    port, configuration = world.port(), world.directory / "haproxy.cfg"
    configuration.write_text(HAPROXY.format(port=port, host=NAME, far=stage.echo.port))
    command = [*wrap(one_hop.urls), "/usr/sbin/haproxy", "-Ws", "-f", configuration]
    units = {"balancer.service": service(command, RELOAD, "KillMode=mixed", "TimeoutStartSec=20")}
    with Systemd.booted(world, units) as systemd:
        systemd.control("start", "balancer")
        before = systemd.show("balancer", "ActiveState", "MainPID", "StatusText")
        assert before["ActiveState"] == "active"
        for _ in range(2):
            assert world.call(_echo, port) == b"hello"
            systemd.control("reload", "balancer")
            while systemd.show("balancer", "ActiveState") == {"ActiveState": "reloading"}:
                pass  # until haproxy says that it is ready again
        after = systemd.show("balancer", "ActiveState", "MainPID", "StatusText")
        assert after == before
        assert one_hop.asked_of(-1) == {NAME}
        systemd.control("stop", "balancer")
        assert systemd.show("balancer", "ActiveState", "Result") == {
            "ActiveState": "inactive",
            "Result": "success",
        }


async def _echo(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


CHILD = """\
import os, signal, socket
if os.fork() == 0:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
"""


@pytest.mark.case("start-notify-access")
def test_what_a_child_says_is_judged_as_without_us(world: World, one_hop: Chain) -> None:
    """NotifyAccess=all hears it, the default does not."""
    program = world.directory / "child.py"
    program.write_text(CHILD)
    command = [*wrap(one_hop.urls), sys.executable, "-S", program]
    units = {
        "heard.service": service(command, "NotifyAccess=all", "TimeoutStartSec=20"),
        "unheard.service": service(command, "TimeoutStartSec=2"),
    }
    with Systemd.booted(world, units) as systemd:
        systemd.control("start", "heard")
        assert systemd.show("heard", "ActiveState") == {"ActiveState": "active"}
        systemd.control("start", "unheard", expect=1)
        assert systemd.show("unheard", "Result") == {"Result": "timeout"}


@pytest.mark.case("start-forking")
def test_a_daemon_with_a_file_of_its_process_id(world: World, one_hop: Chain) -> None:
    """Type=forking: the launcher ends with COMMAND, the daemon is the main process, and ends by a stop."""
    file = world.directory / "daemon.pid"
    script = f"'sleep 1000 & echo $$! >{file}'"
    unit = service([*wrap(one_hop.urls), "/bin/sh", "-c", script], f"PIDFile={file}", kind="forking")
    with Systemd.booted(world, {"daemon.service": unit}) as systemd:
        systemd.control("start", "daemon")
        state = systemd.show("daemon", "ActiveState", "MainPID")
        assert state == {"ActiveState": "active", "MainPID": file.read_text().strip()}
        assert systemd.command_line(state["MainPID"]) == "sleep 1000"
        systemd.control("stop", "daemon")
        assert systemd.show("daemon", "ActiveState", "Result") == {
            "ActiveState": "inactive",
            "Result": "success",
        }

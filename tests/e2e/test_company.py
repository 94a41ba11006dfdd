"""Programs in unusual company: sanitizers, allocators, debuggers, service managers, another proxywrap."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxywrap.testing import SocksServer

from .kit.clients import NAME, PROGRAMS, PROXYWRAP, wrap
from .kit.origins import ORIGIN, PAYLOAD_DIGEST, digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage, Words
    from .kit.world import Result, World

JEMALLOC = "libjemalloc.so.2"
RESOLVER_S = 5
INNER = "inner.test"
"""The second proxy's name, which only the first one knows."""

SANITIZERS = {
    "address": ["-fsanitize=address"],
    "address-static": ["-fsanitize=address", "-static-libasan"],
    "address-undefined": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "thread": ["-fsanitize=thread"],
    "undefined": ["-fsanitize=undefined", "-fno-sanitize-recover=all"],
    "leak": ["-fsanitize=leak"],
}

HOW = {
    "command": [],
    "child": ["sh", "-c", '"$@"', "sh"],
    "cleared": ["env", "-i"],
}


@pytest.fixture
def talk(stage: Stage, compiled: Callable[..., Path]) -> Callable[..., Words]:
    """Return a function to the command line that talks to the echo server, compiled with its arguments."""

    def command(*flags: str) -> Words:
        return [compiled("company", *flags), NAME, stage.echo.port]

    return command


def _came_back(world: World, hop: Chain, result: Result) -> None:
    assert result.text.splitlines()[-1] == "all came back"
    assert result.complaints == []
    assert hop.asked_of(-1) == {NAME}
    assert world.judge.leaks == []


# --- sanitizers


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_a_program_with_a_sanitizer(
    world: World, one_hop: Chain, talk: Callable[..., Words], sanitizer: str, how: str
) -> None:
    """It runs, all its bytes come back, and the sanitizer has nothing to say."""
    command = talk("-g", *SANITIZERS[sanitizer])
    result = world.run([*wrap(one_hop.urls), *HOW[how], *command])
    _came_back(world, one_hop, result)


def test_a_runtime_goes_where_its_program_goes(
    world: World, one_hop: Chain, compiled: Callable[..., Path]
) -> None:
    """A child of a program with AddressSanitizer is not given the runtime, and is wrapped all the same."""
    program = compiled("children", "-fsanitize=address")
    result = world.run([*wrap(one_hop.urls), program, "echo $LD_PRELOAD"], env={"LD_PRELOAD": JEMALLOC})
    ours = set(result.text.splitlines())
    assert len(ours) == 1
    first, *rest = ours.pop().split(":")
    assert first.endswith(".so")
    assert "asan" not in first
    assert rest == [JEMALLOC]
    assert result.complaints == []


# --- libraries that are preloaded by others


@pytest.mark.parametrize("engine", ["auto", "preload"])
def test_a_library_that_calls_by_number(
    stage: Stage, one_hop: Chain, compiled: Callable[..., Path], engine: str
) -> None:
    """Its socket() goes through syscall(): that ends in the kernel, and curl has its page."""
    library = compiled("calls_by_number", "-shared", "-fPIC")
    curl = ["env", f"LD_PRELOAD={library}", "curl", "-sS", f"{stage.url}/bytes"]
    result = stage.world.run([*wrap(one_hop.urls, "--engine", engine), *curl])
    assert digest(result.stdout) == PAYLOAD_DIGEST


@pytest.mark.case("trap-mptcpize")
@pytest.mark.parametrize("engine", ["auto", "preload", "seccomp", "both"])
def test_mptcpize(stage: Stage, one_hop: Chain, engine: str) -> None:
    """Its library makes MPTCP of each socket; no proxy has that, so curl gets TCP, and its page."""
    curl = ["mptcpize", "run", "curl", "-sS", f"{stage.url}/bytes"]
    result = stage.world.run([*wrap(one_hop.urls, "--engine", engine), *curl], resolver_s=RESOLVER_S)
    assert digest(result.stdout) == PAYLOAD_DIGEST
    assert result.complaints == []
    assert one_hop.asked_of(-1) == {NAME}
    assert stage.world.judge.leaks == []


@pytest.mark.parametrize("way", ["before", "replacing", "behind"])
def test_an_allocator(world: World, one_hop: Chain, talk: Callable[..., Words], way: str) -> None:
    """It is loaded, wherever it is put, and so are we."""
    script = {
        "before": f'LD_PRELOAD={JEMALLOC}:$LD_PRELOAD exec "$@"',
        "replacing": f'LD_PRELOAD={JEMALLOC} exec "$@"',
        "behind": 'exec "$@"',
    }[way]
    env = {"LD_PRELOAD": JEMALLOC} if way == "behind" else {}
    result = world.run([*wrap(one_hop.urls), "sh", "-c", script, "sh", *talk(), "jemalloc"], env=env)
    assert result.text.splitlines() == ["all came back", "jemalloc: yes"]
    assert result.complaints == []
    assert one_hop.asked_of(-1) == {NAME}


@pytest.mark.parametrize("way", ["linked", "preloaded"])
def test_a_constructor_that_comes_before_ours(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path], way: str
) -> None:
    """What a library does before main() goes through the chain."""
    library = compiled("early", "-shared", "-fPIC")
    flags = ["-Wl,--no-as-needed", str(library)] if way == "linked" else []
    env = {"EARLY_PORT": str(stage.echo.port)} | ({} if flags else {"LD_PRELOAD": str(library)})
    program = compiled("company", *flags)
    # The wrapper itself would be given the variable, and talk.
    set_up = ["env", *(f"{name}={value}" for name, value in env.items())]
    result = world.run([*wrap(one_hop.urls), *set_up, program, NAME, stage.echo.port])
    assert result.text.splitlines() == ["early: came back", "all came back"]
    _came_back(world, one_hop, result)


@pytest.mark.parametrize("flags", ["plain", "deep"])
def test_a_plugin(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path], flags: str
) -> None:
    """It is found by the RUNPATH of the program that loads it, and stays wrapped if bound deeply."""
    directory = world.directory / "plugins"
    directory.mkdir(exist_ok=True)
    shutil.copy(compiled("plugin", "-shared", "-fPIC"), directory / "plugin.so")
    host = compiled("plugin_host", f"-Wl,-rpath,{directory},--enable-new-dtags")
    result = world.run([*wrap(one_hop.urls), host, "plugin.so", flags, NAME, stage.echo.port])
    assert result.text == "talk: 0"
    assert one_hop.asked_of(-1) == {NAME}


def test_php_loads_its_extensions_deeply_bound(world: World, stage: Stage, one_hop: Chain) -> None:
    """Its curl, an extension, and its own streams go through the chain."""
    url = f"{stage.url}/bytes"
    script = (
        f"$c = curl_init('{url}'); curl_setopt($c, CURLOPT_RETURNTRANSFER, 1);"
        f"echo curl_exec($c) === file_get_contents('{url}') ? 'same' : 'differ', strlen(curl_exec($c));"
    )
    length = len((stage.upload).read_bytes())
    assert world.run([*wrap(one_hop.urls), "php", "-r", script]).text == f"same{length}"
    assert one_hop.asked_of(-1) == {NAME}


# --- debuggers and tracers


@pytest.mark.parametrize("tracer", ["strace", "ltrace"])
def test_a_tracer_as_the_command(world: World, stage: Stage, one_hop: Chain, tracer: str) -> None:
    """What it starts is wrapped, and traced."""
    log = world.directory / "tracer.log"
    result = world.run([*wrap(one_hop.urls), tracer, "-f", "-o", log, "curl", "-sS", f"{stage.url}/bytes"])
    assert result.stdout == stage.upload.read_bytes()
    assert log.stat().st_size > 0
    assert one_hop.asked_of(-1) == {NAME}


def test_gdb_runs_a_program(world: World, one_hop: Chain, talk: Callable[..., Words]) -> None:
    """Stopped at a breakpoint and let go, it is wrapped."""
    gdb = ["gdb", "-nx", "--batch", "-ex", "break main", "-ex", "run", "-ex", "continue", "--args"]
    result = world.run([*wrap(one_hop.urls), *gdb, *talk("-g")])
    assert "Breakpoint 1, " in result.text
    assert "all came back" in result.text
    assert "exited normally" in result.text
    assert one_hop.asked_of(-1) == {NAME}


@pytest.mark.case("start-debugger")
def test_gdb_runs_a_static_program(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path]
) -> None:
    """It stops at a breakpoint too, and is under the filter when it goes on."""
    program = [compiled("talk", "-static", "-g"), "peer", NAME, stage.echo.port]
    gdb = ["gdb", "-nx", "--batch", "-ex", "break main", "-ex", "run", "-ex", "bt", "-ex", "continue"]
    result = world.run([*wrap(one_hop.urls), *gdb, "--args", *program], resolver_s=5)
    assert "Breakpoint 1, " in result.text
    assert "#0  main " in result.text
    assert "exited normally" in result.text
    assert one_hop.asked_of(-1) == {NAME}


@pytest.mark.case("start-debugger")
def test_gdb_runs_a_go_program(world: World, stage: Stage, one_hop: Chain, compiled: Builder) -> None:
    """It stops at a breakpoint in the program's own source, and is under the filter when it goes on."""
    program = [compiled.go("dialler"), "get", f"{stage.url}/bytes"]
    gdb = ["gdb", "-nx", "--batch", "-ex", "break main.main", "-ex", "run", "-ex", "bt", "-ex", "continue"]
    result = world.run([*wrap(one_hop.urls), *gdb, "--args", *program], resolver_s=5)
    assert "hit Breakpoint 1, main.main" in result.text
    assert "#0  main.main " in result.text
    assert PAYLOAD_DIGEST in result.text
    assert "exited normally" in result.text
    assert one_hop.asked_of(-1) == {NAME}


@pytest.mark.case("start-debugger")
def test_strace_runs_a_static_program(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path]
) -> None:
    """It shows the calls of the program from its start to its end."""
    log = world.directory / "strace.log"
    program = [compiled("talk", "-static"), "peer", NAME, stage.echo.port]
    world.run([*wrap(one_hop.urls), "strace", "-o", log, *program], resolver_s=5)
    first, *_, last = log.read_text().splitlines()
    assert first.startswith("exec")
    assert first.endswith(" = 0")
    assert last == "+++ exited with 0 +++"
    assert "connect(" in log.read_text()
    assert one_hop.asked_of(-1) == {NAME}


def test_gdb_attaches_to_a_wrapped_program(world: World, stage: Stage, one_hop: Chain) -> None:
    """One that waits for its connection goes on when the debugger has gone."""
    hop = one_hop.servers[0]
    world.call(_do, hop.hold)
    script = (
        f"import os, socket; print(os.getpid(), flush=True);"
        f"s = socket.create_connection(('{NAME}', {stage.echo.port}));"
        f"s.sendall(b'x'); print(s.recv(1))"
    )
    with world.start([*wrap(one_hop.urls), sys.executable, "-c", script]) as process:
        assert process.stdout is not None
        pid = process.stdout.readline().decode().strip()
        said = world.run(["gdb", "-nx", "--batch", "-p", pid, "-ex", "bt", "-ex", "detach"]).text
        world.call(_do, hop.release)
        output, errors = process.communicate(timeout=30)
    assert "hook_connect" in said
    assert (output, errors) == (b"b'x'\n", b"")


async def _do(function: Callable[[], None]) -> None:
    function()


def _configuration(world: World, hop: Chain, *lines: str) -> Words:
    file = world.directory / "company.conf"
    file.write_text("\n".join([*lines, "[ProxyList]", *hop.urls, ""]))
    file.chmod(0o600)  # there is a password in it
    return [PROXYWRAP, "-f", file, "--"]


def test_valgrind_under_the_filter(world: World, one_hop: Chain, talk: Callable[..., Words]) -> None:
    """The tool is static, and what it runs has the shim, and the filter over it."""
    valgrind = ["valgrind", "-q", "--error-exitcode=9", "--log-file=/dev/null", *talk("-g")]
    _came_back(world, one_hop, world.run([*wrap(one_hop.urls), *valgrind], timeout=120))


def test_valgrind_without_the_filter(world: World, one_hop: Chain, talk: Callable[..., Words]) -> None:
    """The tool needs leave, for it makes no connection of its own, and what it runs needs none."""
    valgrind = ["valgrind", "-q", "--error-exitcode=9", "--log-file=/dev/null", *talk("-g")]
    refused = world.run([*wrap(one_hop.urls, "--engine", "preload"), *valgrind], expect=None)
    assert refused.returncode != 0
    assert "statically linked" in refused.stderr.decode()
    result = world.run(
        [*_configuration(world, one_hop, "allow_unwrapped memcheck-*"), *valgrind], timeout=120
    )
    _came_back(world, one_hop, result)


# --- others who start us, or whom we start


def test_a_service_started_by_its_socket(world: World, stage: Stage, one_hop: Chain) -> None:
    """It finds the listening socket at descriptor 3, addressed to its own process id."""
    port = world.port()
    service = [*wrap(one_hop.urls), sys.executable, PROGRAMS / "activated.py", NAME, stage.echo.port]
    activate = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", *service]
    with world.start([*activate[:3], "-E", "PATH", *activate[3:]]) as process:
        answer = world.call(_ask, port)
        _, errors = process.communicate(timeout=30)
    assert answer == b"hello"
    assert process.returncode == 0, errors
    assert one_hop.asked_of(-1) == {NAME}


async def _ask(port: int) -> bytes:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:  # it does not listen yet
            await asyncio.sleep(0.01)
            continue
        writer.write(b"hello")
        answer = await reader.read(100)
        writer.close()
        return answer


@pytest.mark.parametrize("how", HOW)
def test_proxywrap_in_proxywrap(world: World, talk: Callable[..., Words], how: str) -> None:
    """The inner chain runs through the outer: its proxy hears of the inner one, which hears the name."""
    outer = SocksServer(names={INNER: ORIGIN})
    inner = SocksServer(names={NAME: ORIGIN}, host=ORIGIN)
    with world.running(outer), world.running(inner):
        nested = [*wrap(outer.url), *wrap(f"socks5://{INNER}:{inner.port}")]
        result = world.run([*nested, *HOW[how], *talk()])
        assert {str(access.host) for access in outer.log} == {INNER}
        assert {str(access.host) for access in inner.log} == {NAME}
    assert result.text == "all came back"
    assert result.complaints == []


def test_the_inner_proxywrap_ends_with_the_status_of_its_command(world: World, one_hop: Chain) -> None:
    """A signal, too, passes through both."""
    nested = [*wrap(one_hop.urls), *wrap("socks5://127.0.0.1:9")]
    assert world.run([*nested, "sh", "-c", "exit 7"], expect=None).returncode == 7
    killed = world.run([*nested, "sh", "-c", "kill -TERM $$"], expect=None)
    assert killed.returncode == -signal.SIGTERM

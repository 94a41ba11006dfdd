"""The helper's life after COMMAND has started: serve, reap, tell the launcher, end.

Everything here ends when the last descendant of COMMAND is gone.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from proxywrap.config import Config
from proxywrap.helper.attempt import Attempts
from proxywrap.helper.context import Context
from proxywrap.helper.directory import remove_directory
from proxywrap.helper.early import Early
from proxywrap.helper.family import Family, parent_of
from proxywrap.helper.farnames import FarNames
from proxywrap.helper.guide import Guide
from proxywrap.helper.nameserver import NameServer
from proxywrap.helper.notify import Supervisor
from proxywrap.helper.process import Setup, Voice, was_hung_up
from proxywrap.helper.relays import Relays
from proxywrap.helper.server import ControlServer
from proxywrap.helper.session import Filtered, Loan, Work
from proxywrap.net.connector import Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.tunnels import Tunnels

if TYPE_CHECKING:
    from proxywrap.helper.admin import AdminServer

__all__ = ["live"]

LAST_BYTES_S = 60.0
"""How long what ended programs have sent may take to be on its way, as long as FIN_WAIT2 lasts (tcp(7))."""

SOON_S = 0.25
"""How long the launcher may wait for the last bytes."""

ROOM_S = 0.1
"""How soon a service manager is asked again that had no room: nothing tells when it has."""


def live(setup: Setup, family: Family, early: Early) -> None:
    """Serve until COMMAND and all its descendants are gone, beginning with what `early` has taken."""
    gc.freeze()
    gc.enable()
    # Not closed, for that waits until the last name has been looked up; the process ends now.
    asyncio.Runner().run(_Life(setup, family, early, setup.open_report()).run())


class _Life:
    def __init__(self, setup: Setup, family: Family, early: Early, report: Voice) -> None:
        self._setup = setup
        self._family = family
        self._early = early
        self._report = report
        self._is_over = asyncio.Event()
        self._drain: Callable[[], None] | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        # Kept for as long as we live: bound, so that nobody listens there.
        refusing = _bind_refusing()
        context = self._early.context
        context.report = self._report.report
        for event in self._early.held:
            context.report(event)
        names = NameServer(context)
        refused: dict[int, tuple[str, int]] = {sock.family: sock.getsockname()[:2] for sock in refusing}
        self._family.on_command_end = self._fall_silent
        self._family.on_last_end = self._end
        loop.add_signal_handler(signal.SIGCHLD, self._family.reap)
        self._setup.channel.setblocking(False)
        loop.add_reader(self._setup.channel, self._launcher_stirred)
        async with asyncio.TaskGroup() as tasks:
            tunnels = Tunnels(os.environ, self._setup.config.ip_version)
            self._family.is_ours = tunnels.owns
            relays = Relays(tunnels)
            hop_names = HopNames(self._setup.config.ip_version)
            deadlines = _deadlines(self._setup.config)
            guide = Guide(context, deadlines, names.sockets, relays, hop_names, tasks.create_task)
            names.begin(guide, tasks.create_task)
            attempts = Attempts(context, guide, refused)
            supervisor = Supervisor(context, attempts, guide, names.sockets, refused, tasks.create_task)

            def take(work: Work) -> None:
                if isinstance(work, Loan):
                    tasks.create_task(attempts.connect(work))
                elif isinstance(work, Filtered):
                    supervisor.add(work.listener)
                else:
                    names.take(work)

            server = ControlServer(self._setup.listeners, context, take)
            server.adopt(self._early.work, self._early.silent)
            server.start()
            guide.prepare()
            self._drain = server.drain
            if self._family.has_command_ended:
                self._fall_silent()
            self._family.reap()  # for what ended before the loop could hear of it
            await asyncio.sleep(0)  # who waits is served first
            admin = self._keep_in_step(context, guide, names.far)
            await self._is_over.wait()
            server.stop()
            if admin is not None:
                admin.close()
            attempts.cancel()
            names.stop_asking()
            guide.close()
            supervisor.close()
            await self._close(relays)
        names.close()
        for sock in refusing:
            sock.close()

    def _keep_in_step(self, context: Context, guide: Guide, far: FarNames) -> AdminServer | None:
        """Read the configuration anew when it has changed, or when somebody asks for that."""
        from proxywrap.helper.admin import AdminServer  # noqa: PLC0415 - the parser comes with it
        from proxywrap.helper.reload import Reloader  # noqa: PLC0415

        def adopt(config: Config) -> None:
            context.router.adopt(config)
            guide.adopt(_deadlines(config), config.all_hops)
            far.forget()

        reloader = Reloader(self._setup.config, adopt, context.report)
        context.on_request = reloader.look
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.reload)
        if was_hung_up():
            reloader.reload()
        listener, pids = self._setup.admin, {os.getpid(), self._family.launcher}
        title = f"{self._family.launcher} ({os.path.basename(self._setup.program)})"
        return None if listener is None else AdminServer(listener, reloader, pids, title)

    def _fall_silent(self) -> None:
        """COMMAND has ended, others live on: what is theirs to hear goes to the log."""
        self._hear_out()
        self._report.close()
        self._report.detach()
        _release_stderr()

    def _end(self) -> None:
        """All are gone: before the launcher hears of it, nothing of us is left."""
        self._hear_out()
        self._report.close()
        remove_directory(self._setup.directory)
        self._is_over.set()

    async def _close(self, relays: Relays) -> None:
        """Wait for the last bytes, and let the launcher go if they are stuck."""
        late = asyncio.get_running_loop().call_later(SOON_S, self._linger, relays)
        await relays.close(LAST_BYTES_S)
        late.cancel()

    def _linger(self, relays: Relays) -> None:
        """Something that programs have sent is not on its way yet: nobody need wait for that.

        Whoever would have ended them can end us: Ctrl-C where the launcher was
        started, and SIGTERM.
        """
        self._report.detach()
        _release_stderr()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, relays.cut)
        _join_group_of_parent(self._family.launcher)
        self._family.tell_lingering()

    def _hear_out(self) -> None:
        """Take what was told by processes that have ended since."""
        if self._drain is not None:
            self._drain()

    def _launcher_stirred(self) -> None:
        """Pass a notification on; or take note that the launcher has gone, killed or its work done."""
        from proxywrap.helper.notices import MAX_DESCRIPTORS, MAX_MESSAGE_BYTES  # noqa: PLC0415 - for services

        channel, manager = self._setup.channel, self._setup.manager
        try:
            text, fds, _flags, _address = socket.recv_fds(channel, MAX_MESSAGE_BYTES, MAX_DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            text, fds = b"", []
        if text and manager is not None:
            self._notify(text, fds, manager)
            return
        asyncio.get_running_loop().remove_reader(channel)
        self._family.kill_command()

    def _notify(self, text: bytes, fds: Sequence[int], manager: bytes) -> None:
        """Notify the service manager in our own name, as soon as it has room."""
        from proxywrap.helper.notices import send_notice  # noqa: PLC0415 - for services

        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            try:
                send_notice(sock, text, fds, manager)
            except BlockingIOError:
                loop.remove_reader(self._setup.channel)
                loop.call_later(ROOM_S, self._notify, text, fds, manager)
            else:
                loop.add_reader(self._setup.channel, self._launcher_stirred)


def _deadlines(config: Config) -> Deadlines:
    options = config.options
    return Deadlines(options.tcp_connect_time_out_ms / 1000, options.tcp_read_time_out_ms / 1000)


def _join_group_of_parent(launcher: int) -> None:
    """Get what the terminal sends to whoever has started the launcher."""
    with suppress(OSError):  # one of them has gone, or has another terminal
        os.setpgid(0, os.getpgid(parent_of(launcher)))


def _release_stderr() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)


def _bind_refusing() -> list[socket.socket]:
    """Return sockets that are bound to loopback ports and do not listen."""
    bound = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.bind((host, 0))
        except OSError:  # no such family here, so no socket of it will fail
            sock.close()
        else:
            bound.append(sock)
    return bound

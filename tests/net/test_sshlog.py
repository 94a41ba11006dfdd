"""What OpenSSH's client prints, word for word, and what is made of it."""

from __future__ import annotations

import errno

import pytest

from proxywrap.errors import ProxyRefused, ProxyUnreachable, ProxywrapError, TruncatedError
from proxywrap.net.sshlog import HostKeyRefused, NameUnknown, NoConnection, SshLog

LOGIN = """\
debug2: resolve_canonicalize: hostname 127.0.0.1 is address\r
debug1: Connecting to 127.0.0.1 [127.0.0.1] port 22722.\r
debug1: Connection established.\r
debug1: identity file /tmp/sshx/client type 3\r
debug1: Local version string SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r
debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1 Debian-2+deb12u10\r
debug1: Authenticating to 127.0.0.1:22722 as 'root'\r
debug1: SSH2_MSG_SERVICE_ACCEPT received\r
debug1: Authentications that can continue: publickey,keyboard-interactive\r
"""

OPENING = """\
Authenticated to 127.0.0.1 ([127.0.0.1]:22722) using "publickey".\r
debug1: channel_connect_stdio_fwd: 127.0.0.1:22723\r
debug1: channel 0: new stdio-forward [stdio-forward] (inactive timeout: 0)\r
debug1: Entering interactive session.\r
debug1: client_input_global_request: rtype hostkeys-00@openssh.com want_reply 0\r
debug2: channel_input_open_confirmation: channel 0: callback start\r
debug2: channel_input_open_confirmation: channel 0: callback done\r
"""

HALF_CLOSED = """\
debug2: channel 0: read<=0 rfd 4 len 0\r
debug2: channel 0: read failed\r
debug2: chan_shutdown_read: channel 0: (i0 o0 sock -1 wfd 4 efd -1 [closed])\r
debug2: channel 0: input open -> drain\r
debug2: channel 0: ibuf empty\r
debug2: channel 0: send eof\r
debug2: channel 0: input drain -> closed\r
"""

CLOSED = """\
debug2: channel 0: rcvd eof\r
debug2: channel 0: output open -> drain\r
debug2: channel 0: obuf empty\r
debug2: chan_shutdown_write: channel 0: (i3 o1 sock -1 wfd 5 efd -1 [closed])\r
debug2: channel 0: output drain -> closed\r
debug2: channel 0: rcvd close\r
debug1: stdio forwarding: done\r
"""


def _read(text: str) -> SshLog:
    log = SshLog()
    for line in text.split("\n"):
        log.take(line)
    return log


def _states(log: SshLog) -> list[bool]:
    return [log.is_connected, log.is_authenticated, log.is_open, log.has_sent_all, log.has_received_all]


def test_the_life_of_a_channel() -> None:
    """Each sign has one meaning, and nothing that stands around it has any."""
    text = ""
    for number, part in enumerate(
        [
            LOGIN,
            OPENING,
            "debug2: channel 0: open confirm rwindow 2097152 rmax 32768\r\n",
            HALF_CLOSED,
            CLOSED,
        ],
        1,
    ):
        text += part
        assert _states(_read(text)) == [True] * number + [False] * (5 - number)


def test_another_way_to_authenticate() -> None:
    """Releases before 8.9 say it so, and do not say the other."""
    assert _read("debug1: Authentication succeeded (publickey).\r\n").is_authenticated


def test_another_ssh_that_has_the_connection() -> None:
    """It opens the channel, and says so in its own words."""
    log = _read(
        "debug2: mux_client_hello_exchange: master version 4\r\n"
        "debug1: mux_client_request_stdio_fwd: master session id: 2\r\n"
    )
    assert log.is_shared
    assert _states(log)[:3] == [True, True, True]
    log = _read("Stdio forwarding request failed: Session open refused by peer\r\n")
    assert log.refusal is not None
    assert (log.refusal.errno, log.refusal.is_destination_fault) == (errno.ECONNREFUSED, True)


@pytest.mark.parametrize(
    ("line", "error", "is_destination_fault"),
    [
        ("connect failed: Connection refused", errno.ECONNREFUSED, True),
        ("connect failed: No route to host", errno.EHOSTUNREACH, True),
        ("connect failed: Network is unreachable", errno.ENETUNREACH, True),
        ("connect failed: Connection timed out", errno.ETIMEDOUT, True),
        ("connect failed: Name or service not known", errno.EHOSTUNREACH, True),
        ("connect failed: something else", errno.ECONNREFUSED, True),
        ("administratively prohibited: open failed", errno.EACCES, False),
        ("unknown channel type: unsupported channel type", errno.ECONNREFUSED, False),
        ("resource shortage", errno.ECONNREFUSED, False),
    ],
)
def test_a_refusal(line: str, error: int, is_destination_fault: bool) -> None:  # noqa: FBT001
    """The errno is what the program would have had without a proxy, where it is the destination's."""
    log = _read(
        f"{LOGIN}{OPENING}channel 0: open failed: {line}\r\n"
        "debug2: channel_input_open_failure: channel 0: callback start\r\nstdio forwarding failed\r\n"
    )
    assert log.refusal is not None
    assert not log.is_open
    assert (log.refusal.errno, log.refusal.is_destination_fault) == (error, is_destination_fault)
    assert log.refusal.is_about_name is ("Name or service" in line)
    assert log.refusal.reason.startswith(line)


CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
Host key for [127.0.0.1]:22722 has changed and you have requested strict checking.\r
Host key verification failed.\r
"""


@pytest.mark.parametrize(
    ("text", "kind", "error", "reason"),
    [
        (
            "ssh: Could not resolve hostname no.such.test: Name or service not known\r\n",
            NameUnknown,
            errno.EHOSTUNREACH,
            "its name cannot be resolved: Name or service not known: ",
        ),
        (
            (
                "debug1: connect to address 127.0.0.1 port 9: Connection refused\r\n"
                "ssh: connect to host 127.0.0.1 port 9: Connection refused\r\n"
            ),
            NoConnection,
            errno.ECONNREFUSED,
            "cannot be connected to: Connection refused: is it running, ",
        ),
        (
            "ssh: connect to host ::1 port 22: No route to host\r\n",
            NoConnection,
            errno.EHOSTUNREACH,
            "cannot be connected to: No route to host: is its address right, ",
        ),
        (
            "ssh: connect to host ::1 port 22: Invalid argument\r\n",
            NoConnection,
            errno.ECONNREFUSED,
            "cannot be connected to: Invalid argument: is its address right?",
        ),
        (f"{LOGIN}{CHANGED}", HostKeyRefused, errno.ECONNREFUSED, "its host key is another one than "),
        (
            f"{LOGIN}Host key verification failed.\r\n",
            HostKeyRefused,
            errno.ECONNREFUSED,
            "its host key is not known here: ",
        ),
        (
            f"{LOGIN}root@127.0.0.1: Permission denied (publickey,keyboard-interactive).\r\n",
            ProxyRefused,
            errno.EACCES,
            "lets us in with no key that ssh has (publickey,keyboard-interactive): ",
        ),
        (
            (
                f"{LOGIN}Received disconnect from 127.0.0.1 port 22:2: Too many authentication failures\r\n"
                "Disconnected from 127.0.0.1 port 22\r\n"
            ),
            ProxyRefused,
            errno.EACCES,
            "lets us in with no key that ssh has (Too many authentication failures): ",
        ),
        (
            (
                "kex_exchange_identification: Connection closed by remote host\r\n"
                "Connection closed by 127.0.0.1 port 22723\r\n"
            ),
            TruncatedError,
            errno.ECONNREFUSED,
            "expected an SSH server, but the connection was closed",
        ),
        (LOGIN, TruncatedError, errno.ECONNREFUSED, "expected an SSH server, "),
        (
            "command-line: line 0: Bad configuration option: foo\r\n",
            ProxyUnreachable,
            errno.ECONNREFUSED,
            "ssh has ended: command-line: line 0: Bad configuration option: foo: ",
        ),
        ("\x1b[2Jhello\r\n", ProxyUnreachable, errno.ECONNREFUSED, "ssh has ended: ?[2Jhello: "),
        ("", ProxyUnreachable, errno.ECONNREFUSED, "ssh has ended: it said nothing: "),
    ],
)
def test_a_fault(text: str, kind: type[ProxywrapError], error: int, reason: str) -> None:
    """Is put in words that say what to do."""
    fault = _read(text).fault()
    assert type(fault) is kind
    assert fault.errno == error
    assert str(fault).startswith(reason)


def test_what_a_server_has_ssh_print_means_nothing() -> None:
    """Its banner comes between, with blanks or without."""
    log = _read("Authorised users only. Permission denied (to others).\r\n  Authenticated to nobody\r\n")
    assert _states(log) == [False] * 5
    assert isinstance(log.fault(), ProxyUnreachable)

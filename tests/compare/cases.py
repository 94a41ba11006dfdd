"""The cases: each is one behaviour, and one line of `make compare`.

Their ids are rows of docs/CASES.md, which says what each is about.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.stage import End

from .verdict import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, slots=True)
class Case:
    """What to run and how to look at it.

    Args:
        id: as docs/CASES.md has it.
        command: its words, as a shell would part them; see `Programs`.
        end: what becomes of the connection in the end. With it the oracle is the
            kernel alone, and the proxy holds its answer until the program says.
        is_held: whether the proxy holds its answer, without such an oracle.
        needed: it holds them until so many requests are there.
        asks: what the proxy must have been asked for.
        means: patterns of lines, and what it means that one is not the oracle's.
        is_anonymous: whether addresses are compared by their family alone.
        may_refuse: whether a refusal is as right as the oracle's outcome.
        limit_s: when to stop waiting for a peer.
        compiler: of the C programs.
        flags: for the compiler.
        shows: ids of other rows that it shows as well.

    """

    id: str
    command: str
    end: End | None = None
    is_held: bool = False
    needed: int = 0
    asks: str = ""
    means: tuple[tuple[str, Kind], ...] = ()
    is_anonymous: bool = False
    may_refuse: bool = False
    limit_s: float = 3.0
    compiler: str = "cc"
    flags: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words of the command."""
        return shlex.split(self.command)


EVENTS = (
    (r"^connect\(", Kind.BLOCKS),
    ("^early", Kind.BLOCKS),
    ("^event|^poll", Kind.NEVER),
    ("^error", Kind.LOST),
)
RUNPATH = ("-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN")
LARGE = ("-D_FILE_OFFSET_BITS=64",)
OPTIONS = (("FD_CLOEXEC|O_NONBLOCK|TCP_|SO_|inode|port|duplicate|family|peer", Kind.LOST),)

NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"
DIAL = "{dial.c} 198.51.100.7 7"
SETGID = "cp {dial.c} set && chgrp 65534 set && chmod 2755 set && exec ./set 198.51.100.7 7"


def _looked_up(row: str, function: str, *shows: str, name: str = "site.test") -> Case:
    return Case(row, f"names.c {function} {name}", is_anonymous=True, shows=shows)


def _pending(row: str, command: str, end: End = End.ACCEPTED, *shows: str) -> Case:
    means = EVENTS if command.startswith(("epoll_first", "nonblocking")) else ()
    return Case(row, command, end, means=means, limit_s=6, shows=shows)


REFERENCE = [
    Case(
        "peers-ref-name-sent",
        "names.c getaddrinfo site.test",
        asks="name site.test:7",
        is_anonymous=True,
        shows=("sym-getaddrinfo",),
    ),
    Case("peers-ref-options", "kept.c options", means=OPTIONS),
    _pending("peers-ref-nonblocking", "nonblocking.c"),
    _pending("peers-ref-epoll-before", "epoll_first.c level"),
    _pending("peers-ref-refused-nonblocking", "nonblocking.c", End.REFUSED),
    Case("peers-ref-node-http", "http_get.mjs http://site.test/", is_held=True),
    Case("peers-ref-asyncio-parallel", "parallel.py site.test 7 4", needed=4),
    Case(
        "peers-ref-fake-in-child",
        """env sh -c 'exec {dial.c} "$({resolve.c} 127.0.0.1 1 site.test)" 7'""",
        means=((r"^connect\(", Kind.LOST),),
    ),
    Case("peers-ref-udp-connect", "udp.c 9", may_refuse=True),
    Case("peers-ref-listen-any", "listen_any.c"),
    _looked_up("peers-ref-gethostbyname-r", "gethostbyname_r", "sym-gethostbyname_r"),
    _looked_up("peers-ref-gethostbyname2", "gethostbyname2", "sym-gethostbyname2"),
    _looked_up("peers-ref-getaddrinfo-a", "getaddrinfo_a", "sym-getaddrinfo_a"),
    _looked_up("peers-ref-res-query", "res_query", "sym-res_query", "prog-ssh-res-query"),
    Case(
        "peers-ref-fastopen-sendto",
        "fastopen.c sendto waits",
        means=OPTIONS,
        shows=("prog-wget2-fastopen",),
    ),
    _looked_up("peers-ref-hints-null", "no-hints"),
    Case("peers-ref-syscall-connect", "by_number.c", shows=("trap-syscall-others", "sym-syscall")),
    Case("peers-ref-fastopen-sendmsg", "fastopen.c sendmsg waits", means=OPTIONS),
    Case("peers-ref-java", "Talk.java site.test 7", limit_s=8, shows=("prog-java-mapped",)),
    Case("peers-ref-static", "dial.c", flags=("-static",), may_refuse=True),
]

BASE = [
    Case("base-same-socket", "kept.c identity", means=OPTIONS),
    Case("base-family", "kept.c family mapped", means=OPTIONS),
    Case("base-peer-name", "kept.c peer", means=OPTIONS),
    _pending("base-no-early-bytes", "io_early.c"),
    Case("base-speaks-first", "speaks_first.c"),
    Case("base-unprivileged", f"{NOBODY} {DIAL}", shows=("prog-apt-other-uid",)),
]

TRAPS = [
    Case("trap-fd-close-range", "hygiene.c close_range site.test"),
    Case("trap-fd-closefrom", "hygiene.c closefrom site.test", shows=("fd-everything-closed",)),
    Case("trap-fd-close-range-number", "hygiene.c number site.test"),
    Case("trap-fd-close-loop", "hygiene.c loop site.test"),
    Case("trap-fd-dup2-over", "hygiene.c dup2 site.test", shows=("fd-everything-overwritten",)),
    Case("trap-fd-none-kept", "descriptors.c"),
    Case("trap-thread-signals", "signal_mask.c"),
    Case("trap-fork-orphan", "orphan_name.c"),
    Case("trap-thread-names", "thread_names.c"),
    Case("trap-exec-environment", "exec_child.c execve empty"),
    Case("trap-spawn-environment", "exec_child.c posix_spawn empty"),
    Case("trap-env-i", f"env -i {DIAL}"),
    Case("trap-subprocess-env", f"subprocess_empty.py {DIAL}"),
    Case("trap-file-capabilities", f"file_caps.py {DIAL}", may_refuse=True),
    Case("trap-bwrap", f"bwrap --dev-bind / / --unshare-user --unshare-pid {DIAL}"),
    Case("trap-setuid", f"""env sh -c 'cd "$HOME" && {SETGID}'""", may_refuse=True),
    Case("trap-static-pie", "dial.c", flags=("-static-pie",), may_refuse=True),
    Case("trap-musl", "names.c getaddrinfo site.test", compiler="musl-gcc", is_anonymous=True),
    Case("trap-musl-dlopen", "load.c plain {loaded_object.c}", compiler="musl-gcc"),
    Case("trap-old-versions", "versions.c"),
    Case("trap-old-versions-resolver", "versions_res.c", shows=("sym-__res_query",)),
    Case("trap-dlsym", "by_dlsym.c"),
    Case("trap-fcntl64", "dup_early.c dupfd before", End.ACCEPTED, flags=LARGE, shows=("sym-fcntl64",)),
    Case("trap-hostent-life", "hostent_life.c", shows=("trap-hostent-aliases",)),
    Case("trap-hostent-ipv6", "reverse.c six.test 6", is_anonymous=True),
    Case("trap-hostent-erange", "hostent.c name_r site.test", is_anonymous=True),
    Case("trap-addrinfo-family", "addrinfo.c six.test 80 10 0 1", is_anonymous=True),
    Case("trap-addrinfo-socktype", "addrinfo.c site.test 80 2 0 0", is_anonymous=True),
    Case("trap-addrinfo-service", "addrinfo.c site.test nosuchservice 2 0 1"),
    Case("trap-addrinfo-localhost", "addrinfo.c localhost 80 0 0 1"),
    Case("trap-addrinfo-null-node", "addrinfo.c - 80 - 0 1"),
    Case("trap-addrinfo-unknown-name", "nowhere.mjs http://nowhere.test/"),
    Case("trap-addrinfo-numerichost", "addrinfo.c site.test 80 2 4 1"),
    Case(
        "trap-addrinfo-spelling",
        "names.c getaddrinfo SITE.TEST.",
        asks="name site.test:7",
        is_anonymous=True,
        shows=("trap-addrinfo-trailing-dot",),
    ),
    Case("trap-addrinfo-three-parts", "addrinfo.c 1.2.3 80 2 0 1"),
    Case(
        "trap-nameinfo",
        "reverse.c site.test",
        is_anonymous=True,
        shows=("trap-nameinfo-namereqd", "sym-getnameinfo", "sym-gethostbyaddr"),
    ),
    Case("trap-fake-range", "usable.c site.test"),
    Case("trap-fake-mapped", "mapped.c site.test", asks="name site.test:7"),
    Case("trap-fastopen-sendmmsg", "fastopen.c sendmmsg waits", means=OPTIONS),
    Case("trap-fastopen-connect", "fastopen_connect.c", means=OPTIONS, shows=("prog-curl-fastopen",)),
    _pending("trap-connect-unspec", "connect_unspec.c"),
    _pending("trap-connect-again", "connect_again.c", End.ACCEPTED, "pend-connect-after-error"),
    _pending("trap-connect-eintr", "connect_interrupted.c", End.ACCEPTED, "prog-perl-alarm"),
    _pending("trap-connect-restart", "connect_restarted.c"),
    _pending("trap-connect-bad-address", "connect_bad.c"),
    Case("trap-mdns", "mdns.c", may_refuse=True),
    Case("trap-udp-dns", "udp.c 53", shows=("prog-c-ares-dns",)),
    Case("trap-constructor", "dial.c", flags=("-Wl,--no-as-needed", "{early_object.c}")),
    _pending("trap-malloc", "no_malloc.c"),
    Case("trap-tsan", "dial.c", flags=("-fsanitize=thread",), limit_s=6),
    Case("trap-sh", "sh -c 'echo it: runs'"),
]

OWN_TESTS = [
    Case("own-px-hosts-file", "hosts_file.c"),
    Case("own-px-v4-in-v6", "other_family.c"),
    Case("own-ts-fd-passing", "pass_fds.c", shows=("fd-passed-connected",)),
    Case("own-ts-getpeername", "peername.c"),
    Case("own-ts-socket", "sockets.c"),
    Case("own-ts-icmp", "raw.c", may_refuse=True),
]

PROGRAMS = [
    _pending("prog-chromium-so-error", "connect_pending.c", End.ACCEPTED, "prog-firefox-getpeername"),
    Case("prog-firefox-https-record", "https_record.c", shows=("sym-res_nquery",)),
    _looked_up("prog-firefox-gethostbyname2-r", "gethostbyname2_r", "sym-gethostbyname2_r"),
    _looked_up("prog-rsync-gethostbyname", "gethostbyname", "sym-gethostbyname"),
    _looked_up("sym-res_search", "res_search"),
    _looked_up("sym-res_send", "res_send", "trap-res-send"),
    _looked_up("sym-res_nsearch", "res_nsearch"),
    _looked_up("sym-res_nsend", "res_nsend"),
    _pending("prog-libuv-close-by-number", "close_unseen.c number", End.ACCEPTED, "pend-unseen-close"),
    Case("prog-libuv-io-uring", "uring.c", may_refuse=True),
    Case("prog-php-deepbind", "load.c deepbind {loaded_object.c}", shows=("sym-dlopen",)),
    Case("prog-php-runpath", "load.c deepbind-search {loaded_object.c}", flags=RUNPATH),
    _pending("prog-lynx-connect-repeatedly", "connect_again.c", End.REFUSED),
    Case("prog-subprocess-fifty", "fifty.py 198.51.100.7 7", is_held=True, shows=("fd-subprocess",)),
    Case("pend-stalling-options", "stalling.c", shows=("pend-rcvlowat", "pend-cork")),
    _pending("sym-__read_chk", "io_chk.c", End.ACCEPTED, "sym-__recv_chk"),
    _pending("pend-select-high", "wait_select.c select 1024"),
    _pending("prog-socat-pselect", "wait_select.c pselect"),
    _pending("prog-ssh-ppoll", "wait_poll.c ppoll"),
    _pending("prog-screen-poll-chk", "wait_chk.c", End.ACCEPTED, "sym-__poll_chk", "sym-__ppoll_chk"),
    _pending("prog-libuv-epoll-pwait", "epoll_wakes.c pwait"),
    _pending("prog-nginx-edge-before", "epoll_first.c edge"),
    _pending("pend-oneshot", "epoll_first.c oneshot"),
    _pending("pend-nested", "epoll_nested.c level"),
    _pending("prog-subprocess-vfork", "child_early.c vfork"),
    _pending("prog-ssh-closefrom", "close_all.c closefrom"),
]

STARTS = [
    *("execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle"),
    *("posix_spawn", "posix_spawnp", "system", "popen"),
]

CHILDREN = [
    *(Case(f"sym-{name}", f"exec_child.c {name} cleared") for name in STARTS),
    Case("sym-fexecve", "exec_child.c fexecve empty"),
    Case("sym-execveat", "execveat.c - {dial.c}"),
]

CASES: Sequence[Case] = [*REFERENCE, *BASE, *TRAPS, *OWN_TESTS, *PROGRAMS, *CHILDREN]

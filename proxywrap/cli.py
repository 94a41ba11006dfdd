"""The two commands: `proxywrap`, nothing but a prefix, and `proxywrapctl`, with verbs.

Parsing and exit codes only. Each command imports what it needs when it runs,
for `proxywrap` stands before every command that somebody starts.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from proxywrap import __version__
from proxywrap.errors import ProxywrapError
from proxywrap.proxychains import NAMES, USAGE, UnknownFlag, translate

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from proxywrap.address import Endpoint, Host
    from proxywrap.config import Config

__all__ = ["as_proxychains", "control", "main"]

EXIT_OWN_ERROR = 125
"""proxywrap itself failed, as env(1) and timeout(1) say it; 126 and 127 speak of COMMAND."""

EXIT_INTERRUPTED = 130

PROXY_VARIABLE = "PROXYWRAP_PROXY"

PREFIX_EPILOG = """
\b
Examples:
  proxywrap -x socks5://127.0.0.1:1080 curl https://example.org/
  proxywrap -x socks5://USER:PASSWORD@first:1080 -x http://second git pull
  proxywrap -f ./proxychains.conf ssh host
  proxywrap --demo

\b
Without -x and -f (of which only one is possible) the proxies come from the
first of these: $PROXYWRAP_PROXY (URLs), $PROXYWRAP_CONF (a file),
  ~/.config/proxywrap/proxywrap.conf, /etc/proxywrap.conf,
  and the places of proxychains. `proxywrapctl config` shows which.

\b
Called by the name proxychains4 or proxychains, as a link to proxywrap, it
takes that tool's flags, -q and -f.

\b
The exit status is that of COMMAND; 125 if proxywrap itself fails, 126 if
COMMAND cannot be run, 127 if it is not found.

\b
Completion, for bash (zsh and fish likewise):
  eval "$(_PROXYWRAP_COMPLETE=bash_source proxywrap)"
"""

CONTROL_EPILOG = """
\b
Completion, for bash (zsh and fish likewise):
  eval "$(_PROXYWRAPCTL_COMPLETE=bash_source proxywrapctl)"
"""


def main(args: Sequence[str] | None = None) -> int:
    """Run `proxywrap`; return its exit status.

    Without `args` it is the whole process, and ends it.
    """
    if args is not None:
        return _run(_prefix, "proxywrap", args)
    name = os.path.basename(sys.argv[0])
    return _leave(as_proxychains(name, sys.argv[1:]) if name in NAMES else _run(_prefix, "proxywrap", None))


def as_proxychains(name: str, args: Sequence[str]) -> int:
    """Run `proxywrap` with the flags of proxychains-ng, by whose `name` it was called; return its status."""
    try:
        translated = translate(args, os.environ)
    except UnknownFlag as exc:
        _say(name, f"{exc}\nTry `{name} --help`.")
        return EXIT_OWN_ERROR
    if translated is None:
        click.echo(USAGE.format(name=name), nl=False)
        return 0
    return _run(_prefix, name, translated)


def control(args: Sequence[str] | None = None) -> int:
    """Run `proxywrapctl`; return its exit status."""
    return _run(_control, "proxywrapctl", args)


def _run(command: click.Command, prog_name: str, args: Sequence[str] | None) -> int:
    try:
        status = command.main(args, prog_name, standalone_mode=False)
    except click.UsageError as exc:
        _say(prog_name, f"{exc.format_message()}\nTry `{prog_name} --help`.")
    except click.ClickException as exc:
        _say(prog_name, exc.format_message())
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except ProxywrapError as exc:
        _say(prog_name, str(exc))
        return exc.exit_status
    except OSError as exc:
        _say(prog_name, str(exc))
    except Exception:  # noqa: BLE001 - a fault of ours must not look like COMMAND's exit status 1
        import traceback

        _say(prog_name, f"a fault in proxywrap itself, please report it\n{traceback.format_exc()}")
    else:
        return _end(status) if isinstance(status, int) else 0
    return EXIT_OWN_ERROR


def _end(status: int) -> int:
    if status >= 0:
        return status
    from proxywrap.launcher import end_like

    return end_like(status)


def _leave(status: int) -> NoReturn:
    """End the process at once: whoever waits for COMMAND need not wait for Python's own cleaning up."""
    for stream in (sys.stdout, sys.stderr):
        # None or closed where the caller closed it, which changes no status.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(status)


def _say(prog_name: str, text: str) -> None:
    """Write to stderr, which may be closed."""
    try:
        click.echo(f"{prog_name}: {_encodable(text)}", err=True)
    except (OSError, ValueError):
        return


def _encodable(text: str) -> str:
    """Return `text` with what a file name may have and UTF-8 has not made visible."""
    return text.encode("utf-8", "backslashreplace").decode()


# -- proxywrap ---------------------------------------------------------------


class _PrefixCommand(click.Command):
    """A command whose arguments end where COMMAND begins, in completion too."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete our options up to COMMAND, its files from there on."""
        from click.shell_completion import CompletionItem

        if ctx.params.get("command"):
            return [CompletionItem(incomplete, type="file")]
        return super().shell_complete(ctx, incomplete)


def _complete_command(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the programs of $PATH, or files where a path has been begun."""
    from click.shell_completion import CompletionItem

    if "/" in incomplete:
        return [CompletionItem(incomplete, type="file")]
    names: set[str] = set()
    for folder in os.get_exec_path():
        try:
            names.update(entry.name for entry in os.scandir(folder) if entry.name.startswith(incomplete))
        except OSError:
            continue
    return [CompletionItem(name) for name in sorted(names)]


@click.command(
    cls=_PrefixCommand,
    context_settings={"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]},
    epilog=PREFIX_EPILOG,
    options_metavar="[OPTIONS] [--]",
)
@click.option(
    "-f", "file", metavar="FILE", help="Read the proxies from FILE, in proxychains' grammar; - is stdin."
)
@click.option(
    "-x",
    "urls",
    metavar="URL",
    multiple=True,
    help="Go through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST[:PORT]. "
    "Repeat it for a chain, the nearest proxy first.",
)
@click.option("-q", "is_quiet", is_flag=True, help="Say nothing but proxywrap's own fatal errors.")
@click.option("-v", "verbose", count=True, help="Tell of every connection; -vv of every name too.")
@click.option(
    "--log", "log_path", metavar="FILE", help="Append everything that happens to FILE, as JSON lines."
)
@click.option(
    "--demo", "is_demo", is_flag=True, help="Show it at work, with a proxy and a web site of its own."
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.argument("command", metavar="COMMAND [ARGS]...", nargs=-1, shell_complete=_complete_command)
def _prefix(
    *,
    file: str | None,
    urls: tuple[str, ...],
    is_quiet: bool,
    verbose: int,
    log_path: str | None,
    is_demo: bool,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND with its connections and its names going through proxies.

    Everything after COMMAND belongs to COMMAND.
    """
    if is_quiet and verbose:
        raise click.UsageError("expected either -q or -v, found both")
    if is_demo:
        if file is not None or urls:
            raise click.UsageError("expected no proxy with --demo, which brings its own")
        return _run_demo(command, -1 if is_quiet else verbose, log_path)
    if not command:
        raise click.UsageError("expected a COMMAND to run, found none")
    config = _find_config(file, urls)
    if verbose:
        _say("proxywrap", f"configuration: {config.source}")
        for note in config.notes:
            _say("proxywrap", note)
    verbosity = verbose or (-1 if is_quiet or config.options.quiet_mode else 0)

    from proxywrap.launcher import launch

    return launch(command, config, verbosity=verbosity, log_path=log_path)


def _run_demo(command: Sequence[str], verbosity: int, log_path: str | None) -> int:
    from proxywrap.launcher import launch
    from proxywrap.parser import config_from_urls
    from proxywrap.testing.demo import running_demo

    with running_demo() as demo:
        config = config_from_urls([demo.url], "--demo")
        status = launch(command or demo.command, config, verbosity=verbosity, log_path=log_path)
        click.echo(demo.summary(), err=True)
    return status


def _find_config(file: str | None, urls: Sequence[str]) -> Config:
    from proxywrap.lookup import Sources, find_config

    environ = dict(os.environ)
    # Neither COMMAND nor whoever reads its environment is to see a password.
    os.environ.pop(PROXY_VARIABLE, None)
    return find_config(Sources(urls=urls, file=file, environ=environ, home=environ.get("HOME")))


# -- proxywrapctl ------------------------------------------------------------


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]}, epilog=CONTROL_EPILOG, no_args_is_help=False
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def _control() -> None:
    """Look at proxywrap's configuration, or run its server for testing."""


@_control.command("config")
@click.option("-f", "file", metavar="FILE", help="Read this file, as proxywrap would.")
@click.option("-x", "urls", metavar="URL", multiple=True, help="Take this proxy, as proxywrap would.")
def _show_config(*, file: str | None, urls: tuple[str, ...]) -> None:
    """Print the configuration in effect and where each line came from.

    Credentials are masked.
    """
    config = _find_config(file, urls)
    click.echo(_encodable(f"# found in: {config.source}"))
    for note in config.notes:
        click.echo(_encodable(f"# note: {note}"))
    for line, origin in config.lines():
        is_section = line.startswith("[")
        click.echo(_encodable(line if is_section else f"{line:<40} # {origin or 'default'}"))


@_control.command("serve")
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:1080",
    show_default=True,
    help="Port 0 is any free one.",
)
@click.option(
    "--user", "users", metavar="NAME:PASSWORD", multiple=True, help="Demand credentials, these among others."
)
@click.option("--name", "names", metavar="NAME=ADDRESS", multiple=True, help="Know this name.")
@click.option(
    "--delay",
    "delay_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Wait before each answer.",
)
@click.option("--log", "log_path", metavar="FILE", help="Append each request to FILE, as JSON lines.")
def _serve(
    *,
    listen: str,
    users: tuple[str, ...],
    names: tuple[str, ...],
    delay_s: float,
    log_path: str | None,
) -> int:
    """Run a SOCKS4, SOCKS4a, SOCKS5 and HTTP CONNECT server for testing."""
    from proxywrap.scrub import scrub
    from proxywrap.testing.serve import serve

    scrub(os.fsencode(user) for user in users)
    return serve(
        _parse_listen(listen),
        dict(_parse_user(user) for user in users),
        dict(_parse_name(name) for name in names),
        delay_s,
        log_path,
    )


def _parse_listen(text: str) -> Endpoint:
    from proxywrap.address import Endpoint, parse_host, parse_port

    host, colon, port = text.rpartition(":")
    if not colon or not host:
        _bad("--listen", f"expected HOST:PORT, found {text!r}")
    try:
        return Endpoint(parse_host(host), 0 if port == "0" else parse_port(port))
    except ValueError as exc:
        _bad("--listen", str(exc))


def _parse_user(text: str) -> tuple[bytes, bytes]:
    name, colon, password = os.fsencode(text).partition(b":")
    if not colon or not name:
        _bad("--user", "expected NAME:PASSWORD")
    return name, password


def _parse_name(text: str) -> tuple[str, Host]:
    from ipaddress import ip_address

    from proxywrap.address import normalise_name

    name, _, address = text.partition("=")
    try:
        return normalise_name(name), ip_address(address)
    except ValueError as exc:
        _bad("--name", f"expected NAME=ADDRESS: {exc}")


def _bad(option: str, text: str) -> NoReturn:
    raise click.BadParameter(text, param_hint=option)

"""The command `proxywrapctl`, with verbs: about proxywrap rather than through it.

Parsing and exit codes only; each verb imports what it needs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from proxywrap import __version__
from proxywrap.console import encodable, find_configuration, run, say, say_error

if TYPE_CHECKING:
    from proxywrap.address import Endpoint, Host
    from proxywrap.judging import Verdict

__all__ = ["control_command", "main"]

EPILOG = """
\b
Completion, for bash (zsh and fish likewise):
  eval "$(_PROXYWRAPCTL_COMPLETE=bash_source proxywrapctl)"
"""


def main(args: Sequence[str] | None = None) -> int:
    """Run `proxywrapctl`; return its exit status."""
    return run(control_command, "proxywrapctl", args)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG, invoke_without_command=True
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def control_command(ctx: click.Context) -> None:
    """Look at proxywrap's configuration, or run its server for testing."""
    if ctx.invoked_subcommand is None:
        raise click.UsageError("expected a verb, check, config, reload or serve, found none", ctx)


@control_command.command("config")
@click.option("-f", "file", metavar="FILE", help="Read this file, as proxywrap would.")
@click.option("-x", "urls", metavar="URL", multiple=True, help="Take this proxy, as proxywrap would.")
@click.option(
    "--check",
    "checked",
    metavar="FILE",
    help="Say all that is wrong with FILE, or else what it means; status 1 if something is wrong.",
)
@click.option(
    "--from-proxychains",
    "foreign",
    metavar="FILE",
    help="Print a file of proxychains-ng's in proxywrap's form, with a comment where the meaning differs. "
    "Its passwords are in it.",
)
@click.pass_context
def _show_config(
    ctx: click.Context, *, file: str | None, urls: tuple[str, ...], checked: str | None, foreign: str | None
) -> int:
    """Print the configuration in effect and where each line came from.

    Credentials are masked.
    """
    if sum([file is not None or bool(urls), checked is not None, foreign is not None]) > 1:
        raise click.UsageError("expected one of -f or -x, --check and --from-proxychains, found more", ctx)
    if checked is not None:
        from proxywrap.judging import check_file

        return _print(check_file(checked))
    if foreign is not None:
        from proxywrap.judging import translate_file

        return _print(translate_file(foreign))
    config = find_configuration(file, urls)
    click.echo(encodable(f"# found in: {config.source}"))
    for warning in config.warnings:
        click.echo(encodable(f"# warning: {warning}"))
    for note in config.notes:
        click.echo(encodable(f"# note: {note}"))
    for line, origin in config.lines():
        is_section = line.startswith("[")
        click.echo(encodable(line if is_section else f"{line:<40} # {origin or 'default'}"))
    return 0


def _print(verdict: Verdict) -> int:
    """Print what a file is found to be; return the exit status."""
    for line in verdict.lines:
        click.echo(encodable(line))
    for error in verdict.errors:
        say_error("proxywrapctl", str(error))
    return 1 if verdict.errors else 0


@control_command.command("check")
@click.option("-f", "file", metavar="FILE", help="Check this file's proxies.")
@click.option("-x", "urls", metavar="URL", multiple=True, help="Check this proxy.")
@click.option("--to", "place", metavar="HOST:PORT", help="Have the chains connect to it, and close at once.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def _check(*, file: str | None, urls: tuple[str, ...], place: str | None, is_json: bool) -> int:
    """Try the chains, and every proxy by those before it.

    The exit status is 1 if a chain is broken, or does not reach the destination of --to.

    Without --to, port 1 of the last proxy's own loopback is asked for, where nobody listens: its refusal
    tells that the way there works.
    """
    destination = None if place is None else _parse_place("--to", place)
    config = find_configuration(file, urls)
    from proxywrap.checktable import run_check

    return run_check(config, destination, is_json=is_json)


@control_command.command("reload")
@click.argument("pids", metavar="[PID]...", nargs=-1, type=int)
def _reload(*, pids: tuple[int, ...]) -> int:
    """Have your running proxywraps read their configuration files anew, all or those with these process ids.

    Connections that are made when this has returned go by the new configuration; one that cannot be used
    leaves the old one in effect, and the exit status is 1. A proxywrap also looks at its file by itself, once
    in a second at most, and reads it anew when its helper, the parent of COMMAND, is sent SIGHUP.
    """
    from proxywrap.running import reload_all

    status, is_alone = 0, True
    for answer in reload_all(pids):
        is_alone = False
        if answer.has_failed:
            status = 1
            say("proxywrapctl", answer.text)
        else:
            click.echo(encodable(answer.text))
    if is_alone:
        say("proxywrapctl", "expected a running proxywrap of yours, found none")
        return 1
    return status


@control_command.command("serve")
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
    metavar="SECONDS",
    default="0",
    help="Wait before each answer.",
)
@click.option("--log", "log_path", metavar="FILE", help="Append each request to FILE, as JSON lines.")
def _serve(
    *,
    listen: str,
    users: tuple[str, ...],
    names: tuple[str, ...],
    delay: str,
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
        _parse_delay(delay),
        log_path,
    )


def _parse_place(option: str, text: str) -> Endpoint:
    from proxywrap.address import Endpoint, parse_host, parse_port

    if "://" in text:
        _bad(option, f"expected HOST:PORT, found a URL{_place_of_url(text)}")
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        _bad(option, f"expected HOST:PORT, found {text!r}")
    try:
        return Endpoint(parse_host(host), parse_port(port))
    except ValueError as exc:
        _bad(option, str(exc))


def _place_of_url(text: str) -> str:
    """Return what to write for a URL, as the end of a sentence; nothing where that cannot be told."""
    from urllib.parse import urlsplit

    ports = {"http": 80, "https": 443, "ssh": 22, "ftp": 21}
    try:
        url = urlsplit(text)
        port = url.port or ports[url.scheme]
    except (ValueError, LookupError):
        return ""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f": write {host}:{port}" if host else ""


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
    if not colon:
        _bad("--user", "expected NAME:PASSWORD, found no ':' in it")
    if not name:
        _bad("--user", "expected NAME:PASSWORD, found nothing before the ':'")
    return name, password


def _parse_name(text: str) -> tuple[str, Host]:
    from ipaddress import ip_address

    from proxywrap.address import normalise_name

    name, equals, address = text.partition("=")
    if "://" in text:
        _bad("--name", f"expected NAME=ADDRESS, found a URL: {text}")
    if not equals:
        _bad("--name", f"expected NAME=ADDRESS, found no '=' in {text!r}")
    try:
        known = normalise_name(name)
    except ValueError as exc:
        _bad("--name", str(exc))
    try:
        return known, ip_address(address)
    except ValueError:
        _bad("--name", f"expected an IPv4 or IPv6 address after {name}=, found {address!r}")


def _parse_delay(text: str) -> float:
    try:
        delay_s = float(text)
    except ValueError:
        delay_s = math.nan
    if not 0 <= delay_s < math.inf:
        _bad("--delay", f"expected a number of seconds, 0 or more, found {text!r}")
    return delay_s


def _bad(option: str, text: str) -> NoReturn:
    raise click.UsageError(f"{option}: {text}", click.get_current_context())

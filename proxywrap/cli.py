"""The command `proxywrap`: nothing but a prefix of another one.

Parsing and exit codes only. What is needed is imported when it is, for this
stands before every command that somebody starts.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from proxywrap import __version__
from proxywrap.console import EXIT_OWN_ERROR, find_configuration, run, say
from proxywrap.proxychains import NAMES, USAGE, UnknownFlag, translate

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from proxywrap.config import Config

__all__ = ["PREFIX_EPILOG", "as_proxychains", "main", "prefix_command"]

ENGINES = ("auto", "preload", "seccomp", "both")
"""What `proxywrap.engines` knows, which need not be imported for this."""

PREFIX_EPILOG = """
\b
Examples:
  proxywrap -x socks5://127.0.0.1:1080 curl https://example.org/
  proxywrap -x socks5://USER:PASSWORD@first:1080 -x http://second git pull
  proxywrap -f ./proxychains.conf ssh host
  proxywrap --demo

\b
Without -x or -f (only one is possible) the proxies come from the
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


def main(args: Sequence[str] | None = None) -> int:
    """Run `proxywrap`; return its exit status.

    Without `args` it is the whole process, and ends it.
    """
    if args is not None:
        return run(prefix_command, "proxywrap", args)
    name = os.path.basename(sys.argv[0])
    return _leave(
        as_proxychains(name, sys.argv[1:]) if name in NAMES else run(prefix_command, "proxywrap", None)
    )


def as_proxychains(name: str, args: Sequence[str]) -> int:
    """Run `proxywrap` with the flags of proxychains-ng, by whose `name` it was called; return its status."""
    try:
        translated = translate(args, os.environ)
    except UnknownFlag as exc:
        say(name, f"{exc}\nTry `{name} --help`.")
        return EXIT_OWN_ERROR
    if translated is None:
        click.echo(USAGE.format(name=name), nl=False)
        return 0
    return run(prefix_command, name, translated)


def _leave(status: int) -> NoReturn:
    """End the process at once: whoever waits for COMMAND need not wait for Python's own cleaning up."""
    for stream in (sys.stdout, sys.stderr):
        # None or closed where the caller closed it, which changes no status.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(status)


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
    help="Go through this proxy: socks5://, socks4://, socks4a://, http:// or https://"
    "[USER:PASSWORD@]HOST[:PORT], and others. "
    "Repeat it for a chain, the nearest proxy first.",
)
@click.option("-q", "is_quiet", is_flag=True, help="Say nothing but proxywrap's own fatal errors.")
@click.option("-v", "verbose", count=True, help="Tell of every connection; -vv of every name too.")
@click.option(
    "--log", "log_path", metavar="FILE", help="Append everything that happens to FILE, as JSON lines."
)
@click.option("-c", "chain", metavar="NAME", help="Use this chain of the file where no rule says otherwise.")
@click.option("-4", "ip_version", flag_value=4, type=int, help="Reach the first proxy by IPv4 only.")
@click.option("-6", "ip_version", flag_value=6, type=int, help="Reach the first proxy by IPv6 only.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="How programs are entered: by a preloaded shim, by a seccomp filter, by both, or (auto, the "
    "default) by the shim, with a filter for what it cannot be loaded into.",
)
@click.option(
    "--keep-proxy-env",
    "keeps_proxy_env",
    is_flag=True,
    help="Leave COMMAND variables like http_proxy and ALL_PROXY that name a proxy which is reached directly.",
)
@click.option(
    "--demo", "is_demo", is_flag=True, help="Show it at work, with a proxy and a web site of its own."
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.argument("command", metavar="COMMAND [ARGS]...", nargs=-1, shell_complete=_complete_command)
def prefix_command(
    *,
    file: str | None,
    urls: tuple[str, ...],
    is_quiet: bool,
    verbose: int,
    log_path: str | None,
    ip_version: int | None,
    engine: str | None,
    chain: str | None,
    keeps_proxy_env: bool,
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
    is_for_proxychains = click.get_current_context().info_name in NAMES
    config = find_configuration(file, urls, is_for_proxychains=is_for_proxychains)
    config = _with_options(config, chain, ip_version, engine)
    verbosity = verbose or (-1 if is_quiet or config.options.quiet_mode else 0)
    if verbosity > 0:
        say("proxywrap", f"configuration: {config.source}")
    for remark in _remarks(config, verbosity):
        say("proxywrap", remark)
    if not keeps_proxy_env and not config.options.keeps_proxy_environment:
        _take_direct_proxies(config, verbosity)

    from proxywrap.launcher import launch

    return launch(command, config, verbosity=verbosity, log_path=log_path)


def _with_options(config: Config, chain: str | None, ip_version: int | None, engine: str | None) -> Config:
    if chain is not None:
        from proxywrap.remotenames import choose_chain

        try:
            config = choose_chain(config, chain)
        except ValueError as exc:
            raise click.BadParameter(str(exc), param_hint="-c") from None
    if ip_version is not None:
        config = config.with_ip_version(ip_version)
    return config if engine is None else config.with_engine(engine)


def _remarks(config: Config, verbosity: int) -> tuple[str, ...]:
    if verbosity < 0:
        return ()
    return (*config.warnings, *config.notes) if verbosity > 0 else config.warnings


def _take_direct_proxies(config: Config, verbosity: int) -> None:
    """Take variables out of the environment by which COMMAND would go past the chain."""
    if not any(
        "proxy" in name.lower() or name.upper().startswith(("SOCKS", "GIT_CONFIG_KEY")) for name in os.environ
    ):
        return
    from proxywrap.proxyenv import take_direct_proxies

    for line in take_direct_proxies(os.environ, config):
        if verbosity > 0:
            say("proxywrap", line)


def _run_demo(command: Sequence[str], verbosity: int, log_path: str | None) -> int:
    from proxywrap.launcher import launch
    from proxywrap.parser import config_from_urls
    from proxywrap.testing.demo import running_demo

    with running_demo() as demo:
        config = config_from_urls([demo.url], "--demo")
        status = launch(command or demo.command, config, verbosity=verbosity, log_path=log_path)
        click.echo(demo.summary(), err=True)
    return status

"""What both commands do alike: run, tell of what went wrong, find the configuration."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from proxywrap.errors import ProxywrapError
from proxywrap.masking import masked

if TYPE_CHECKING:
    from proxywrap.config import Config

__all__ = ["EXIT_OWN_ERROR", "encodable", "find_configuration", "run", "say", "say_error"]

EXIT_OWN_ERROR = ProxywrapError.exit_status
"""proxywrap itself failed; 126 and 127 speak of COMMAND."""

EXIT_INTERRUPTED = 130


def run(command: click.Command, prog_name: str, args: Sequence[str] | None) -> int:
    """Run a command of click's; return its exit status, having told of what went wrong."""
    try:
        status = command.main(args, prog_name, standalone_mode=False)
    except click.UsageError as exc:
        asked = exc.ctx.command_path if exc.ctx is not None else prog_name
        say_error(prog_name, f"{exc.format_message()}\nTry `{asked} --help`.")
    except click.ClickException as exc:
        say_error(prog_name, exc.format_message())
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except ProxywrapError as exc:
        say_error(prog_name, str(exc))
        return exc.exit_status
    except OSError as exc:
        say_error(prog_name, str(exc))
    except Exception as exc:  # noqa: BLE001 - a fault of ours must not look like COMMAND's exit status 1
        from proxywrap.lack import lack_of, lack_text

        if lack := lack_of(exc):
            say_error(prog_name, f"cannot start{lack_text(lack)}")
            return EXIT_OWN_ERROR
        import traceback

        say_error(prog_name, f"a fault in proxywrap itself, please report it\n{traceback.format_exc()}")
    else:
        return _end(status) if isinstance(status, int) else 0
    return EXIT_OWN_ERROR


def _end(status: int) -> int:
    if status >= 0:
        return status
    from proxywrap.launcher import end_like

    return end_like(status)


def say(prog_name: str, text: str) -> None:
    """Write to stderr, which may be closed; credentials of URLs are masked."""
    try:
        click.echo(f"{prog_name}: {encodable(masked(text))}", err=True)
    except (OSError, ValueError):
        return


def say_error(prog_name: str, text: str) -> None:
    """Say what is wrong, without the credentials of URLs that stand among the arguments."""
    arguments = "\n".join(sys.argv)
    hidden = masked(arguments, may_have_blanks=True)
    if masked(arguments) != hidden:
        # There is a blank in a password, so nobody can tell where it ends.
        text = re.sub(r"(?s)(?<=://).*", "***", text)
    elif arguments != hidden:
        # It may have been cut, by click at '=', by others at ':': then no @ stands behind it.
        text = re.sub(r"(?<=://)(?!\[USER[:@]|USER@HOST)\S+", "***", masked(text))
    say(prog_name, text)


def encodable(text: str) -> str:
    """Return `text` with what a file name may have and UTF-8 has not made visible."""
    return text.encode("utf-8", "backslashreplace").decode()


def find_configuration(file: str | None, urls: Sequence[str], *, is_for_proxychains: bool = False) -> Config:
    """Return the configuration that the options or else the environment name.

    `is_for_proxychains` tells that a file named by an option was written for proxychains-ng.

    Raises:
        ConfigError: as `proxywrap.lookup.find_config`.

    """
    from proxywrap.lookup import PROXY_VARIABLE, Sources, find_config

    environ = dict(os.environ)
    # Neither COMMAND nor whoever reads its environment is to see a password.
    os.environ.pop(PROXY_VARIABLE, None)
    return find_config(
        Sources(
            urls=urls,
            file=file,
            is_for_proxychains=is_for_proxychains,
            environ=environ,
            home=environ.get("HOME"),
        )
    )

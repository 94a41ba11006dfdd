"""Each error has the errno that the application must see, and says where it belongs."""

from __future__ import annotations

import errno

import pytest

from proxywrap import errors


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_a_proxywrap_error(name: str) -> None:
    """One handler at the top catches all that is raised on purpose."""
    assert issubclass(getattr(errors, name), errors.ProxywrapError)


@pytest.mark.parametrize(
    ("file", "line", "text"),
    [
        ("a.conf", 3, "a.conf:3: wrong"),
        ("-x", None, "-x: wrong"),
        (None, None, "wrong"),
    ],
)
def test_config_error_begins_with_its_place(file: str | None, line: int | None, text: str) -> None:
    """FILE:LINE: reason, as compilers say it."""
    assert str(errors.ConfigError("wrong", file, line)) == text


def test_default_errno_is_refused() -> None:
    """What nothing else is known of looks like a refused connection, never like success."""
    assert errors.ProxywrapError().errno == errno.ECONNREFUSED
    assert errors.HelperGone().errno == errno.ECONNREFUSED
    assert errors.RemoteProtocolError("x").errno == errno.ECONNREFUSED


def test_refusal_carries_errno_and_fault() -> None:
    """The report decides by the fault, the application by the errno."""
    error = errors.ProxyRefused("host unreachable", errno=errno.EHOSTUNREACH, is_destination_fault=True)
    assert (str(error), error.errno, error.is_destination_fault) == (
        "host unreachable",
        errno.EHOSTUNREACH,
        True,
    )


def test_unreachable_carries_errno() -> None:
    """The kernel's answer is kept."""
    error = errors.ProxyUnreachable("timed out", errno=errno.ETIMEDOUT)
    assert (error.reason, error.errno) == ("timed out", errno.ETIMEDOUT)


def test_truncation_is_an_end_of_file() -> None:
    """Code that knows only EOFError understands it too."""
    assert issubclass(errors.TruncatedError, EOFError)
    assert issubclass(errors.TruncatedError, errors.RemoteProtocolError)

"""Certificates of an authority that nobody else trusts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import trustme

__all__ = ["Certificates", "make_certificates"]


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: the authority's certificate, and chains with their keys."""

    ca: Path
    right: Path
    expired: Path
    elsewhere: Path


def make_certificates(directory: Path, *names: str) -> Certificates:
    """Write them for servers of these names; `elsewhere` is for another one, `expired` from last year."""
    authority = trustme.CA()
    ca = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))

    def write(name: str, certificate: trustme.LeafCert) -> Path:
        path = directory / f"{name}.pem"
        certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    last_year = dt.datetime.now(dt.UTC) - dt.timedelta(days=400)
    return Certificates(
        ca,
        write("right", authority.issue_cert(*names)),
        write(
            "expired",
            authority.issue_cert(*names, not_before=last_year, not_after=last_year + dt.timedelta(1)),
        ),
        write("elsewhere", authority.issue_cert("elsewhere.test")),
    )

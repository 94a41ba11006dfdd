"""pip, npm and cargo, each with an index of its own kind."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import NAME
from e2e.kit.origins import PAYLOAD, PAYLOAD_DIGEST, digest

from .registry import Registry, registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.kit.clients import Words
    from e2e.kit.world import World

NPM = Path(sys.executable).with_name("npm")
DEBIAN = {"CARGO": "/usr/bin/cargo", "RUSTC": "/usr/bin/rustc"}
"""The packages' own: rustup's want a home with toolchains in it."""

MAIN = """\
use std::io::Write;

fn main() {
    std::io::stdout().write_all(parcel::PAYLOAD).unwrap();
}
"""


@pytest.fixture
def index(world: World) -> Iterator[Registry]:
    """Run an empty index."""
    with world.running(registry()) as made:
        yield made


def _wheel() -> bytes:
    """Return a wheel of the package `parcel`, with PAYLOAD in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("parcel/__init__.py", b"")
        archive.writestr("parcel/payload", PAYLOAD)
        about = "parcel-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: parcel\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return file.getvalue()


def test_pip(world: World, prefix: Words, index: Registry, scratch: Path) -> None:
    """A package is found in the index and installed."""
    index.add_wheel("parcel", "parcel-1.0-py3-none-any.whl", _wheel())
    install = ["-m", "pip", "install", "-q", "--no-cache-dir", "--target", scratch, "parcel"]
    world.run(
        [*prefix, sys.executable, *install],
        env={
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_INDEX_URL": f"{index.url}/simple/",
            "PIP_TRUSTED_HOST": NAME,
        },
    )
    assert digest((scratch / "parcel/payload").read_bytes()) == PAYLOAD_DIGEST


def test_npm(world: World, prefix: Words, index: Registry, scratch: Path) -> None:
    """A package is published, and installed elsewhere."""
    parcel, shelf = scratch / "parcel", scratch / "shelf"
    parcel.mkdir()
    shelf.mkdir()
    (parcel / "package.json").write_text(json.dumps({"name": "parcel", "version": "1.0.0"}))
    (parcel / "payload").write_bytes(PAYLOAD)
    settings = scratch / "npmrc"
    host = index.url.partition(":")[2]
    settings.write_text(f"registry={index.url}/npm/\n{host}/npm/:_authToken=token\nupdate-notifier=false\n")
    words = [*prefix, NPM, "--userconfig", settings, "--cache", scratch / "cache", "--loglevel", "error"]
    world.run([*words, "publish"], cwd=parcel)
    world.run([*words, "install", "--no-audit", "--no-fund", "parcel"], cwd=shelf)
    payload = shelf / "node_modules/parcel/payload"
    assert digest(payload.read_bytes()) == PAYLOAD_DIGEST


def _write_crate(place: Path, rest: str) -> None:
    """Make the directory of a crate, with a manifest that ends in `rest`."""
    (place / "src").mkdir(parents=True)
    about = 'version = "1.0.0"\nedition = "2021"\nlicense = "MIT"\ndescription = "A parcel"\n'
    (place / "Cargo.toml").write_text(f'[package]\nname = "{place.name}"\n{about}{rest}')


def test_cargo(world: World, prefix: Words, index: Registry, scratch: Path) -> None:
    """A crate is published, and a program that depends on it is built and run."""
    index.add_crates()
    _write_crate(scratch / "parcel", "")
    _write_crate(scratch / "shelf", '[dependencies]\nparcel = { version = "1", registry = "here" }\n')
    (scratch / "parcel/src/payload").write_bytes(PAYLOAD)
    (scratch / "parcel/src/lib.rs").write_text('pub const PAYLOAD: &[u8] = include_bytes!("payload");\n')
    (scratch / "shelf/src/main.rs").write_text(MAIN)
    env = {
        **DEBIAN,
        "CARGO_HOME": str(scratch / "home"),
        "CARGO_REGISTRIES_HERE_INDEX": f"sparse+{index.url}/cargo/index/",
        "CARGO_REGISTRIES_HERE_TOKEN": "token",
    }
    words = [*prefix, DEBIAN["CARGO"]]
    publish = ["publish", "-q", "--registry", "here", "--no-verify", "--allow-dirty"]
    world.run([*words, *publish], env=env, cwd=scratch / "parcel")
    result = world.run([*words, "run", "-q"], env=env, cwd=scratch / "shelf")
    assert digest(result.stdout) == PAYLOAD_DIGEST

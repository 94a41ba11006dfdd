"""Each way to install gives a working `proxywrap`."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .shim_object import ROOT, output

pytestmark = pytest.mark.timeout(300)  # three virtual environments, each with what is needed to build


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout that has nothing but what is in the repository."""
    directory = tmp_path_factory.mktemp("clean") / "proxywrap"
    listed = output("git", "-C", ROOT, "ls-files", "-z").split("\0")
    for name in filter(None, listed):
        source = ROOT / name
        if source.is_file():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    return directory


def _environment(directory: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    return directory / "bin"


def _works(bin_directory: Path) -> None:
    """Run the installed program, from elsewhere, through its own proxy."""
    shown = subprocess.run(
        [bin_directory / "proxywrap", "--demo"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    assert output(bin_directory / "proxywrap", "--version").startswith("proxywrap")
    failed = subprocess.run(
        [bin_directory / "proxywrap", "-x", "socks5://127.0.0.1:1", "sh", "-c", "exit 7"], check=False
    )
    assert failed.returncode == 7


def test_install_from_a_clean_checkout(clean: Path, tmp_path: Path) -> None:
    """`pip install .`: nothing is taken from the checkout afterwards."""
    bin_directory = _environment(tmp_path)
    subprocess.run([bin_directory / "pip", "install", "--quiet", clean], check=True)
    where = output(bin_directory / "python", "-I", "-c", "import proxywrap; print(proxywrap.__file__)")
    assert str(tmp_path) in where
    for page in ("man1/proxywrap.1", "man1/proxywrapctl.1", "man5/proxywrap.conf.5"):
        assert (tmp_path / "share/man" / page).is_file()
    _works(bin_directory)


def test_editable_install(clean: Path, tmp_path: Path) -> None:
    """`pip install -e .`: the checkout itself is what runs."""
    bin_directory = _environment(tmp_path)
    subprocess.run([bin_directory / "pip", "install", "--quiet", "--editable", clean], check=True)
    _works(bin_directory)


def test_wheel(clean: Path, tmp_path: Path) -> None:
    """`python -m build`: an sdist, and from it a wheel for every Python from 3.11 on."""
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", tmp_path, clean], check=True, capture_output=True
    )
    (sdist,) = tmp_path.glob("*.tar.gz")
    (wheel,) = tmp_path.glob("*.whl")
    assert sdist.name.startswith("proxywrap-")
    assert "-cp311-abi3-linux_" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for needed in ("_native.abi3.so", "_preload.abi3.so", "py.typed", "cli.py"):
        assert f"proxywrap/{needed}" in names
    assert not [name for name in names if name.startswith(("tests/", "csrc/")) or name.endswith((".c", ".h"))]
    bin_directory = _environment(tmp_path / "env")
    subprocess.run([bin_directory / "pip", "install", "--quiet", wheel], check=True)
    _works(bin_directory)

"""Build the two native objects; everything else stands in pyproject.toml."""

from __future__ import annotations

import sys
from glob import glob

from setuptools import setup

sys.path.insert(0, "csrc")  # for the build steps below only
from preload_build import BuildPreload, preload

setup(
    cffi_modules=["csrc/cffi_build.py:ffi"],
    ext_modules=[preload([*sorted(glob("csrc/preload/*.c")), "csrc/notify/filter.c"])],
    cmdclass={"build_ext": BuildPreload},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

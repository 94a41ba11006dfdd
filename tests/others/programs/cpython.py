"""Run a module of CPython's own test suite, and add a line `OUTCOME TEST` to a file for each test.

usage: cpython.py FILE MODULE [PATTERN]...

Tests whose names match one of the patterns are left out.
"""

from __future__ import annotations

import sys
import traceback
import unittest
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from test import support

support.use_resources = ()  # nothing that needs a network, or much time


class Told(unittest.TestResult):
    """Tells what becomes of each test."""

    def _tell(self, outcome: str, test: unittest.TestCase) -> None:
        with Path(sys.argv[1]).open("a") as file:
            file.write(f"{outcome} {test.id().split(' ')[0]}\n")

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._tell("ok", test)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self._fail(test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._fail(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self._fail(test, err)

    def _fail(self, test: unittest.TestCase, err: Any) -> None:
        self._tell("failed", test)
        told = "".join(traceback.format_exception(err[1]))
        print(f"--- {test.id()}\n{told}", flush=True)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self._tell("skipped", test)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._tell("ok", test)


def wanted(suite: unittest.TestSuite) -> unittest.TestSuite:
    """Return a suite without what is left out."""
    kept = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            kept.addTest(type(test)([wanted(test)]))
        elif not any(fnmatchcase(test.id(), pattern) for pattern in sys.argv[3:]):
            kept.addTest(test)
    return kept


wanted(unittest.defaultTestLoader.loadTestsFromName(f"test.{sys.argv[2]}")).run(Told())

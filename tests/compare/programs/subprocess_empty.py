"""Run a program with an empty environment, as careful programs do.

usage: subprocess_empty.py PROGRAM [ARGUMENT]...
"""

from __future__ import annotations

import subprocess
import sys

print("status:", subprocess.run(sys.argv[1:], env={}, check=False).returncode)

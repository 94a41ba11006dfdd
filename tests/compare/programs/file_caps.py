"""Run a copy of a program that has file capabilities, as an ordinary user.

usage: file_caps.py PROGRAM [ARGUMENT]...
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile

CAP_NET_RAW = 13
EFFECTIVE, VERSION_2 = 1, 0x02000000

with tempfile.TemporaryDirectory(dir=os.environ["HOME"]) as directory:
    os.chmod(directory, 0o755)
    copy = shutil.copy(sys.argv[1], directory)
    value = struct.pack("<5I", VERSION_2 | EFFECTIVE, 1 << CAP_NET_RAW, 0, 0, 0)
    os.setxattr(copy, "security.capability", value)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    sys.exit(subprocess.run([*user, copy, *sys.argv[2:]], check=False).returncode)

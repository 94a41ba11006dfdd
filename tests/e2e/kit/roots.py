"""Other roots and mounts for a command: what a container, a service or a sandbox would see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clients import Words

__all__ = ["UNMEASURED", "read_only"]

UNMEASURED = {"COVERAGE_PROCESS_START": ""}
"""For where what coverage has measured could not be written."""

READ_ONLY = """\
awk '{ print length($5), $5 }' /proc/self/mountinfo | sort -rn | while read -r _ place; do
    mount -o remount,bind,ro "$place"
done
while [ "$1" != -- ]; do
    mount -t tmpfs -o mode=1777 none "$1"
    shift
done
shift
exec "$@"
"""


def read_only(*writable: object) -> Words:
    """Return the start of a command line: nothing can be written to, but for what lies in `writable`."""
    return ["unshare", "-m", "--propagation", "private", "sh", "-ec", READ_ONLY, "sh", *writable, "--"]

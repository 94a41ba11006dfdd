"""Run a command with an unusual inheritance.

usage: with_oddities.py default|ignored COMMAND [ARGUMENT]...
"""

from __future__ import annotations

import os
import resource
import signal
import sys

disposition, *command = sys.argv[1:]
# Python itself ignores these two, and what they were before cannot be known
# any more when its first line runs: a wrapper in Python makes them default.
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)
for number in set(signal.valid_signals()) - {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN if disposition == "ignored" else signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR1, signal.SIGCHLD, signal.SIGRTMIN + 3})
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 500))
resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, 64 << 20))
os.umask(0o027)
os.nice(3)
os.dup2(os.open("/dev/null", os.O_RDWR), 7)
os.dup2(os.open("/dev/null", os.O_RDONLY | os.O_APPEND), 42)
os.chdir("/usr/lib")
os.environ["PWD"] = "/usr/lib"
os.environ["EMPTY"] = ""
os.environ["LINES_AND_SPACES"] = "a b\tc"
os.execvp(command[0], command)

"""Connects all the time, in PROCESSES processes of THREADS threads, while the configuration changes.

After each reload that was acknowledged one more connect must meet the new rule.
Prints the connects that were made, those that failed, and the verdicts that were stale.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

PROCESSES, THREADS, ROUNDS = 8, 32, 12

name, port, path, proxy, ctl = sys.argv[1:]
RULES = ["block probe.test", "chain ProxyList probe.test", "block 203.0.113.9\nblock *.test:9"]


def write(rules: str) -> None:
    """Change the file as an editor does."""
    new = Path(path + ".new")
    new.write_text(f"[ProxyList]\n{proxy}\n[chain other]\nround_robin_chain\n{proxy}\n[rules]\n{rules}\n")
    new.rename(path)


def outcome(host: str) -> str:
    """Return what becomes of a connect."""
    try:
        with socket.create_connection((host, int(port)), 30) as sock:
            sock.sendall(b"x" * 8)
            return "ok" if sock.recv(8) else "closed"
    except OSError as exc:
        return str(exc)


def storm(until: int) -> None:
    """Connect until there is something to read; tell of it all."""
    ended, counts, failures = threading.Event(), [0] * THREADS, []

    def work(number: int) -> None:
        while not ended.is_set():
            result = outcome(name)
            counts[number] += 1
            if result != "ok":
                failures.append(result)

    threads = [threading.Thread(target=work, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    os.read(until, 1)
    ended.set()
    for thread in threads:
        thread.join()
    print(sum(counts), len(failures), *failures[:2], flush=True)


write(RULES[1])
helper = str(os.getppid())
until, end = os.pipe()
children = []
for _ in range(PROCESSES):
    child = os.fork()
    if child == 0:
        os.close(end)
        storm(until)
        os._exit(0)
    children.append(child)
stale = []
for number in range(ROUNDS):
    rule = number % len(RULES)
    write(RULES[rule])
    subprocess.run([ctl, "reload", helper], check=True, stdout=subprocess.DEVNULL)
    result = outcome("probe.test")
    if (result != "ok") != (rule == 0):
        stale.append((number, result))
os.close(end)
for child in children:
    os.waitpid(child, 0)
print("stale", len(stale), *stale[:2])

"""A little name server that owes nothing to ours: runs a command, and answers it meanwhile.

For the A question of site.test and two.test there is 192.0.2.7, for the PTR question of
their address site.test, of 127.0.0.1 localhost; some names of others' alphabets have an
address each. Another type of theirs has no data, another name is none.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading

PLACES = [(socket.AF_INET, "127.0.0.53"), (socket.AF_INET, "127.0.0.54"), (socket.AF_INET6, "::1")]
A, PTR = 1, 12
RECORDS = {
    (b"\4site\4test\0", A): bytes([192, 0, 2, 7]),
    (b"\3two\4test\0", A): bytes([192, 0, 2, 7]),
    (b"\x0dxn--bcher-kva\4test\0", A): bytes([192, 0, 2, 9]),
    (b"\x0axn--fa-hia\4test\0", A): bytes([192, 0, 2, 10]),
    (b"\7xn--n3h\4test\0", A): bytes([192, 0, 2, 11]),
    (b"\x0cxn--99999999\4test\0", A): bytes([192, 0, 2, 12]),
    (b"\x011\x010\x010\x03127\7in-addr\4arpa\0", PTR): b"\x09localhost\0",
    (b"\x019\x012\x010\x03192\7in-addr\4arpa\0", PTR): b"\x0dxn--bcher-kva\4test\0",
    (b"\x017\x012\x010\x03192\7in-addr\4arpa\0", PTR): b"\4site\4test\0",
}
NAMES = {name for name, _ in RECORDS}


def answer(query: bytes) -> bytes:
    """Answer one question; what cannot be read is a format error."""
    end = query.find(b"\0", 12) + 5
    if query[4:6] != b"\0\1" or end > len(query):
        return query[:2] + b"\x81\x81" + bytes(8)
    question = query[12:end]
    name, (kind,) = question[:-4].lower(), struct.unpack("!H", question[-4:-2])
    data = RECORDS.get((name, kind))
    rcode = 0 if name in NAMES else 3
    head = query[:2] + bytes([0x81, 0x80 | rcode]) + struct.pack("!4H", 1, data is not None, 0, 0)
    if data is None:
        return head + question
    return head + question + struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data


def serve_datagrams(sock: socket.socket) -> None:
    """Answer for ever."""
    while True:
        query, peer = sock.recvfrom(65535)
        sock.sendto(answer(query), peer)


def serve_streams(listener: socket.socket) -> None:
    """Answer one connection after another."""
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            while size := stream.read(2):
                reply = answer(stream.read(int.from_bytes(size, "big")))
                connection.sendall(len(reply).to_bytes(2, "big") + reply)


def main() -> int:
    """Listen, run the command, and end when it does."""
    for family, host in PLACES:
        datagrams, streams = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family)
        datagrams.bind((host, 53))
        streams.bind((host, 53))
        streams.listen()
        for serve, sock in ((serve_datagrams, datagrams), (serve_streams, streams)):
            threading.Thread(target=serve, args=[sock], daemon=True).start()
    return subprocess.run(sys.argv[1:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

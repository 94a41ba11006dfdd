r"""The dialogues with a proxy, for both roles, without any I/O.

Theory of operation
-------------------

A dialogue is a *flow*: a generator that yields what it needs done and is sent
the outcome::

                 flow (pure)                      driver (owns the bytes)
    yield Send(b"\x05\x01\x00")      ------>       writes them all
    yield ReadExactly(2)            ------>       reads two bytes, not three
                                    <------       b"\x05\x00"
    return                          ------>       the next byte is the application's

There are three effects (`effects`), no clock, no socket and no log line, so the
same flow runs over a socket lent by another process, over an asyncio stream and,
in the tests, over plain bytes. A hop in the middle of a chain needs nothing of
its own: its flow runs on the same bytes after the flow of the hop before it.

Three rules hold everywhere:

1. A flow reads exactly. The servers behind a proxy may speak first (SSH, SMTP,
   MySQL), and whatever follows the proxy's reply belongs to the application.
2. A flow ends in a value or in one of three ways: `ProxyRefused` (the peer
   answered properly that it will not), `RemoteProtocolError` (the peer speaks
   something else, or stopped in the middle) or `LocalProtocolError` (the
   protocol cannot carry what was asked). Each knows the errno to show.
3. Both roles live beside each other. What a client packs a server parses with
   the constants of the same module, and one table maps the peer's codes to errno
   in both directions.

====================  =======================================================
`socks4`              SOCKS4 and the 4a extension
`socks5`, `userpass`  RFC 1928 and its sub-negotiation, RFC 1929
`httpconnect`         CONNECT of RFC 9110, section 9.3.6; heads by h11
`handshake`           picks one of them: by the proxy's scheme for a client, by
                      the first byte for a server
`diagnosis`           words for a peer that speaks something else
====================  =======================================================
"""

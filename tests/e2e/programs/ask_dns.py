"""dnspython's own resolver, by UDP and TCP, forwards and backwards; then a query by hand to each."""

from __future__ import annotations

import asyncio

import dns.asyncquery
import dns.message
import dns.query
import dns.resolver

for tcp, server in ((False, "198.51.100.53"), (False, "127.0.0.53"), (True, "::1")):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [server]
    (record,) = resolver.resolve("Site.Test.", "A", tcp=tcp)
    print(server, record.address, resolver.resolve_address(record.address, tcp=tcp)[0])
    try:
        resolver.resolve("site.test.", "MX", tcp=tcp)
    except dns.resolver.NoAnswer:
        print("no answer")
    try:
        resolver.resolve("9.9.9.9.in-addr.arpa.", "PTR", tcp=tcp)
    except dns.resolver.NXDOMAIN:
        print("no such name")

# dnspython drops an answer that does not come from the very address and port that it asked.
query = dns.message.make_query("site.test.", "A")
print(dns.query.udp(query, "192.0.2.53", timeout=5).answer[0][0])
print(asyncio.run(dns.asyncquery.udp(query, "192.0.2.54", timeout=5)).answer[0][0])
print(dns.query.tcp(query, "127.0.0.53", timeout=5).answer[0][0])

"""A proxy server to test against; built from the flows that the wrapper uses.

`SocksServer` for asynchronous tests, `running` for the others, `Script` for what
is to go wrong, `TorLookups` for what a Tor finds.
"""

from __future__ import annotations

from proxywrap.testing.accesslog import Access
from proxywrap.testing.running import RunningServer, running
from proxywrap.testing.script import Script
from proxywrap.testing.socksserver import SocksServer
from proxywrap.testing.torlookups import TorLookups

__all__ = ["Access", "RunningServer", "Script", "SocksServer", "TorLookups", "running"]

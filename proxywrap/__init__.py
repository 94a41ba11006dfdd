"""Run any Linux program through a chain of SOCKS and HTTP proxies."""

__version__ = "0.1.0"

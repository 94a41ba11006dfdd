"""Sockets and the kernel: the only floor below the helper that does I/O."""

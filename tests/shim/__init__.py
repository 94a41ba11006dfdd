"""The shim inside real programs, held against the kernel's own behaviour."""

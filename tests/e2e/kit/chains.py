"""Chains of the bundled server."""

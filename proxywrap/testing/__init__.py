"""A proxy server to test against; built from the flows that the wrapper uses."""

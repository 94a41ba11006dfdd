"""Real programs by name, each under the leak judge."""

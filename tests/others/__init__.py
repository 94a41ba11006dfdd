"""Other projects' own test suites, run wrapped and unwrapped."""

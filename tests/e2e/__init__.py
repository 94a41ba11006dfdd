"""The installed program against real programs and servers that nobody here wrote."""

"""The same small programs unwrapped, under proxywrap and under its peers; `make compare` prints a table."""

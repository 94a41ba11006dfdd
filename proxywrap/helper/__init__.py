"""The helper process: the only place where policy meets I/O."""

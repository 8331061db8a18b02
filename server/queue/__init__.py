"""The delivery queue: the only package that reads and writes its table."""

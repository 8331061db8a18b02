"""The commands of `tools/`."""

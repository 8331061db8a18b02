"""Promises of `server.stats`."""
